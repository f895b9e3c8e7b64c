"""How answers did, per day, model and version of a recipe: counted from messages and what was thought of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, or_, select, true

from chat_app.store.database import Database, total
from chat_app.store.deleted import with_all_below
from chat_app.store.feedback import IS_THUMB, THUMB
from chat_app.store.tables import conversations, feedback_events, messages

_DAY_MS = 86_400_000
_BEGINNING = 300  # characters
_KINDS = {"up": "up", "down": "down", "regenerated": "regenerate", "edited": "edit", "preferred": "prefer"}
_SPEAKING = and_(messages.c.output_tokens.is_not(None), messages.c.duration_ms > messages.c.first_token_ms)


def _has(*kinds: str) -> ColumnElement[bool]:
    noted = select(feedback_events.c.id).where(
        feedback_events.c.message_id == messages.c.id, feedback_events.c.kind.in_(kinds)
    )
    return noted.correlate(messages).exists()


FIGURES: dict[str, ColumnElement[bool]] = {
    "answers": true(),
    "stopped": messages.c.status == "stopped",
    "failed": messages.c.status.in_(("failed", "interrupted")),
    "rated": _has("up", "down"),
    **{name: _has(kind) for name, kind in _KINDS.items()},
    "first_tokens": messages.c.first_token_ms.is_not(None),
    "speaking": _SPEAKING,
    "priced": messages.c.cost_micros.is_not(None),
}
"""Which answers each figure is made of."""


@dataclass(frozen=True, slots=True)
class FigureLine:
    """What was counted of one day's answers of a model by a version of a recipe, or by none.

    Args:
        day: Days since 1970 in the reader's time.
        model: Who answered.
        recipe_version_id: By which version.
        answers: How many, however they ended.
        stopped: Of these, stopped by the person.
        failed: Of these, failed or broken off.
        up: Thumbs up.
        down: Thumbs down.
        regenerated: Asked for anew though they were complete.
        edited: Edited by the person.
        preferred: Preferred to others.
        first_tokens: Of how many the time to the first token is known.
        first_token_ms: Those times, together.
        tokens: Tokens of answers whose time after the first one is known.
        speaking_ms: Those times, together.
        priced: Of how many the cost is known.
        cost_micros: Those, together, in micro-dollars.
    """

    day: int
    model: str
    recipe_version_id: str | None
    answers: int
    stopped: int
    failed: int
    up: int
    down: int
    regenerated: int
    edited: int
    preferred: int
    first_tokens: int
    first_token_ms: int
    tokens: int
    speaking_ms: int
    priced: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class Behind:
    """An answer behind a figure: where it stands, what was asked and said (its beginning), and what was thought of it.

    Times are milliseconds, `cost_micros` micro-dollars; None is unknown. `tags` is JSON.
    """

    id: str
    conversation_id: str
    title: str
    question: str
    words: str
    created_at: int
    model: str
    status: str
    first_token_ms: int | None
    duration_ms: int | None
    output_tokens: int | None
    cost_micros: int | None
    thumb: str | None
    tags: str | None
    comment: str | None

    @property
    def tokens_per_s(self) -> float | None:
        """After the first one."""
        speaking_ms = (self.duration_ms or 0) - (self.first_token_ms or 0)
        if self.output_tokens is None or self.first_token_ms is None or speaking_ms <= 0:
            return None
        return self.output_tokens * 1000 / speaking_ms


@dataclass(frozen=True, slots=True)
class Slice:
    """Of a person's answers those of a model by a version of a recipe ("" is none), that a figure counts.

    Args:
        what: Which figure: a name of `FIGURES`.
        model: Who answered.
        recipe_version_id: By which version.
        since_ms: From when on.
        until_ms: Before when.
    """

    what: str
    model: str
    recipe_version_id: str
    since_ms: int
    until_ms: int


class FigureStore:
    """Counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, user_id: str, since_ms: int, offset_ms: int = 0) -> list[FigureLine]:
        """A person's answers since then that are still there, the newest day first.

        Args:
            user_id: Whose.
            since_ms: From when on.
            offset_ms: How far the reader's clock is ahead of UTC: days begin where they are.
        """
        async with self._database.read() as connection:
            rows = (await connection.execute(_lines(user_id, since_ms, offset_ms))).mappings()
            return [FigureLine(**row) for row in rows]

    async def behind(self, user_id: str, part: Slice, limit: int, before: str = "") -> list[Behind]:
        """The answers that a figure counts, the newest first.

        Args:
            user_id: Whose.
            part: Which.
            limit: How many at most.
            before: The id of the last one seen.
        """
        of = messages.c
        version = func.coalesce(of.recipe_version_id, "")
        where = [
            FIGURES[part.what], of.model == part.model, version == part.recipe_version_id,
            of.created_at >= part.since_ms, of.created_at < part.until_ms,
        ]  # fmt: skip
        if before:
            where.append(of.id < before)
        question = messages.alias()
        names = ("id", "conversation_id", "created_at", "model", "status")
        figures = ("first_token_ms", "duration_ms", "output_tokens", "cost_micros")
        query = select(
            *(of[name] for name in (*names, *figures)),
            conversations.c.title,
            func.substr(of.search_text, 1, _BEGINNING).label("words"),
            func.coalesce(func.substr(question.c.search_text, 1, _BEGINNING), "").label("question"),
            *THUMB,
        )
        stands = _stands().outerjoin(question, question.c.id == of.parent_id)
        query = query.select_from(stands.outerjoin(feedback_events, IS_THUMB)).where(*_counted(user_id), *where)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(of.id.desc()).limit(limit))).mappings()
            return [Behind(**row) for row in rows]


def _lines(user_id: str, since_ms: int, offset_ms: int) -> Select[tuple[object, ...]]:
    of, events = messages.c, feedback_events.c
    day = (of.created_at + offset_ms) // _DAY_MS
    noted = (
        select(
            events.message_id,
            *(func.max(case((events.kind == kind, 1), else_=0)).label(name) for name, kind in _KINDS.items()),
        )
        .where(events.user_id == user_id)
        .group_by(events.message_id)
        .subquery()
    )
    counted: dict[str, ColumnElement[int]] = {
        "answers": func.count(),
        "stopped": _count(FIGURES["stopped"]),
        "failed": _count(FIGURES["failed"]),
        **{name: total(noted.c[name]) for name in _KINDS},
        "first_tokens": func.count(of.first_token_ms),
        "first_token_ms": total(of.first_token_ms),
        "tokens": total(case((_SPEAKING, of.output_tokens))),
        "speaking_ms": total(case((_SPEAKING, of.duration_ms - of.first_token_ms))),
        "priced": func.count(of.cost_micros),
        "cost_micros": total(of.cost_micros),
    }
    return (
        select(day.label("day"), of.model, of.recipe_version_id, *(each.label(name) for name, each in counted.items()))
        .select_from(_stands().outerjoin(noted, noted.c.message_id == of.id))
        .where(*_counted(user_id), of.created_at >= since_ms)
        .group_by(day, of.model, of.recipe_version_id)
        .order_by(day.desc(), of.model, of.recipe_version_id)
    )


def _stands() -> FromClause:
    return messages.join(conversations, conversations.c.id == messages.c.conversation_id)


def _counted(user_id: str) -> tuple[ColumnElement[bool], ...]:
    """A person's answers that are still there, have ended, and are a model's: not their own, nor imported."""
    of = messages.c
    gone = select(with_all_below(and_(of.user_id == user_id, of.deleted_at.is_not(None))).c.id)
    was_asked = or_(of.duration_ms.is_not(None), of.error_code.is_not(None))
    return (
        of.user_id == user_id, of.role == "assistant", was_asked, of.status != "streaming", of.id.not_in(gone),
        conversations.c.deleted_at.is_(None),
    )  # fmt: skip


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))
