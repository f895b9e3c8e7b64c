"""The tree of messages in SQL: the branch up from a leaf, siblings, and the rows of a turn. For `messages.py` alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import msgspec
from sqlalchemy import RowMapping, Select, insert, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import NotFound
from chat_app.messages import AttachmentPart, Parameters, Part, Parts, Usage, storable, text_of
from chat_app.store.blobs import gone
from chat_app.store.database import new_id, now_ms
from chat_app.store.feedback import IS_PREFERRED, IS_THUMB, THUMB, note
from chat_app.store.records import EDITED_FROM, Asked, Details, NewTurn, StoredMessage, Turn, Words
from chat_app.store.tables import attachments, conversations, feedback_events, messages

_encode = msgspec.json.Encoder().encode
_decode_parts = msgspec.json.Decoder(Parts).decode
RECORD = [
    messages.c[name]
    for name in (
        "id", "conversation_id", "parent_id", "role", "status", "model", "revision", "created_at",
        "error_code", "error_text", "error_detail", "recipe_version_id",
    )
]  # fmt: skip

STORED = [messages.c[n] for n in ["id", "parent_id", "role", "parts", "status", "model", "created_at"]]
WHOLE = [*STORED, *(messages.c[n] for n in ["deleted_at", "parameters", "recipe_version_id"])]


def to_json(value: object) -> str:
    """Encode parts or a mapping for a text column."""
    return _encode(value).decode()


def searchable(parts: Parts) -> str:
    """A message's words for the search column. Their JSON may hold what a text column does not take."""
    return storable(text_of(parts))


def path_up(user_id: str, leaf_id: str, limit: int, columns: Sequence[object]) -> Select[tuple[object, ...]]:
    """From the leaf up, newest first: `limit` steps whatever the conversation's length."""
    start = select(messages.c.id, messages.c.parent_id, literal(1).label("depth")).where(
        messages.c.id == leaf_id, messages.c.user_id == user_id
    )
    path = start.cte(recursive=True)
    up = select(messages.c.id, messages.c.parent_id, path.c.depth + 1).where(
        messages.c.id == path.c.parent_id, path.c.depth < limit
    )
    path = path.union_all(up)
    return select(*columns).where(messages.c.id == path.c.id).order_by(path.c.depth)  # type: ignore[call-overload]


def words(user_id: str, ids: Sequence[str]) -> Select[tuple[object, ...]]:
    """Those of some of a person's messages, with what they think of them, as `Words`."""
    names = {field.name for field in fields(Words)} & set(messages.c.keys())
    told = (*(messages.c[name] for name in names), *THUMB, IS_PREFERRED.correlate(messages).label("preferred"))
    query = select(*told).outerjoin_from(messages, feedback_events, IS_THUMB)
    return query.where(messages.c.id.in_(ids), messages.c.user_id == user_id)


async def siblings_of(connection: AsyncConnection, rows: Sequence[RowMapping]) -> dict[str, tuple[str, ...]]:
    """The siblings of each message, itself among them, oldest first, without the deleted."""
    if not rows:
        return {}
    parents = [row["parent_id"] for row in rows if row["parent_id"] is not None]
    branch = messages.c.parent_id.in_(parents)
    if any(row["parent_id"] is None for row in rows):
        branch = or_(branch, messages.c.parent_id.is_(None))
    query = select(messages.c.id, messages.c.parent_id).where(
        messages.c.conversation_id == rows[0]["conversation_id"], messages.c.deleted_at.is_(None), branch
    )
    children: dict[str | None, list[str]] = {}
    for row in await connection.execute(query.order_by(messages.c.id)):
        children.setdefault(row.parent_id, []).append(row.id)
    return {row["id"]: tuple(children.get(row["parent_id"], [row["id"]])) for row in rows}


async def latest_leaf(connection: AsyncConnection, conversation_id: str, message_id: str) -> str:
    """The end of the path from a message down its latest descendants."""
    below = select(messages.c.id, literal(0).label("depth")).where(messages.c.id == message_id).cte(recursive=True)
    child = messages.alias()
    latest = (
        select(child.c.id)
        .where(
            child.c.conversation_id == conversation_id,
            child.c.parent_id == below.c.id,
            child.c.deleted_at.is_(None),
        )
        .order_by(child.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    below = below.union_all(select(latest, below.c.depth + 1).where(latest.is_not(null())))
    query = select(below.c.id).order_by(below.c.depth.desc()).limit(1)
    return str((await connection.execute(query)).scalar_one())


async def one(connection: AsyncConnection, user_id: str, message_id: str) -> RowMapping:
    """One message's row.

    Raises:
        NotFound: No such message, or someone else's.
    """
    query = select(*RECORD).where(messages.c.id == message_id, messages.c.user_id == user_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such message here.")
    return row


async def turn_of_key(connection: AsyncConnection, user_id: str, key: str) -> Turn | None:
    """The turn that a send with this key made, if there was one."""
    reply = messages.alias()
    query = (
        select(messages.c.conversation_id, messages.c.id, reply.c.id)
        .where(
            messages.c.user_id == user_id,
            messages.c.idempotency_key == key,
            reply.c.parent_id == messages.c.id,
        )
        .order_by(reply.c.id)
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Turn(row[0], row[1], row[2], "", False)


async def id_of_key(connection: AsyncConnection, user_id: str, key: str) -> str | None:
    """The message that a request with this key made, if there was one."""
    query = select(messages.c.id).where(messages.c.user_id == user_id, messages.c.idempotency_key == key)
    return (await connection.execute(query)).scalar_one_or_none()


EMPTY: dict[str, object] = {
    "parts": "[]", "search_text": "", "status": "complete", "revision": 0, "model": "", "deployment": "",
    "request_sent": "{}", "request_dropped": "[]", "error_text": "", "error_detail": "", "notes": "{}",
    "idempotency_key": None, "heartbeat_at": None, "generation_id": None, "parameters": "{}", "recipe_version_id": None,
    "is_side_by_side": False,
}  # fmt: skip
"""A message of which nothing is known: the same columns in each, so that several rows go in by one statement."""


async def insert_turn(connection: AsyncConnection, user_id: str, turn: NewTurn) -> Turn:
    """Store a question and its answer's row, and begin the conversation where there is none.

    Raises:
        NotFound: No such conversation, or no such message to follow, or someone else's.
        FileRefused: No such file, or someone else's.
    """
    conversation_id, at = turn.conversation_id or new_id(), now_ms()
    question_id, reply_id, generation_id = new_id(), new_id(), new_id()
    if turn.conversation_id is None:
        await connection.execute(
            insert(conversations).values(
                id=conversation_id, created_at=at, user_id=user_id, title=turn.title, title_source="question",
                model=turn.conversation_model or turn.model, parameters=to_json(turn.layer), pinned=False, read_at=at,
                updated_at=at, leaf_message_id=reply_id,
            )
        )  # fmt: skip
    elif turn.parent_id is not None:
        parent = await one(connection, user_id, turn.parent_id)
        if parent["conversation_id"] != conversation_id:
            raise NotFound("There is no such message here.")
    else:
        owner = select(conversations.c.id).where(
            conversations.c.id == conversation_id, conversations.c.user_id == user_id
        )
        if (await connection.execute(owner)).first() is None:
            raise NotFound("There is no such conversation here.")
    question = EMPTY | {
        "id": question_id, "created_at": at, "conversation_id": conversation_id, "user_id": user_id,
        "parent_id": turn.parent_id, "role": "user", "parts": to_json(turn.parts),
        "search_text": searchable(turn.parts), "idempotency_key": turn.idempotency_key,
        "is_side_by_side": turn.is_compared,
    }  # fmt: skip
    new = Turn(conversation_id, question_id, reply_id, generation_id, True)
    await connection.execute(insert(messages), [question, reply_row(user_id, new, turn.model, turn.asked)])
    own = tuple([await _owned(connection, user_id, question_id, part) for part in turn.parts])
    if own != turn.parts:
        mine = update(messages).where(messages.c.id == question_id)
        await connection.execute(mine.values(parts=to_json(own)))
    if turn.conversation_id is not None:
        await show(connection, conversation_id, reply_id, model=turn.conversation_model or turn.model)
    return new


async def _owned(connection: AsyncConnection, user_id: str, message_id: str, part: Part) -> Part:
    """A part of a new message, whose file is the message's own: one that another has is there a second time.

    Raises:
        FileRefused: There is no such file, or it is someone else's.
    """
    if not isinstance(part, AttachmentPart):
        return part
    mine = (attachments.c.id == part.attachment_id, attachments.c.user_id == user_id)
    unsent = update(attachments).where(*mine, attachments.c.message_id.is_(None)).values(message_id=message_id)
    if (await connection.execute(unsent)).rowcount:
        return part
    own_id = new_id()
    same = [attachments.c[name] for name in ("user_id", "blob_id", "name", "media_type", "transcript")]
    new = select(literal(own_id), literal(now_ms()), literal(message_id), *same).where(*mine)
    columns = ["id", "created_at", "message_id", *(column.name for column in same)]
    if not (await connection.execute(insert(attachments).from_select(columns, new))).rowcount:
        raise gone(part.attachment_id)
    return msgspec.structs.replace(part, attachment_id=own_id)


def reply_row(user_id: str, turn: Turn, model: str, asked: Asked) -> dict[str, object]:
    """The row of a running answer."""
    at = now_ms()
    return EMPTY | asked_columns(asked) | {
        "id": turn.reply_id, "created_at": at, "conversation_id": turn.conversation_id, "user_id": user_id,
        "parent_id": turn.question_id, "role": "assistant", "status": "streaming", "model": model, "heartbeat_at": at,
        "generation_id": turn.generation_id,
    }  # fmt: skip


def asked_columns(asked: Asked) -> dict[str, str | None]:
    """What an answer is asked with, as its row has it."""
    system: Parameters = {"system_prompt": asked.system} if asked.system else {}
    return {"parameters": to_json(system | asked.parameters), "recipe_version_id": asked.recipe_version_id}


def details_of(row: RowMapping) -> Details:
    """How an answer came about."""
    own = {field.name for field in fields(Details)} & row.keys() - {"notes"}
    parameters = msgspec.json.decode(row["parameters"])
    return Details(
        **{name: row[name] for name in own},
        sent=msgspec.json.decode(row["request_sent"]),
        dropped=tuple(msgspec.json.decode(row["request_dropped"])),
        notes=msgspec.json.decode(row["notes"]),
        usage=Usage(row["input_tokens"], row["output_tokens"], row["cached_tokens"], row["reasoning_tokens"]),
        asked=Asked(parameters.pop("system_prompt", ""), parameters, row["recipe_version_id"]),
    )


async def insert_version(
    connection: AsyncConnection, user_id: str, of: RowMapping, version_id: str, parts: Parts, key: str
) -> None:
    """Store a person's own version of an answer beside it."""
    asked = select(messages.c.parameters, messages.c.recipe_version_id).where(messages.c.id == of["id"])
    version = EMPTY | dict((await connection.execute(asked)).mappings().one()) | {
        "id": version_id, "created_at": now_ms(), "conversation_id": of["conversation_id"], "user_id": user_id,
        "parent_id": of["parent_id"], "role": of["role"], "parts": to_json(parts), "search_text": searchable(parts),
        "model": of["model"], "notes": to_json({EDITED_FROM: of["id"]}), "idempotency_key": key,
    }  # fmt: skip
    await connection.execute(insert(messages), [version])
    await note(connection, user_id, "edit", of["id"], others=[version_id])


async def show(connection: AsyncConnection, conversation_id: str, leaf_id: str | None, *, model: str = "") -> None:
    """Bring a leaf into view, and note that the conversation was read and moved on now."""
    at = now_ms()
    changes: dict[str, object] = {"updated_at": at, "read_at": at}
    if leaf_id is not None:
        changes["leaf_message_id"] = leaf_id
    if model:
        changes["model"] = model
    await connection.execute(update(conversations).where(conversations.c.id == conversation_id).values(**changes))


def stored(row: RowMapping) -> StoredMessage:
    """A row as history, or with all of `WHOLE` as an export has it."""
    return StoredMessage(
        row["id"],
        row["parent_id"],
        row["role"],
        _decode_parts(row["parts"]),
        row["status"],
        row["model"],
        row["created_at"],
        msgspec.json.decode(row.get("parameters", "{}")),
        row.get("recipe_version_id"),
    )
