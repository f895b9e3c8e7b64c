"""Conversations as files: ours with all branches, and Markdown for reading.

`imports` reads ours and others', `archives` puts the files beside them that came with messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chat_app.conversations.service import ConversationService
from chat_app.errors import NotFound
from chat_app.messages import AttachmentPart, Parts, Role, Status, Struct, text_of
from chat_app.store.records import StoredMessage

FORMAT, VERSION = "chat_app", 1
_LABEL_CHARS = 40
_WHOLE_BRANCH = 1_000_000


class OwnMessage(Struct, frozen=True):
    """A message as our files have it."""

    id: str
    role: Role
    parts: Parts
    parent_id: str | None = None
    status: Status = "complete"
    model: str = ""
    created_at: int = 0
    asked: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    recipe_version_id: str | None = None


class OwnConversation(Struct, frozen=True):
    """A conversation as our files have it.

    In an archive the `attachment_id` of a part is the name of the file in it; `transcripts` are what is said in those.
    """

    key: str
    title: str
    messages: tuple[OwnMessage, ...]
    title_source: str = "person"
    model: str = ""
    leaf_message_id: str | None = None
    pinned: bool = False
    created_at: int = 0
    updated_at: int = 0
    archived_at: int | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    transcripts: dict[str, str] = msgspec.field(default_factory=dict[str, str])


class ConversationFile(Struct, frozen=True):
    """A whole file; each conversation is read by itself."""

    format: str
    version: int
    conversations: tuple[msgspec.Raw, ...]


@dataclass(slots=True)
class Export:
    """What is exported: `json` is the conversations, `files` those that came with them, each once, by their names."""

    name: str
    json: bytes = b""
    files: dict[str, Path] = field(default_factory=dict[str, Path])


async def export_json(service: ConversationService, user_id: str, conversation_id: str) -> Export:
    """One conversation with its branches.

    Raises:
        NotFound: No such conversation, or someone else's.
    """
    made = Export(_file_name((await service.library.get(user_id, conversation_id)).title))
    made.json = _wrap([_encoded(await _conversation(service, user_id, conversation_id, made.files))])
    return made


async def export_all(service: ConversationService, user_id: str) -> Export:
    """Every conversation with its branches."""
    made, exported = Export("conversations"), list[msgspec.Raw]()
    for conversation_id in await service.library.all_ids(user_id):
        with suppress(NotFound):  # deleted meanwhile
            exported.append(_encoded(await _conversation(service, user_id, conversation_id, made.files)))
    made.json = _wrap(exported)
    return made


async def export_markdown(
    service: ConversationService, user_id: str, conversation_id: str, you: str
) -> tuple[str, bytes]:
    """The branch in view, for reading.

    Args:
        service: Where it is.
        user_id: Whose it is.
        conversation_id: Which.
        you: What the person is called, in their language; models go by their names.

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
        speaker = " ".join(you.split())[:_LABEL_CHARS] if message.role == "user" else message.model or message.role
        when = datetime.fromtimestamp(message.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        blocks.append(f"## {speaker} · {when}\n\n{_read(message.parts)}")
    return f"{_file_name(conversation.title)}.md", ("\n\n".join(blocks) + "\n").encode()


def _read(parts: Parts) -> str:
    """Words, and the names of the files that came with them."""
    names = [f"- {part.name}" for part in parts if isinstance(part, AttachmentPart)]
    return "\n\n".join(filter(None, (text_of(parts), "\n".join(names))))


async def _conversation(
    service: ConversationService, user_id: str, conversation_id: str, files: dict[str, Path]
) -> OwnConversation:
    """A conversation; its files are added to those there are."""
    record = await service.library.get(user_id, conversation_id)
    thread = await service.messages.all_of(user_id, conversation_id)
    said = await service.layers.store.read(user_id, conversation_id)
    names, transcripts = await _named_files(service, user_id, thread, files)
    return OwnConversation(
        key=record.import_key or f"{FORMAT}:{record.id}",
        title=record.title,
        title_source=record.title_source,
        model=record.model,
        leaf_message_id=record.leaf_message_id,
        pinned=record.pinned,
        created_at=record.created_at,
        updated_at=record.updated_at,
        archived_at=record.archived_at,
        parameters=said.conversation,
        messages=tuple(
            OwnMessage(
                m.id, m.role, _with_names(m.parts, names), m.parent_id, m.status, m.model, m.created_at, m.asked,
                m.recipe_version_id,
            )
            for m in thread
        ),
        transcripts=transcripts,
    )  # fmt: skip


async def _named_files(
    service: ConversationService, user_id: str, thread: Iterable[StoredMessage], files: dict[str, Path]
) -> tuple[dict[str, str], dict[str, str]]:
    """(attachment → its file's name in the archive, that name → what is said in it); a content has one name."""
    wanted = {p.attachment_id: p.name for m in thread for p in m.parts if isinstance(p, AttachmentPart)}
    names, transcripts, known = dict[str, str](), dict[str, str](), {path: name for name, path in files.items()}
    for attachment_id, (path, transcript) in (await service.attachments.contents(user_id, wanted)).items():
        name = known.setdefault(path, f"files/{len(files) + 1:04}-{wanted[attachment_id]}")
        files[name], names[attachment_id] = path, name
        if transcript:
            transcripts[name] = transcript
    return names, transcripts


def _with_names(parts: Parts, names: dict[str, str]) -> Parts:
    return tuple(
        msgspec.structs.replace(part, attachment_id=names.get(part.attachment_id, part.attachment_id))
        if isinstance(part, AttachmentPart)
        else part
        for part in parts
    )


def _encoded(conversation: OwnConversation) -> msgspec.Raw:
    """One at a time, since a library of many would hold everybody up."""
    return msgspec.Raw(msgspec.json.format(msgspec.json.encode(conversation), indent=1))


def _wrap(conversations: list[msgspec.Raw]) -> bytes:
    return msgspec.json.encode({"format": FORMAT, "version": VERSION, "conversations": conversations})


def _file_name(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -_" else " " for c in title)
    return " ".join(kept.split())[:60] or "conversation"
