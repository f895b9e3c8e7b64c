"""What people think of answers: one stream of events on messages, which name their model and recipe version.

A thumb is what its person thinks now, and an answer has one at most; of the answers to a question, one at most is
preferred to others. The rest happened: an answer was edited, or asked for anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, RowMapping, and_, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import Conflict, NotFound
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.deleted import revisions
from chat_app.store.tables import feedback_events, messages

Thumb: TypeAlias = Literal["up", "down"]
EventKind: TypeAlias = Literal["up", "down", "edit", "regenerate", "prefer"]
_THUMBS: tuple[Thumb, ...] = ("up", "down")
_AT_ONCE = 5000  # ids in a statement, which may have 32,766
_encode = msgspec.json.Encoder().encode

IS_PREFERRED = exists().where(feedback_events.c.message_id == messages.c.id, feedback_events.c.kind == "prefer")
"""Whether a message is preferred to others."""
IS_THUMB = and_(feedback_events.c.message_id == messages.c.id, feedback_events.c.kind.in_(_THUMBS))
"""Joins a message and its thumb."""
THUMB = [feedback_events.c.kind.label("thumb"), feedback_events.c.tags, feedback_events.c.comment]


@dataclass(frozen=True, slots=True)
class Rating:
    """A thumb, with why: names of reasons, and what is said besides; None is what was said with the same thumb."""

    thumb: Thumb
    tags: tuple[str, ...] | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to an answer, which was given by a model and a version of a recipe, under a system prompt.

    `others` are the version that was made of it, the answer that came instead, or those that it was preferred to; what
    of it is deleted is left out.
    """

    kind: EventKind
    message_id: str
    others: tuple[str, ...]
    tags: tuple[str, ...]
    comment: str
    created_at: int
    model: str
    recipe_version_id: str | None
    system: str


class FeedbackStore:
    """Reads and writes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rate(self, user_id: str, message_id: str, rating: Rating) -> Rating:
        """Store what a person thinks of an answer now, instead of what they thought.

        Returns:
            It, as it is kept.

        Raises:
            NotFound: No such answer, or someone else's.
            Conflict: It is still running.
        """
        async with self._database.write() as connection:
            if await _status(connection, user_id, message_id) == "streaming":
                raise Conflict("This answer is still running.")
            before = (await connection.execute(select(*THUMB).where(*_thumb_of(message_id)))).one_or_none()
            same = before if before is not None and before.thumb == rating.thumb else None
            tags, comment = rating.tags, rating.comment
            if tags is None:
                tags = tuple(msgspec.json.decode(same.tags)) if same else ()
            if comment is None:
                comment = same.comment if same else ""
            await connection.execute(delete(feedback_events).where(*_thumb_of(message_id)))
            await note(connection, user_id, rating.thumb, message_id, tags=tags, comment=comment)
        return Rating(rating.thumb, tags, comment)

    async def withdraw(self, user_id: str, message_id: str) -> None:
        """Forget what a person thinks of an answer.

        Raises:
            NotFound: No such answer, or someone else's.
        """
        async with self._database.write() as connection:
            await _status(connection, user_id, message_id)
            await connection.execute(delete(feedback_events).where(*_thumb_of(message_id)))

    async def prefer(self, user_id: str, message_id: str, others: Sequence[str]) -> None:
        """Store that an answer is better than others to the same question, instead of what was said of these.

        Raises:
            NotFound: No such answer, or someone else's; or one of the others is no other answer to its question.
            Conflict: It is still running, or one of the others is.
        """
        async with self._database.write() as connection:
            if await _status(connection, user_id, message_id) == "streaming":
                raise Conflict("This answer is still running.")
            beside = await _beside(connection, message_id)
            there = {each: status for each, (status, is_deleted) in beside.items() if not is_deleted}
            if not there.keys() >= set(others):
                raise NotFound("There is no such answer here.")
            if any(there[each] == "streaming" for each in others):
                raise Conflict("One of these answers is still running.")
            await connection.execute(delete(feedback_events).where(*_preferences([message_id, *beside])))
            await note(connection, user_id, "prefer", message_id, others=others)

    async def prefer_none(self, user_id: str, message_id: str) -> None:
        """Forget that an answer was better than others.

        Raises:
            NotFound: No such answer, or someone else's.
        """
        async with self._database.write() as connection:
            await _status(connection, user_id, message_id)
            await connection.execute(delete(feedback_events).where(*_preferences([message_id])))

    async def events(self, user_id: str) -> list[Event]:
        """All of a person's whose answers are still there, the oldest first."""
        of = feedback_events.c
        names = (of.kind, of.message_id, of.others, of.tags, of.comment, of.created_at)
        query = select(*names, messages.c.model, messages.c.recipe_version_id, messages.c.parameters)
        query = query.join(messages, messages.c.id == of.message_id).where(of.user_id == user_id).order_by(of.id)
        async with self._database.read() as connection:
            found = [_event(row) for row in (await connection.execute(query)).mappings()]
            ids = sorted({each for event in found for each in (event.message_id, *event.others)})
            there = set[str]()
            for start in range(0, len(ids), _AT_ONCE):
                there |= (await revisions(connection, user_id, ids[start : start + _AT_ONCE])).keys()
        kept = [replace(each, others=tuple(o for o in each.others if o in there)) for each in found]
        return [each for each in kept if each.message_id in there]


async def _status(connection: AsyncConnection, user_id: str, message_id: str) -> str:
    """That of a person's answer, which nobody else rates until the transaction ends.

    Raises:
        NotFound: No such answer, or someone else's.
    """
    mine = (messages.c.id == message_id, messages.c.user_id == user_id, messages.c.role == "assistant")
    status = await connection.scalar(select(messages.c.status).where(*mine).with_for_update())
    if status is None:
        raise NotFound("There is no such answer here.")
    return status


async def _beside(connection: AsyncConnection, message_id: str) -> dict[str, tuple[str, bool]]:
    """(status, whether it is deleted) of the other answers to its question; nobody else votes until all is done."""
    question = select(messages.c.parent_id).where(messages.c.id == message_id).scalar_subquery()
    await connection.execute(select(messages.c.id).where(messages.c.id == question).with_for_update())
    other = messages.alias()
    query = select(other.c.id, other.c.status, other.c.deleted_at).join(
        messages, and_(messages.c.conversation_id == other.c.conversation_id, messages.c.parent_id == other.c.parent_id)
    )
    query = query.where(messages.c.id == message_id, other.c.id != message_id)
    return {row.id: (row.status, row.deleted_at is not None) for row in await connection.execute(query)}


def _preferences(message_ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return feedback_events.c.message_id.in_(message_ids), feedback_events.c.kind == "prefer"


def _thumb_of(message_id: str) -> tuple[ColumnElement[bool], ...]:
    return feedback_events.c.message_id == message_id, feedback_events.c.kind.in_(_THUMBS)


def _event(row: RowMapping) -> Event:
    parameters = msgspec.json.decode(row["parameters"])
    return Event(
        row["kind"], row["message_id"], tuple(msgspec.json.decode(row["others"])),
        tuple(msgspec.json.decode(row["tags"])), row["comment"], row["created_at"], row["model"],
        row["recipe_version_id"], parameters.get("system_prompt", ""),
    )  # fmt: skip


async def note(
    connection: AsyncConnection,
    user_id: str,
    kind: EventKind,
    message_id: str,
    *,
    others: Sequence[str] = (),
    tags: Sequence[str] = (),
    comment: str = "",
) -> None:
    """Within a transaction, add an event.

    Args:
        connection: Of a write transaction.
        user_id: Whose.
        kind: What happened.
        message_id: To which answer.
        others: The version that was made of it, the answer that took its place, or those it was preferred to.
        tags: Names of reasons.
        comment: What was said.
    """
    event = {
        "id": new_id(), "created_at": now_ms(), "user_id": user_id, "message_id": message_id, "kind": kind,
        "tags": _encode(tags).decode(), "comment": comment, "others": _encode(others).decode(),
    }  # fmt: skip
    await connection.execute(insert(feedback_events), [event])
