"""Conversations from files: ours, ChatGPT's and Claude's, as JSON or in the archive that they came in.

An import is all or nothing, and an entry that cannot be read is named with its reason. Each conversation carries a key
that outlives its ids, so that importing a file twice, or back where it came from, adds nothing but what was deleted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import assert_never

import msgspec

from chat_app.conversations.archives import Archive, is_archive, too_large
from chat_app.conversations.changes import Change, applied
from chat_app.conversations.foreign import Unusable, parents_first, read_foreign
from chat_app.conversations.layers import RECIPE
from chat_app.conversations.service import ConversationService
from chat_app.conversations.transfer import FORMAT, VERSION, ConversationFile, OwnConversation
from chat_app.errors import ChatError, FileRefused, ImportFailed, NotFound
from chat_app.extraction.kinds import clean_name
from chat_app.messages import (
    AttachmentPart,
    FileFacts,
    Json,
    Part,
    ReasoningPart,
    Source,
    SourcesPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    storable,
)
from chat_app.parameters import Layer
from chat_app.store.blobs import AttachmentRecord
from chat_app.store.database import now_ms, to_the_end
from chat_app.store.imports import Imported
from chat_app.store.records import ConversationRecord, StoredMessage

NO_RECIPES = frozenset[str]()
_AT_ONCE = 4  # files that are taken in
_KEY_CHARS = 500  # PostgreSQL's index takes 2,704 bytes
_LAST_MS = 253_402_300_799_999  # the end of the year 9999, the last that datetime knows
_MOST_LEVELS = 32  # of a JSON Schema, which is the deepest that is asked with
_TITLE_IN_ERROR, _REASON_CHARS = 60, 300
# JavaScript cuts strings between the halves of a character and writes the half as an escape, which msgspec refuses.
_PLACE, _BYTE = re.compile(r" - at `([^`]+)`"), re.compile(r"\(byte (\d+)\)")  # in what msgspec says
_LONE_SURROGATE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_decode_file = msgspec.json.Decoder(ConversationFile | list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Named:
    """A file as messages name it: two names of one content may be two kinds."""

    entry: str
    name: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be imported, in bytes: of words, and of an archive with all its files."""

    most_words: int
    most_archive: int


async def import_file(service: ConversationService, user_id: str, path: Path, bounds: Bounds) -> tuple[int, int, int]:
    """Import a file of this application's, ChatGPT's or Claude's conversations, alone or in an archive.

    Returns:
        (how many were added or brought back, how many were here already, how many of their files are not there).

    Raises:
        ImportFailed: An entry cannot be read; nothing was imported.
        StoreUnavailable: It cannot be stored; nothing was imported.
    """
    recipes = frozenset(recipe.id for recipe in await service.layers.recipes.listed(user_id, "en"))
    if not await asyncio.to_thread(is_archive, path):
        contents = await asyncio.to_thread(_words, path, bounds.most_words)
        return await service.library.add_imported(user_id, read_file(contents, recipes))
    with await asyncio.to_thread(Archive, path) as archive:
        contents = await asyncio.to_thread(archive.conversations, bounds.most_words)
        entries = await asyncio.to_thread(lambda: list(read_file(contents, recipes)))
        known = await service.library.import_keys(user_id)
        wanted = _wanted(entry for entry in entries if entry.key not in known)
        if sum(archive.sizes({named.entry for named in wanted}).values()) > bounds.most_archive:
            raise too_large(bounds.most_archive)
        taken: dict[_Named, AttachmentRecord] = {}
        try:
            await _take(service, user_id, archive, wanted, taken)
            return await service.library.add_imported(user_id, [_with_files(entry, taken) for entry in entries])
        finally:  # those that no message has claimed
            await to_the_end(service.attachments.forget(user_id, list(taken.values())))


def _words(path: Path, most: int) -> bytes:
    if path.stat().st_size > most:
        raise too_large(most)
    return path.read_bytes()


def _wanted(entries: Iterable[Imported]) -> dict[_Named, str]:
    """What is said in each file that is wanted; empty where that is not known."""
    wanted, transcripts = set[_Named](), dict[str, str]()
    for entry in entries:
        transcripts |= {name: text for name, text in entry.transcripts.items() if text}
        wanted |= {
            _named(part) for message in entry.thread for part in message.parts if isinstance(part, AttachmentPart)
        }
    return {named: transcripts.get(named.entry, "") for named in wanted}


def _named(part: AttachmentPart) -> _Named:
    return _Named(part.attachment_id, part.name)


async def _take(
    service: ConversationService,
    user_id: str,
    archive: Archive,
    wanted: Mapping[_Named, str],
    taken: dict[_Named, AttachmentRecord],
) -> None:
    """Take in the files of an archive; without those that cannot be taken, which are counted.

    Raises:
        ImportFailed: One is damaged.
        StoreUnavailable: There is no room for them.
    """
    room, failures = asyncio.Semaphore(_AT_ONCE), list[ChatError]()

    async def take(named: _Named) -> None:
        async with room:
            if failures:
                return
            try:
                record = await service.attachments.take(user_id, archive.pieces(named.entry), named.name)
                taken[named] = record
                if wanted[named]:
                    await service.attachments.keep_transcript(user_id, record.id, wanted[named])
            except (FileRefused, NotFound):  # the words come all the same; what was forgotten meanwhile is not there
                pass
            except ChatError as error:  # past the group, which would wrap it
                failures.append(error)

    sizes = archive.sizes({named.entry for named in wanted})
    async with asyncio.TaskGroup() as group:
        for named in wanted:
            if named.entry in sizes:
                group.create_task(take(named))
    if failures:
        raise failures[0]


def _with_files(entry: Imported, taken: Mapping[_Named, AttachmentRecord]) -> Imported:
    """What the file says of its files is not believed: they are what they are."""

    def own(part: Part) -> Part:
        if not isinstance(part, AttachmentPart) or not (record := taken.get(_named(part))):
            return part
        return AttachmentPart(record.id, part.name, record.media_type, record.size_bytes, part.alt, record.facts)

    thread = [replace(message, parts=tuple(map(own, message.parts))) for message in entry.thread]
    return replace(entry, thread=thread)


def read_file(contents: bytes | bytearray, recipes: frozenset[str] = NO_RECIPES) -> Iterator[Imported]:
    """Read the entries one by one. A large file takes seconds: this is for another thread than the event loop's.

    Each entry is decoded by itself, as a call of the decoder lets no other thread run.

    Args:
        contents: Of the file.
        recipes: The ids of those that a conversation may be asked by.

    Yields:
        What each is.

    Raises:
        ImportFailed: The message names the entry and the reason.
    """
    file = _open(contents)
    is_own = isinstance(file, ConversationFile)
    read = partial(_read_own, recipes=recipes) if is_own else read_foreign
    entries = file.conversations if is_own else file
    for number, raw in enumerate(entries, 1):
        yield _entry(number, read, raw)


def _open(contents: bytes | bytearray) -> ConversationFile | list[msgspec.Raw]:
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
        raise ImportFailed(f"This is not a file of conversations: {error}.", "shape", where=_where(error)) from error
    except ValueError as error:  # msgspec's own, or not UTF-8 where a name is expected
        raise ImportFailed(f"This is not a JSON file: {error}.", "not_json", byte=_byte(error, contents)) from error
    except RecursionError as error:
        raise ImportFailed("It is nested too deeply.", "deep") from error
    if isinstance(file, ConversationFile) and (file.format != FORMAT or file.version != VERSION):
        said, known = storable(f"{file.format}, {file.version}"), f"{FORMAT}, {VERSION}"
        raise ImportFailed(f"This file's format is {said}; known is {known}.", "format", said=said, known=known)
    return file


def _where(error: Exception) -> str:
    """The place that msgspec names, such as "$.messages[1].role"; "$" is the whole."""
    place = _PLACE.search(str(error))
    return storable(place[1]) if place else "$"


def _byte(error: Exception, contents: bytes | bytearray) -> int:
    """Where a text stops to be JSON."""
    place = _BYTE.search(str(error))
    return int(place[1]) if place else len(contents)


def _replaced(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["lone"] else escape[0]


def _entry(number: int, read: Callable[[msgspec.Raw], Imported], raw: msgspec.Raw) -> Imported:
    title = ""

    def failed(why: str, reason: str, **values: str | int) -> ImportFailed:
        name = f"Entry {number} (“{title}”)" if title else f"Entry {number}"
        return ImportFailed(f"{name}: {why}.", reason, entry=number, title=title, **values)

    try:
        entry = read(raw)
        title = storable(entry.record.title[:_TITLE_IN_ERROR])
        return _checked(entry)
    except RecursionError as error:
        raise failed("it is nested too deeply", "deep") from error
    except Unusable as error:
        values = {name: storable(v) if isinstance(v, str) else v for name, v in error.values.items()}
        raise failed(storable(str(error)), error.reason, **values) from error
    except (ValueError, OverflowError) as error:  # msgspec's own among them
        why = storable(str(error)[:_REASON_CHARS])
        raise failed(why, "unreadable", where=_where(error)) from error


def _read_own(raw: msgspec.Raw, recipes: frozenset[str]) -> Imported:
    entry = msgspec.json.decode(raw, type=OwnConversation)
    record = ConversationRecord(
        id="", title=entry.title, title_source=entry.title_source, model=entry.model,
        leaf_message_id=entry.leaf_message_id, pinned=entry.pinned, created_at=entry.created_at,
        updated_at=entry.updated_at, read_at=now_ms(), archived_at=entry.archived_at, deleted_at=None,
        layer=_layer(entry.parameters, recipes),
    )  # fmt: skip
    thread = [
        StoredMessage(
            m.id, m.parent_id, m.role, m.parts, "interrupted" if m.status == "streaming" else m.status, m.model,
            m.created_at, _shallow(m.asked), m.recipe_version_id and storable(m.recipe_version_id),
        )
        for m in entry.messages
    ]  # fmt: skip
    return Imported(entry.key, record, thread, entry.transcripts)


def _shallow(asked: Layer) -> Layer:
    """What an answer was asked with, nested no deeper than whoever writes it again can go.

    Raises:
        Unusable: It is.
    """
    level: list[Json] = [asked]
    for _ in range(_MOST_LEVELS):
        level = [below for value in level for below in _below(value)]
    if level:
        raise Unusable("it is nested too deeply", "deep")
    return asked


def _below(value: Json) -> Iterable[Json]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


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


def _checked(entry: Imported) -> Imported:
    """An entry as every database takes it: a tree that is whole, times and texts that can be stored.

    Raises:
        Unusable: It cannot be made so.
    """
    key, record, thread = entry.key, entry.record, entry.thread
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
    transcripts = {storable(name): storable(text) for name, text in entry.transcripts.items()}
    return Imported(storable(key), record, ordered, transcripts)


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
        case AttachmentPart(attachment_id, name, media_type, size_bytes, alt, facts):
            return AttachmentPart(
                storable(attachment_id), clean_name(name), storable(media_type), _number(size_bytes), storable(alt),
                _storable_facts(facts),
            )  # fmt: skip
        case SourcesPart(sources):
            return SourcesPart(
                tuple(
                    Source(
                        _number(s.number), storable(s.title), storable(s.text), storable(s.ref), page=_number(s.page)
                    )
                    for s in sources
                )
            )
        case _:
            assert_never(part)


def _storable_facts(facts: FileFacts) -> FileFacts:
    width, height, pages, characters = (
        max(0, _number(n)) for n in (facts.width, facts.height, facts.pages, facts.characters)
    )
    return FileFacts(width, height, storable(facts.view_type), pages, characters, max(0.0, facts.seconds))


def _number(number: int) -> int:
    """A time, or a number of something, as it is.

    Raises:
        Unusable: It is beyond what the databases and the calendar take.
    """
    if not 0 <= number <= _LAST_MS:
        raise Unusable(f"{number} is not between 0 and {_LAST_MS}", "number", number=str(number)[:_REASON_CHARS])
    return number
