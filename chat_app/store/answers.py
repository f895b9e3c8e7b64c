"""Running answers in SQL: what was said so far, how each ended, and what becomes of those that nobody writes any more.

A running answer belongs to one generation. Whoever writes to it names that generation, so that a writer that was
thought dead and comes back cannot overwrite the one that took over.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select, update

from chat_app.messages import Parts, ReasoningPart, TextPart
from chat_app.store.database import Database, now_ms
from chat_app.store.records import Checkpoint, Found, Settlement
from chat_app.store.tables import conversations, messages
from chat_app.store.tree import STORED, searchable, stored, to_json


class AnswerStore:
    """Writes running answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def checkpoint(self, checkpoints: Sequence[Checkpoint]) -> Found:
        """Store the text so far of running answers, in one transaction; this is their heartbeat too."""
        rows = [
            {"b_id": c.message_id, "b_generation": c.generation_id, "parts": to_json(c.parts), "heartbeat_at": now_ms(),
             "search_text": searchable(c.parts)}
            for c in checkpoints
        ]  # fmt: skip
        if not rows:
            return Found()
        statement = (
            update(messages)
            .where(messages.c.id == bindparam("b_id"), messages.c.generation_id == bindparam("b_generation"))
            .values(
                status="streaming", revision=messages.c.revision + 1,
                parts=bindparam("parts"), heartbeat_at=bindparam("heartbeat_at"), search_text=bindparam("search_text"),
            )
        )  # fmt: skip
        query = select(messages.c.generation_id, messages.c.status, messages.c.conversation_id).where(
            messages.c.id.in_([c.message_id for c in checkpoints])
        )
        async with self._database.write() as connection:
            owners = {row.generation_id: row for row in await connection.execute(query)}
            mine = {c.generation_id for c in checkpoints}
            found = Found(mine - owners.keys(), {g for g in mine & owners.keys() if owners[g].status != "streaming"})
            await connection.execute(statement, rows)
            if found.revived:  # pages that show it as ended read it again
                where = [owners[generation].conversation_id for generation in found.revived]
                moved_on = update(conversations).where(conversations.c.id.in_(where))
                await connection.execute(moved_on.values(updated_at=now_ms()))
        return found

    async def settle(self, ended: Settlement) -> None:
        """Store how an answer ended, unless another generation has taken it over.

        The generation ends with it: a checkpoint that was on its way meanwhile finds nothing to write to.
        """
        async with self._database.write() as connection:
            await connection.execute(
                update(messages)
                .where(messages.c.id == ended.message_id, messages.c.generation_id == ended.generation_id)
                .values(
                    status=ended.status, parts=to_json(ended.parts), search_text=searchable(ended.parts),
                    revision=messages.c.revision + 1, model=ended.model or messages.c.model,
                    deployment=ended.deployment, request_sent=to_json(ended.sent),
                    request_dropped=to_json(ended.dropped), notes=to_json(ended.notes),
                    finish_reason=ended.finish_reason, input_tokens=ended.usage.input_tokens,
                    output_tokens=ended.usage.output_tokens, cached_tokens=ended.usage.cached_tokens,
                    reasoning_tokens=ended.usage.reasoning_tokens,
                    cost_micros=ended.cost_micros, first_token_ms=ended.first_token_ms,
                    duration_ms=ended.duration_ms, error_code=ended.error_code, error_text=ended.error_text,
                    error_detail=ended.error_detail, heartbeat_at=None, generation_id=None,
                )
            )  # fmt: skip
            await connection.execute(
                update(conversations).where(conversations.c.id == ended.conversation_id).values(updated_at=now_ms())
            )

    async def reap(self, silent_since_ms: int, spared: Sequence[str] = ()) -> list[tuple[str, str, str, str]]:
        """Mark running answers whose heartbeat is older as interrupted.

        Args:
            silent_since_ms: How old.
            spared: Ids of messages that are known to live.

        Returns:
            Their (user id, conversation id, message id, generation id).
        """
        statement = (
            update(messages)
            .where(
                messages.c.status == "streaming",
                or_(messages.c.heartbeat_at < silent_since_ms, messages.c.heartbeat_at.is_(None)),
                messages.c.id.not_in(spared),
            )
            .values(status="interrupted", revision=messages.c.revision + 1)
            .returning(messages.c.user_id, messages.c.conversation_id, messages.c.id, messages.c.generation_id)
        )
        async with self._database.write() as connection:
            return [(row[0], row[1], row[2], row[3] or "") for row in await connection.execute(statement)]

    async def salvage(self, message_id: str, generation_id: str, parts: Parts) -> bool:
        """Store more of an interrupted answer than its last checkpoint had.

        Returns:
            Whether it is still interrupted, and nobody else has it.
        """
        is_it = (
            (messages.c.id == message_id)
            & (messages.c.status == "interrupted")
            & (func.coalesce(messages.c.generation_id, "") == generation_id)
        )
        statement = update(messages).where(is_it).values(
            parts=to_json(parts), search_text=searchable(parts), revision=messages.c.revision + 1
        )  # fmt: skip
        async with self._database.write() as connection:
            row = (await connection.execute(select(*STORED).where(is_it))).mappings().one_or_none()
            if row is not None and _length(stored(row).parts) < _length(parts):
                await connection.execute(statement)
        return row is not None


def _length(parts: Parts) -> int:
    """Characters said and thought: the log knows no times, so that the JSON of the same words differs."""
    return sum(len(part.text) for part in parts if isinstance(part, TextPart | ReasoningPart))
