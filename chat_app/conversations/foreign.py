"""What ChatGPT and Claude export, read into our own shape.

ChatGPT: a list of conversations, each a `mapping` of nodes with parents, and `current_node`. Claude: a list with
`chat_messages` in order, newer ones with `parent_message_uuid`. Both as seen in exports of 2025 and 2026; fields that
are not needed may change without harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec

from chat_app.errors import ImportFailed
from chat_app.messages import ReasoningPart, Role, Struct, TextPart
from chat_app.store.database import now_ms
from chat_app.store.records import ConversationRecord, StoredMessage

ForeignEntry: TypeAlias = tuple[str, ConversationRecord, Sequence[StoredMessage]]

_ROLES: dict[str, Role] = {"user": "user", "human": "user", "assistant": "assistant"}
_CLAUDE_ROOT = "00000000-0000-4000-8000-000000000000"


class _Author(Struct, frozen=True):
    role: str


class _Content(Struct, frozen=True):
    content_type: str = "text"
    parts: tuple[object, ...] = ()
    text: str = ""


class _Metadata(Struct, frozen=True):
    model_slug: str | None = None


class _GptMessage(Struct, frozen=True):
    author: _Author
    content: _Content
    create_time: float | None = None
    metadata: _Metadata = _Metadata()


class _Node(Struct, frozen=True):
    message: _GptMessage | None = None
    parent: str | None = None


class _GptConversation(Struct, frozen=True):
    mapping: dict[str, _Node]
    title: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    current_node: str | None = None
    conversation_id: str | None = None
    id: str | None = None


class _Block(Struct, frozen=True):
    type: str = ""
    text: str | None = None
    thinking: str | None = None


class _ClaudeMessage(Struct, frozen=True):
    uuid: str
    sender: str
    text: str = ""
    content: tuple[_Block, ...] = ()
    created_at: str = ""
    parent_message_uuid: str | None = None


class _ClaudeConversation(Struct, frozen=True):
    uuid: str
    chat_messages: tuple[_ClaudeMessage, ...]
    name: str = ""
    created_at: str = ""
    updated_at: str = ""


def read_foreign(file: object) -> list[ForeignEntry]:
    """Read a decoded export.

    Raises:
        ImportFailed: It is no known export, or the message names the entry that cannot be read.
    """
    if not isinstance(file, list):
        raise ImportFailed("This is not a file of conversations.")
    entries: list[object] = file  # pyright: ignore[reportUnknownVariableType] # msgspec decoded it
    return [_read(number, entry) for number, entry in enumerate(entries, 1)]


def _read(number: int, entry: object) -> ForeignEntry:
    try:
        if isinstance(entry, dict) and "mapping" in entry:
            return _from_chatgpt(msgspec.convert(entry, _GptConversation))
        if isinstance(entry, dict) and "chat_messages" in entry:
            return _from_claude(msgspec.convert(entry, _ClaudeConversation))
    except (msgspec.ValidationError, ValueError) as error:
        raise ImportFailed(f"Entry {number} cannot be read: {error}.") from error
    raise ImportFailed(f"Entry {number} is neither a conversation of ChatGPT nor of Claude.")


def _from_chatgpt(entry: _GptConversation) -> ForeignEntry:
    key = entry.conversation_id or entry.id
    if not key:
        raise ValueError("it has no id")
    thread: list[StoredMessage] = []
    kept: dict[str, str | None] = {}  # node → the nearest kept node at or above it

    def place(node_id: str) -> str | None:
        """Keep a node if it speaks, after the nodes above it; without recursion, for long threads."""
        chain: list[str] = []
        at: str | None = node_id
        while at is not None and at not in kept:
            if at in chain:
                raise ValueError("its messages form a circle")
            chain.append(at)
            node = entry.mapping.get(at)
            if node is None:
                raise ValueError("a message follows one that is missing")
            at = node.parent
        above = kept.get(at) if at is not None else None
        for each in reversed(chain):
            stored = _gpt_message(each, above, entry.mapping[each].message)
            if stored is not None:
                thread.append(stored)
                above = each
            kept[each] = above
        return above

    for node_id in entry.mapping:
        place(node_id)
    leaf = place(entry.current_node) if entry.current_node in entry.mapping else (thread[-1].id if thread else None)
    created = _seconds_to_ms(entry.create_time)
    record = _record(entry.title or "", leaf, created, _seconds_to_ms(entry.update_time) or created)
    return f"chatgpt:{key}", record, thread


def _gpt_message(node_id: str, parent: str | None, message: _GptMessage | None) -> StoredMessage | None:
    role = _ROLES.get(message.author.role) if message else None
    if message is None or role is None or message.content.content_type not in ("text", "multimodal_text", "code"):
        return None
    text = "\n".join(part for part in message.content.parts if isinstance(part, str)) or message.content.text
    if not text:
        return None
    model = (message.metadata.model_slug or "") if role == "assistant" else ""
    at = _seconds_to_ms(message.create_time)
    return StoredMessage(node_id, parent, role, (TextPart(text),), "complete", model, at)


def _from_claude(entry: _ClaudeConversation) -> ForeignEntry:
    thread: list[StoredMessage] = []
    ids: set[str] = set()
    for message in entry.chat_messages:
        role = _ROLES.get(message.sender)
        if role is None:
            raise ValueError(f"unknown sender {message.sender!r}")
        parent = message.parent_message_uuid
        if parent is None:
            parent = thread[-1].id if thread else None
        elif parent == _CLAUDE_ROOT or parent not in ids:
            parent = None
        reasoning = "".join(block.thinking or "" for block in message.content)
        text = "\n\n".join(block.text for block in message.content if block.type == "text" and block.text)
        parts = (*((ReasoningPart(reasoning),) if reasoning else ()), TextPart(text or message.text))
        thread.append(StoredMessage(message.uuid, parent, role, parts, "complete", "", _iso_to_ms(message.created_at)))
        ids.add(message.uuid)
    created = _iso_to_ms(entry.created_at)
    leaf = thread[-1].id if thread else None
    return (
        f"claude:{entry.uuid}",
        _record(entry.name, leaf, created, _iso_to_ms(entry.updated_at) or created),
        thread,
    )


def _record(title: str, leaf: str | None, created_at: int, updated_at: int) -> ConversationRecord:
    return ConversationRecord(
        id="", title=title, title_source="person" if title else "question", model="", leaf_message_id=leaf,
        pinned=False, created_at=created_at, updated_at=updated_at, read_at=now_ms(), archived_at=None,
        deleted_at=None,
    )  # fmt: skip


def _seconds_to_ms(seconds: float | None) -> int:
    return int(seconds * 1000) if seconds else 0


def _iso_to_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000) if text else 0
