"""Sets of prompts, and the questions that were asked before, of which such a set can be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from chat_app.errors import NotFound
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.deleted import with_all_below
from chat_app.store.replay_tables import prompt_sets, prompts, replays
from chat_app.store.tables import conversations, feedback_events, messages, recipe_versions

_MISSING = "There is no such set of prompts here."
_BEGINNING = 300  # characters
_AT_ONCE = 500  # rows of a statement


@dataclass(frozen=True, slots=True)
class NewPrompt:
    """A prompt to keep: `messages` is JSON. `message_id` is where it was asked, if so."""

    messages: str
    expected: str = ""
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt of a set, by its position, which begins with 0."""

    position: int
    messages: str
    expected: str
    message_id: str | None


@dataclass(frozen=True, slots=True)
class SetRecord:
    """A set of prompts without them. `checks` is JSON."""

    id: str
    created_at: int
    name: str
    checks: str
    prompts: int
    replays: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was asked before (its beginning), with how often each thumb was given to its answers."""

    id: str
    conversation_id: str
    text: str
    created_at: int
    up: int
    down: int


class PromptStore:
    """Reads and writes them. Every query goes through the owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: str, name: str, checks: str, rows: Sequence[NewPrompt]) -> str:
        """Keep a set.

        Returns:
            Its id.
        """
        set_id = new_id()
        made = [
            {
                "set_id": set_id,
                "position": position,
                "messages": row.messages,
                "expected": row.expected,
                "message_id": row.message_id,
            }
            for position, row in enumerate(rows)
        ]
        values = {"id": set_id, "created_at": now_ms(), "user_id": user_id, "name": name, "checks": checks}
        async with self._database.write() as connection:
            await connection.execute(insert(prompt_sets), [values])
            for at in range(0, len(made), _AT_ONCE):
                await connection.execute(insert(prompts), made[at : at + _AT_ONCE])
        return set_id

    async def sets(self, user_id: str) -> list[SetRecord]:
        """All of a person's, the newest first."""
        return await self._sets(prompt_sets.c.user_id == user_id)

    async def one(self, user_id: str, set_id: str) -> SetRecord:
        """One of them.

        Raises:
            NotFound: No such set, or someone else's.
        """
        found = await self._sets(and_(prompt_sets.c.user_id == user_id, prompt_sets.c.id == set_id))
        if not found:
            raise NotFound(_MISSING)
        return found[0]

    async def prompts(
        self, set_id: str, first: int = 0, limit: int | None = None, *, positions: Sequence[int] | None = None
    ) -> list[Prompt]:
        """Those of a set, in their order: from a position on, or at some."""
        names = [prompts.c[name] for name in ("position", "messages", "expected", "message_id")]
        query = select(*names).where(prompts.c.set_id == set_id, prompts.c.position >= first)
        query = query if positions is None else query.where(prompts.c.position.in_(positions))
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(prompts.c.position).limit(limit))).mappings()
            return [Prompt(**row) for row in rows]

    async def change(self, user_id: str, set_id: str, **values: str) -> None:
        """Give it another name, or other checks, which count for later replays.

        Raises:
            NotFound: No such set, or someone else's.
        """
        mine = (prompt_sets.c.id == set_id, prompt_sets.c.user_id == user_id)
        async with self._database.write() as connection:
            if (await connection.execute(update(prompt_sets).where(*mine).values(**values))).rowcount != 1:
                raise NotFound(_MISSING)

    async def remove(self, user_id: str, set_id: str) -> None:
        """Delete it with its replays, for good.

        Raises:
            NotFound: No such set, or someone else's.
        """
        mine = (prompt_sets.c.id == set_id, prompt_sets.c.user_id == user_id)
        async with self._database.write() as connection:
            if (await connection.execute(delete(prompt_sets).where(*mine))).rowcount != 1:
                raise NotFound(_MISSING)

    async def asked(
        self,
        user_id: str,
        *,
        limit: int,
        recipe_id: str = "",
        thumb: str = "",
        of: Sequence[str] | None = None,
    ) -> list[Asked]:
        """Questions that were asked and are still there, the newest first.

        Args:
            user_id: Whose.
            limit: How many at most.
            recipe_id: Only those with an answer by a version of this recipe.
            thumb: Only those with an answer of such a thumb.
            of: Only these, or those that these answer.
        """
        answer = messages.alias()
        is_answer = and_(answer.c.parent_id == messages.c.id, answer.c.role == "assistant")
        thumbs = {
            name: func.count(func.distinct(feedback_events.c.message_id)).filter(feedback_events.c.kind == name)
            for name in ("up", "down")
        }
        gone = select(with_all_below(and_(messages.c.user_id == user_id, messages.c.deleted_at.is_not(None))).c.id)
        where = [
            messages.c.user_id == user_id, messages.c.role == "user", messages.c.id.not_in(gone),
            messages.c.search_text != "", conversations.c.deleted_at.is_(None),
        ]  # fmt: skip
        if recipe_id:
            own = select(recipe_versions.c.id).where(recipe_versions.c.recipe_id == recipe_id)
            shipped = answer.c.recipe_version_id.startswith(f"{recipe_id}@", autoescape=True)
            where.append(or_(shipped, answer.c.recipe_version_id.in_(own)))
        if of is not None:
            where.append(or_(messages.c.id.in_(of), answer.c.id.in_(of)))
        rated = and_(feedback_events.c.message_id == answer.c.id, feedback_events.c.kind.in_(("up", "down")))
        query = (
            select(
                messages.c.id, messages.c.conversation_id, messages.c.created_at,
                func.substr(messages.c.search_text, 1, _BEGINNING).label("text"), thumbs["up"].label("up"),
                thumbs["down"].label("down"),
            )
            .select_from(
                messages.join(conversations, conversations.c.id == messages.c.conversation_id)
                .join(answer, is_answer)
                .outerjoin(feedback_events, rated)
            )
            .where(*where)
            .group_by(messages.c.id, messages.c.conversation_id, messages.c.created_at, messages.c.search_text)
        )  # fmt: skip
        if thumb:
            query = query.having(thumbs[thumb] > 0)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(messages.c.id.desc()).limit(limit))).mappings()
            return [Asked(**row) for row in rows]

    async def _sets(self, where: ColumnElement[bool]) -> list[SetRecord]:
        names = [prompt_sets.c[name] for name in ("id", "created_at", "name", "checks")]
        counts = [
            select(func.count()).where(table.c.set_id == prompt_sets.c.id).scalar_subquery().label(table.name)
            for table in (prompts, replays)
        ]
        query = select(*names, *counts).where(where).order_by(prompt_sets.c.id.desc())
        async with self._database.read() as connection:
            return [SetRecord(**row) for row in (await connection.execute(query)).mappings()]
