"""What ChatGPT and Claude export, read into our own shape.

ChatGPT: a list of conversations, each a `mapping` of nodes with parents, and `current_node`. Claude: a list with
`chat_messages` in order, newer ones with `parent_message_uuid`. Both as seen in exports of 2025 and 2026; fields that
are not needed may change without harm. ChatGPT's archive has the files that its messages name; Claude's has but the
words of those that it has read, which stand in the message then, behind its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Literal

import msgspec

from chat_app.conversations.archives import FILE_ID
from chat_app.extraction.kinds import clean_name
from chat_app.messages import AttachmentPart, ReasoningPart, Role, Struct, TextPart
from chat_app.store.database import now_ms
from chat_app.store.imports import Imported
from chat_app.store.records import ConversationRecord, StoredMessage

_ROLES: dict[str, Role] = {"user": "user", "human": "user", "assistant": "assistant"}


class _Author(Struct, frozen=True):
    role: str


class _Content(Struct, frozen=True):
    content_type: str = "text"
    parts: tuple[object, ...] = ()
    text: str = ""


class _GptFile(Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    mime_type: str | None = None
    size: int | None = None


class _Picture(Struct, frozen=True):
    asset_pointer: str
    content_type: Literal["image_asset_pointer"]
    size_bytes: int | None = None


class _Metadata(Struct, frozen=True):
    model_slug: str | None = None
    attachments: tuple[_GptFile, ...] | None = None


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


class _ClaudeFile(Struct, frozen=True):
    file_name: str | None = None
    file_type: str | None = None
    file_size: int | None = None
    extracted_content: str | None = None


class _ClaudeMessage(Struct, frozen=True):
    uuid: str
    sender: str
    text: str = ""
    content: tuple[_Block, ...] = ()
    created_at: str = ""
    parent_message_uuid: str | None = None
    attachments: tuple[_ClaudeFile, ...] | None = None
    files: tuple[_ClaudeFile, ...] | None = None


class _ClaudeConversation(Struct, frozen=True):
    uuid: str
    chat_messages: tuple[_ClaudeMessage, ...]
    name: str = ""
    created_at: str = ""
    updated_at: str = ""


class Unusable(ValueError):
    """An entry that cannot be taken in. `reason` and `values` are those of `ImportFailed`."""

    def __init__(self, why: str, reason: str, **values: str | int) -> None:
        super().__init__(why)
        self.reason, self.values = reason, values


def read_foreign(raw: msgspec.Raw) -> Imported:
    """Read one conversation of an export.

    Raises:
        Unusable: It is of neither, or its messages are no tree.
        msgspec.DecodeError: It is of another shape than theirs.
        ValueError: A time in it is none; OverflowError, a number.
    """
    entry = msgspec.json.decode(raw)
    if isinstance(entry, dict) and "mapping" in entry:
        return _from_chatgpt(msgspec.convert(entry, _GptConversation))
    if isinstance(entry, dict) and "chat_messages" in entry:
        return _from_claude(msgspec.convert(entry, _ClaudeConversation))
    raise Unusable("it is neither a conversation of ChatGPT nor of Claude", "foreign")


def parents_first(parents: Mapping[str, str | None]) -> list[str]:
    """Order a tree so that each message comes after its parent; where that is so already, the order stays.

    Args:
        parents: Message → the one it follows.

    Raises:
        Unusable: A parent is missing, or they form a circle.
    """
    placed: dict[str, None] = {}
    for start in parents:
        chain: dict[str, None] = {}  # from the start up; without recursion, for long threads
        at: str | None = start
        while at is not None and at not in placed:
            if at in chain:
                raise Unusable("its messages form a circle", "circle")
            if at not in parents:
                raise Unusable("a message follows one that is missing", "missing")
            chain[at] = None
            at = parents[at]
        placed.update(reversed(chain.items()))
    return list(placed)


def _from_chatgpt(entry: _GptConversation) -> Imported:
    key = entry.conversation_id or entry.id
    if not key:
        raise Unusable("it has no id", "no_id")
    thread: list[StoredMessage] = []
    spoken: dict[str | None, str | None] = {None: None}  # node → the nearest at or above it that speaks
    for node_id in parents_first({node_id: node.parent for node_id, node in entry.mapping.items()}):
        node = entry.mapping[node_id]
        above = spoken[node.parent]
        stored = _gpt_message(node_id, above, node.message)
        if stored is not None:
            thread.append(stored)
        spoken[node_id] = above if stored is None else node_id
    created = _seconds_to_ms(entry.create_time)
    updated = _seconds_to_ms(entry.update_time) or created
    record = _record(entry.title or "", spoken.get(entry.current_node), created, updated)
    return Imported(f"chatgpt:{key}", record, thread)


def _gpt_message(node_id: str, parent: str | None, message: _GptMessage | None) -> StoredMessage | None:
    role = _ROLES.get(message.author.role) if message else None
    if message is None or role is None or message.content.content_type not in ("text", "multimodal_text", "code"):
        return None
    text = "\n".join(part for part in message.content.parts if isinstance(part, str)) or message.content.text
    files = _gpt_files(message)
    if not text and not files:
        return None
    model = (message.metadata.model_slug or "") if role == "assistant" else ""
    at = _seconds_to_ms(message.create_time)
    parts = (*((TextPart(text),) if text else ()), *files)
    return StoredMessage(node_id, parent, role, parts, "complete", model, at)


def _gpt_files(message: _GptMessage) -> tuple[AttachmentPart, ...]:
    """By their ids, with which their names in the archive begin."""
    named = message.metadata.attachments or ()
    files = {each.id: _file(each.id, each.name, each.mime_type, each.size) for each in named if each.id}
    for part in message.content.parts:
        with suppress(msgspec.ValidationError):  # a part of another kind
            picture = msgspec.convert(part, _Picture)
            if found := FILE_ID.search(picture.asset_pointer.rpartition("://")[2]):
                files.setdefault(found[0], _file(found[0], "", "image/png", picture.size_bytes))
    return tuple(files.values())


def _file(id_: str, name: str | None, media_type: str | None, size: int | None) -> AttachmentPart:
    kind = media_type if media_type and "/" in media_type else "application/octet-stream"
    return AttachmentPart(id_, clean_name(name or id_), kind, max(0, size or 0))


def _from_claude(entry: _ClaudeConversation) -> Imported:
    if not entry.uuid:
        raise Unusable("it has no id", "no_id")
    ids = {message.uuid for message in entry.chat_messages}
    thread: list[StoredMessage] = []
    for message in entry.chat_messages:
        role = _ROLES.get(message.sender)
        if role is None:
            raise Unusable(f"unknown sender {message.sender!r}", "sender", sender=message.sender)
        parent = message.parent_message_uuid
        if parent is None:
            parent = thread[-1].id if thread else None
        elif parent not in ids:  # Claude names the root so, by an id that no message has
            parent = None
        reasoning = "".join(block.thinking or "" for block in message.content)
        text = "\n\n".join(block.text for block in message.content if block.type == "text" and block.text)
        files = (*(message.attachments or ()), *(message.files or ()))
        read = (
            f"{each.file_name}:\n{each.extracted_content}" if each.file_name else each.extracted_content
            for each in files
            if each.extracted_content
        )
        said = "\n\n".join([text or message.text, *read])
        parts = (
            *((ReasoningPart(reasoning),) if reasoning else ()),
            TextPart(said.strip()),
            *(
                _file(f"{message.uuid} {n}", each.file_name, each.file_type, each.file_size)
                for n, each in enumerate(files)
                if not each.extracted_content
            ),
        )
        thread.append(StoredMessage(message.uuid, parent, role, parts, "complete", "", _iso_to_ms(message.created_at)))
    created = _iso_to_ms(entry.created_at)
    updated = _iso_to_ms(entry.updated_at) or created
    record = _record(entry.name, thread[-1].id if thread else None, created, updated)
    return Imported(f"claude:{entry.uuid}", record, thread)


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
