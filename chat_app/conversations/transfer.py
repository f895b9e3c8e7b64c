"""Conversations as files: ours with all branches, Markdown for reading, and what ChatGPT and Claude export.

An import is all or nothing, and an entry that cannot be read is named with its reason. Each conversation carries a key
that outlives its ids, so that importing a file twice, or back where it came from, adds nothing but what was deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, assert_never

import msgspec

from chat_app.conversations.changes import Change, applied
from chat_app.conversations.foreign import Unusable, parents_first, read_foreign
from chat_app.conversations.layers import RECIPE
from chat_app.conversations.service import ConversationService
from chat_app.errors import ImportFailed, NotFound
from chat_app.messages import (
    Part,
    Parts,
    ReasoningPart,
    Role,
    Source,
    SourcesPart,
    Status,
    Struct,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    storable,
    text_of,
)
from chat_app.parameters import Layer
from chat_app.store.conversations import Imported
from chat_app.store.database import now_ms
from chat_app.store.records import ConversationRecord, StoredMessage

FORMAT, VERSION = "chat_app", 1
NO_RECIPES = frozenset[str]()
_LABEL_CHARS = 40
_WHOLE_BRANCH = 1_000_000
_KEY_CHARS = 500  # PostgreSQL's index takes 2,704 bytes
_LAST_MS = 253_402_300_799_999  # the end of the year 9999, the last that datetime knows
_TITLE_IN_ERROR, _REASON_CHARS = 60, 300
# JavaScript cuts strings between the halves of a character and writes the half as an escape, which msgspec refuses.
_LONE_SURROGATE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class _Message(Struct, frozen=True):
    id: str
    role: Role
    parts: Parts
    parent_id: str | None = None
    status: Status = "complete"
    model: str = ""
    created_at: int = 0
    asked: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    recipe_version_id: str | None = None


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
    parameters: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class _File(Struct, frozen=True):
    format: str
    version: int
    conversations: tuple[msgspec.Raw, ...]


_decode_file = msgspec.json.Decoder(_File | list[msgspec.Raw]).decode


async def export_json(service: ConversationService, user_id: str, conversation_id: str) -> tuple[str, bytes]:
    """One conversation with its branches.

    Returns:
        (file name, contents).

    Raises:
        NotFound: No such conversation, or someone else's.
    """
    conversation = await _export(service, user_id, conversation_id)
    return f"{_file_name(conversation.title)}.json", _wrap([_encoded(conversation)])


async def export_all(service: ConversationService, user_id: str) -> bytes:
    """Every conversation with its branches."""
    ids = await service.library.all_ids(user_id)
    exported: list[msgspec.Raw] = []
    for conversation_id in ids:
        with suppress(NotFound):  # deleted meanwhile
            exported.append(_encoded(await _export(service, user_id, conversation_id)))
    return _wrap(exported)


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
        blocks.append(f"## {speaker} · {when}\n\n{text_of(message.parts)}")
    return f"{_file_name(conversation.title)}.md", ("\n\n".join(blocks) + "\n").encode()


async def import_file(service: ConversationService, user_id: str, contents: bytes | bytearray) -> tuple[int, int]:
    """Import a file of this application's, ChatGPT's or Claude's conversations.

    Returns:
        (how many were added or brought back, how many were here already).

    Raises:
        ImportFailed: An entry cannot be read; nothing was imported.
    """
    recipes = frozenset(recipe.id for recipe in await service.layers.recipes.listed(user_id, "en"))
    return await service.library.add_imported(user_id, read_file(contents, recipes))


def read_file(contents: bytes | bytearray, recipes: frozenset[str] = NO_RECIPES) -> Iterator[Imported]:
    """Read the entries one by one. A large file takes seconds: this is for another thread than the event loop's.

    Each entry is decoded by itself, as a call of the decoder lets no other thread run.

    Args:
        contents: Of the file.
        recipes: The ids of those that a conversation may be asked by.

    Yields:
        (key, conversation, messages with parents before children).

    Raises:
        ImportFailed: The message names the entry and the reason.
    """
    file = _open(contents)
    is_own = isinstance(file, _File)
    read = partial(_read_own, recipes=recipes) if is_own else read_foreign
    entries = file.conversations if is_own else file
    for number, raw in enumerate(entries, 1):
        yield _entry(number, read, raw)


def _open(contents: bytes | bytearray) -> _File | list[msgspec.Raw]:
    """Cut a file into its entries, none of them read yet.

    Raises:
        ImportFailed: It is no file of conversations.
    """
    try:
        try:
            file = _decode_file(contents)
        except msgspec.DecodeError:
            file = _decode_file(_LONE_SURROGATE.sub(_replaced, contents))
    except msgspec.ValidationError as error:
        raise ImportFailed(f"This is not a file of conversations: {error}.", "shape", detail=str(error)) from error
    except ValueError as error:  # msgspec's own, or not UTF-8 where a name is expected
        raise ImportFailed(f"This is not a JSON file: {error}.", "not_json", detail=str(error)) from error
    except RecursionError as error:
        raise ImportFailed("It is nested too deeply.", "deep") from error
    if isinstance(file, _File) and (file.format != FORMAT or file.version != VERSION):
        said, known = storable(f"{file.format}, {file.version}"), f"{FORMAT}, {VERSION}"
        raise ImportFailed(f"This file's format is {said}; known is {known}.", "format", said=said, known=known)
    return file


def _replaced(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["lone"] else escape[0]


def _entry(number: int, read: Callable[[msgspec.Raw], Imported], raw: msgspec.Raw) -> Imported:
    title = ""

    def failed(why: str, reason: str, **values: str | int) -> ImportFailed:
        name = f"Entry {number} (“{title}”)" if title else f"Entry {number}"
        return ImportFailed(f"{name}: {why}.", reason, entry=number, title=title, **values)

    try:
        key, record, thread = read(raw)
        title = storable(record.title[:_TITLE_IN_ERROR])
        return _checked(key, record, thread)
    except RecursionError as error:
        raise failed("it is nested too deeply", "deep") from error
    except Unusable as error:
        values = {name: storable(v) if isinstance(v, str) else v for name, v in error.values.items()}
        raise failed(storable(str(error)), error.reason, **values) from error
    except (ValueError, OverflowError) as error:  # msgspec's own among them
        why = storable(str(error)[:_REASON_CHARS])
        raise failed(why, "unreadable", detail=why) from error


def _read_own(raw: msgspec.Raw, recipes: frozenset[str]) -> Imported:
    entry = msgspec.json.decode(raw, type=_Conversation)
    record = ConversationRecord(
        id="", title=entry.title, title_source=entry.title_source, model=entry.model,
        leaf_message_id=entry.leaf_message_id, pinned=entry.pinned, created_at=entry.created_at,
        updated_at=entry.updated_at, read_at=now_ms(), archived_at=entry.archived_at, deleted_at=None,
        layer=_layer(entry.parameters, recipes),
    )  # fmt: skip
    thread = [
        StoredMessage(
            m.id, m.parent_id, m.role, m.parts, "interrupted" if m.status == "streaming" else m.status, m.model,
            m.created_at, m.asked, m.recipe_version_id and storable(m.recipe_version_id),
        )
        for m in entry.messages
    ]  # fmt: skip
    return entry.key, record, thread


def _layer(values: Layer, recipes: frozenset[str]) -> Layer:
    """A conversation's own values; a recipe that is not there would let nothing more be asked.

    Raises:
        Unusable: One of them is none.
    """
    if not isinstance(recipe := values.get(RECIPE), dict) or recipe.get("id") not in recipes:
        values = {name: value for name, value in values.items() if name != RECIPE}
    layer, refused = applied({}, Change(values), [])
    for name, why in refused.items():
        raise Unusable(f"its {name} cannot be kept: {why}", "parameter", name=name)
    return layer


def _checked(key: str, record: ConversationRecord, thread: Sequence[StoredMessage]) -> Imported:
    """An entry as every database takes it: a tree that is whole, times and texts that can be stored.

    Raises:
        Unusable: It cannot be made so.
    """
    if not 0 < len(key) <= _KEY_CHARS:
        raise Unusable(f"its key has {len(key):,} characters; it needs 1 to {_KEY_CHARS}", "key", most=_KEY_CHARS)
    messages = {message.id: message for message in thread}
    if len(messages) < len(thread):
        raise Unusable("two of its messages have the same id", "same_id")
    order = parents_first({message.id: message.parent_id for message in thread})
    ordered = [_storable_message(messages[message_id]) for message_id in order]
    leaf = record.leaf_message_id if record.leaf_message_id in messages else _newest_end(ordered)
    record = replace(
        record, title=storable(record.title), title_source=storable(record.title_source),
        model=storable(record.model), leaf_message_id=leaf,
        created_at=_number(record.created_at), updated_at=_number(record.updated_at),
        archived_at=None if record.archived_at is None else _number(record.archived_at),
    )  # fmt: skip
    return storable(key), record, ordered


def _newest_end(ordered: Sequence[StoredMessage]) -> str | None:
    """The end of the newest message's path."""
    if not ordered:
        return None
    latest_child = {message.parent_id: message.id for message in ordered}
    _, _, end = max((message.created_at, place, message.id) for place, message in enumerate(ordered))
    while end in latest_child:
        end = latest_child[end]
    return end


def _storable_message(message: StoredMessage) -> StoredMessage:
    parts = tuple(_storable_part(part) for part in message.parts)
    return replace(message, parts=parts, model=storable(message.model), created_at=_number(message.created_at))


def _storable_part(part: Part) -> Part:
    match part:
        case TextPart(text):
            return TextPart(storable(text))
        case ReasoningPart(text, duration_ms, signature, redacted):
            return ReasoningPart(storable(text), _number(duration_ms), storable(signature), storable(redacted))
        case ToolCallPart(call_id, name, arguments):
            return ToolCallPart(storable(call_id), storable(name), storable(arguments))
        case ToolResultPart(call_id, text, is_error):
            return ToolResultPart(storable(call_id), storable(text), is_error)
        case SourcesPart(sources):
            return SourcesPart(
                tuple(Source(_number(s.number), storable(s.title), storable(s.text), storable(s.ref)) for s in sources)
            )
        case _:
            assert_never(part)


def _number(number: int) -> int:
    """A time, or a number of something, as it is.

    Raises:
        Unusable: It is beyond what the databases and the calendar take.
    """
    if not 0 <= number <= _LAST_MS:
        raise Unusable(f"{number} is not between 0 and {_LAST_MS}", "number", number=str(number)[:_REASON_CHARS])
    return number


async def _export(service: ConversationService, user_id: str, conversation_id: str) -> _Conversation:
    record = await service.library.get(user_id, conversation_id)
    thread = await service.messages.all_of(user_id, conversation_id)
    said = await service.layers.store.read(user_id, conversation_id)
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
        parameters=said.conversation,
        messages=tuple(
            _Message(
                m.id, m.role, m.parts, m.parent_id, m.status, m.model, m.created_at, m.asked, m.recipe_version_id
            )
            for m in thread
        ),
    )  # fmt: skip


def _encoded(conversation: _Conversation) -> msgspec.Raw:
    """One at a time, since a library of many would hold everybody up."""
    return msgspec.Raw(msgspec.json.format(msgspec.json.encode(conversation), indent=1))


def _wrap(conversations: list[msgspec.Raw]) -> bytes:
    return msgspec.json.encode({"format": FORMAT, "version": VERSION, "conversations": conversations})


def _file_name(title: str) -> str:
    kept = "".join(c if c.isalnum() or c in " -_" else " " for c in title)
    return " ".join(kept.split())[:60] or "conversation"
