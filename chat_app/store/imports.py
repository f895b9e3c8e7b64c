"""Conversations from files as rows: made before the transaction that stores them, which is to be short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import RowMapping, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.messages import AttachmentPart, Part, Parts
from chat_app.store.database import new_id, now_ms
from chat_app.store.records import ConversationRecord, StoredMessage
from chat_app.store.tables import attachments
from chat_app.store.tree import EMPTY, searchable, to_json

BATCH = 1000
"""Rows that are stored by one statement."""
_OWN = ("user_id", "blob_id", "name", "media_type", "transcript")


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversation from a file.

    `key` outlives its ids, which are made anew; in `thread` parents come before children. Its parts may name files of
    the person's; of those in an archive `transcripts` have what is said in them, by the names they have there.
    """

    key: str
    record: ConversationRecord
    thread: Sequence[StoredMessage]
    transcripts: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Rows:
    """A conversation as its rows, and (a message's row, its parts) of those that files came with."""

    conversation: dict[str, object]
    messages: list[dict[str, object]]
    with_files: list[tuple[dict[str, object], Parts]]


@dataclass(slots=True)
class Files:
    """What becomes of the files that imported messages name: one that was not sent is the message's, others are copied.

    `missing` counts those that are not there, of which messages keep the names.
    """

    claims: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    copies: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    missing: int = 0

    async def store(self, connection: AsyncConnection) -> None:
        """Write it down, once the messages are there."""
        if self.claims:
            claim = update(attachments).where(attachments.c.id == bindparam("b_id"))
            await connection.execute(claim.values(message_id=bindparam("b_message_id")), self.claims)
        for start in range(0, len(self.copies), BATCH):
            await connection.execute(insert(attachments), self.copies[start : start + BATCH])


def imported_rows(user_id: str, entries: Iterable[Imported]) -> tuple[int, dict[str, Rows]]:
    """Count the entries, and make rows of each key; a key's first counts."""
    count, made = 0, dict[str, Rows]()
    for entry in entries:
        count += 1
        if entry.key not in made:
            made[entry.key] = _rows(user_id, entry)
    return count, made


async def find_files(connection: AsyncConnection, user_id: str, entries: Sequence[Rows]) -> Files:
    """Which of the files that are named are the person's; the messages' rows name their own then."""
    with_files = [each for entry in entries for each in entry.with_files]
    ids = sorted({part.attachment_id for _, parts in with_files for part in parts if isinstance(part, AttachmentPart)})
    there: dict[str, RowMapping] = {}
    for start in range(0, len(ids), BATCH):
        named = attachments.c.id.in_(ids[start : start + BATCH])
        query = select(attachments).where(attachments.c.user_id == user_id, named)
        there |= {row["id"]: row for row in (await connection.execute(query)).mappings()}
    files, claimed = Files(), set[str]()
    for row, parts in with_files:
        own = tuple(_owned(part, str(row["id"]), there, claimed, files) for part in parts)
        row["parts"] = to_json(own)
    return files


def _owned(part: Part, message_id: str, there: Mapping[str, RowMapping], claimed: set[str], files: Files) -> Part:
    if not isinstance(part, AttachmentPart):
        return part
    row = there.get(part.attachment_id)
    if row is None:
        files.missing += 1
        return part
    if row["message_id"] is None and row["id"] not in claimed:
        claimed.add(row["id"])
        files.claims.append({"b_id": row["id"], "b_message_id": message_id})
        return part
    own_id = new_id()
    same = {name: row[name] for name in _OWN}
    files.copies.append({"id": own_id, "created_at": now_ms(), "message_id": message_id, **same})
    return msgspec.structs.replace(part, attachment_id=own_id)


def _rows(user_id: str, entry: Imported) -> Rows:
    record, conversation_id = entry.record, new_id()
    ids = {message.id: new_id() for message in entry.thread}
    leaf_id = None if record.leaf_message_id is None else ids[record.leaf_message_id]
    conversation: dict[str, object] = {
        "id": conversation_id, "created_at": record.created_at, "user_id": user_id, "title": record.title,
        "title_source": record.title_source, "model": record.model, "parameters": to_json(record.layer),
        "pinned": record.pinned, "read_at": now_ms(), "updated_at": record.updated_at,
        "archived_at": record.archived_at, "import_key": entry.key, "leaf_message_id": leaf_id,
    }  # fmt: skip
    thread = [_message_row(message, ids, conversation_id, user_id) for message in entry.thread]
    with_files = [
        (row, message.parts)
        for row, message in zip(thread, entry.thread, strict=True)
        if any(isinstance(part, AttachmentPart) for part in message.parts)
    ]
    return Rows(conversation, thread, with_files)


def _message_row(message: StoredMessage, ids: dict[str, str], conversation_id: str, user_id: str) -> dict[str, object]:
    parent_id = None if message.parent_id is None else ids[message.parent_id]
    return EMPTY | {
        "id": ids[message.id], "created_at": message.created_at, "conversation_id": conversation_id,
        "user_id": user_id, "parent_id": parent_id, "role": message.role,
        "parts": to_json(message.parts), "search_text": searchable(message.parts), "status": message.status,
        "model": message.model, "parameters": to_json(message.asked), "recipe_version_id": message.recipe_version_id,
    }  # fmt: skip
