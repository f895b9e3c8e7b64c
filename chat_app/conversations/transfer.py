"""Conversations as files: ours with all branches, Markdown for reading, and what ChatGPT and Claude export.

An import is all or nothing, and an entry that cannot be read is named with its reason. Each conversation carries a key
that outlives its ids, so that importing a file twice, or back where it came from, adds nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from chat_app.conversations.foreign import ForeignEntry, read_foreign
from chat_app.conversations.service import ConversationService
from chat_app.errors import ImportFailed
from chat_app.messages import Parts, Role, Status, Struct, text_of
from chat_app.store.database import now_ms
from chat_app.store.records import ConversationRecord, StoredMessage

FORMAT, VERSION = "chat_app", 1
_SPEAKER = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}
_WHOLE_BRANCH = 1_000_000


class _Message(Struct, frozen=True):
    id: str
    role: Role
    parts: Parts
    parent_id: str | None = None
    status: Status = "complete"
    model: str = ""
    created_at: int = 0


class _Conversation(Struct, frozen=True):
    key: str
    title: str
    messages: tuple[_Message, ...]
    title_source: str = "person"
    model: str = ""
    leaf_message_id: str | None = None
    pinned: bool = False
    created_at: int = 0
    updated_at: int = 0
    archived_at: int | None = None


class _File(Struct, frozen=True):
    format: str
    version: int
    conversations: tuple[msgspec.Raw, ...]


async def export_json(service: ConversationService, user_id: str, conversation_id: str) -> tuple[str, bytes]:
    """One conversation with its branches.

    Returns:
        (file name, contents).

    Raises:
        NotFound: No such conversation, or someone else's.
    """
    conversation = await _export(service, user_id, conversation_id)
    return f"{_file_name(conversation.title)}.json", _wrap([conversation])


async def export_all(service: ConversationService, user_id: str) -> bytes:
    """Every conversation with its branches."""
    ids = await service.library.all_ids(user_id)
    return _wrap([await _export(service, user_id, conversation_id) for conversation_id in ids])


async def export_markdown(service: ConversationService, user_id: str, conversation_id: str) -> tuple[str, bytes]:
    """The branch in view, for reading.

    Returns:
        (file name, contents).

    Raises:
        NotFound: No such conversation, or someone else's.
    """
    conversation = await service.library.get(user_id, conversation_id)
    leaf = conversation.leaf_message_id
    newest_first = await service.messages.history(user_id, leaf, _WHOLE_BRANCH) if leaf else []
    blocks = [f"# {conversation.title}"]
    for message in reversed(newest_first):
        model = f" · {message.model}" if message.model else ""
        when = datetime.fromtimestamp(message.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        blocks.append(f"## {_SPEAKER[message.role]}{model} · {when}\n\n{text_of(message.parts)}")
    return f"{_file_name(conversation.title)}.md", ("\n\n".join(blocks) + "\n").encode()


async def import_file(service: ConversationService, user_id: str, contents: bytes) -> tuple[int, int]:
    """Import a file of this application's, ChatGPT's or Claude's conversations.

    Returns:
        (how many were added, how many were known already).

    Raises:
        ImportFailed: An entry cannot be read; nothing was imported.
    """
    entries = read_file(contents)
    added = await service.library.add_imported(user_id, entries)
    return added, len(entries) - added


def read_file(contents: bytes) -> list[ForeignEntry]:
    """Read every entry, or none.

    Raises:
        ImportFailed: The message names the entry and the reason.
    """
    try:
        start = msgspec.json.decode(contents)
    except msgspec.DecodeError as error:
        raise ImportFailed(f"This is not a JSON file: {error}.") from error
    if not isinstance(start, dict):
        return read_foreign(start)
    try:
        file = msgspec.json.decode(contents, type=_File)
    except msgspec.ValidationError as error:
        raise ImportFailed(f"This is not a file of conversations: {error}.") from error
    if file.format != FORMAT or file.version != VERSION:
        raise ImportFailed(
            f"This file says format {file.format}, version {file.version}; known is {FORMAT}, {VERSION}."
        )
    return [_read_own(number, raw) for number, raw in enumerate(file.conversations, 1)]


def _read_own(number: int, raw: msgspec.Raw) -> ForeignEntry:
    try:
        entry = msgspec.json.decode(raw, type=_Conversation)
    except msgspec.ValidationError as error:
        raise ImportFailed(f"Entry {number} cannot be read: {error}.") from error
    seen: set[str] = set()
    for message in entry.messages:
        if message.parent_id is not None and message.parent_id not in seen:
            raise ImportFailed(
                f"Entry {number} (“{entry.title}”) cannot be read: a message follows one that is missing."
            )
        seen.add(message.id)
    record = ConversationRecord(
        id="", title=entry.title, title_source=entry.title_source, model=entry.model,
        leaf_message_id=entry.leaf_message_id, pinned=entry.pinned, created_at=entry.created_at,
        updated_at=entry.updated_at, read_at=now_ms(), archived_at=entry.archived_at, deleted_at=None,
    )  # fmt: skip
    thread = [
        StoredMessage(
            m.id, m.parent_id, m.role, m.parts, "interrupted" if m.status == "streaming" else m.status, m.model,
            m.created_at,
        )
        for m in entry.messages
    ]  # fmt: skip
    return entry.key, record, thread


async def _export(service: ConversationService, user_id: str, conversation_id: str) -> _Conversation:
    record = await service.library.get(user_id, conversation_id)
    thread = await service.messages.all_of(user_id, conversation_id)
    return _Conversation(
        key=record.import_key or f"{FORMAT}:{record.id}",
        title=record.title,
        title_source=record.title_source,
        model=record.model,
        leaf_message_id=record.leaf_message_id,
        pinned=record.pinned,
        created_at=record.created_at,
        updated_at=record.updated_at,
        archived_at=record.archived_at,
        messages=tuple(_Message(m.id, m.role, m.parts, m.parent_id, m.status, m.model, m.created_at) for m in thread),
    )


def _wrap(conversations: list[_Conversation]) -> bytes:
    body = {"format": FORMAT, "version": VERSION, "conversations": conversations}
    return msgspec.json.format(msgspec.json.encode(body), indent=1)


def _file_name(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -_" else " " for c in title)
    return " ".join(kept.split())[:60] or "conversation"
