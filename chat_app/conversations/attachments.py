"""Files in conversations: taken in, looked into, sent with messages, and given to models in the form that they take."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chat_app.conversations.media import VIEW_EDGE, as_media, document, newest_of
from chat_app.errors import BadRequest, FileRefused, StoreUnavailable
from chat_app.extraction.kinds import SHEETS, SLIDES, WORD, clean_name, is_double, kind_of, unread
from chat_app.extraction.pages import write_text
from chat_app.extraction.workers import UNSTORED, Workers
from chat_app.messages import (
    NO_FACTS,
    AttachmentPart,
    ChatRequest,
    FileFacts,
    MediaPart,
    Message,
    Part,
    Parts,
    TextPart,
    storable,
    text_of,
)
from chat_app.store.blobs import AttachmentRecord, BlobStore, Received, gone

_MOST_ALT = 1000
TASKS = {
    "application/pdf": "pdf",
    WORD: "word",
    SLIDES: "slides",
    SHEETS: "sheets",
    "text/html": "html",
}
"""How a file of a kind is looked into, besides pictures and texts; see `worker.TASKS`."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that is to go with a message; `alt` says in words what a picture shows."""

    id: str
    alt: str = ""


class Attachments:
    """Use cases.

    Args:
        blobs: The files.
        workers: Look into them.
        most_bytes: Largest file.
        most_files: Most files of a message.
        most_pixels: Largest picture.
        most_seconds: Longest recording.
    """

    def __init__(
        self,
        blobs: BlobStore,
        workers: Workers,
        *,
        most_bytes: int,
        most_files: int,
        most_pixels: int,
        most_seconds: int,
    ) -> None:
        self._blobs, self._workers = blobs, workers
        self._most_bytes, self._most_files = most_bytes, most_files
        self._most_pixels, self._most_seconds = most_pixels, most_seconds

    async def take(
        self, user_id: str, pieces: AsyncIterator[bytes], name: str, *, most_unsent_bytes: int | None = None
    ) -> AttachmentRecord:
        """Take a file in as it comes; it belongs to nobody until it is whole and was looked into.

        Args:
            user_id: Whose it will be.
            pieces: Its content.
            name: What it is called, fit to be shown.
            most_unsent_bytes: Of what they have given and not sent, with this.

        Raises:
            FileRefused: It is empty, too large, damaged, or of a kind that nobody here can see, hear or read; or there
                is no room for more that was not sent.
            StoreUnavailable: It cannot be stored just now.
        """
        received = await self._blobs.receive(pieces, self._most_bytes)
        try:
            kind, facts = await self.look_into(received, name)
            return await self._blobs.add(
                user_id, received, name, kind, facts, form=TASKS.get(kind, ""), most_unsent_bytes=most_unsent_bytes
            )
        finally:
            received.drop()

    async def look_into(self, received: Received, name: str) -> tuple[str, FileFacts]:
        """(the media type of a file, what was found in it); its words are beside it then.

        Raises:
            FileRefused: It is damaged, or of a kind that nobody here can see, hear or read.
            StoreUnavailable: What is made of it cannot be stored just now.
        """
        kind = await asyncio.to_thread(kind_of, received.path, name)
        if kind is None:
            raise await asyncio.to_thread(unread, received.path, name)
        facts = await self._looked_into(received, kind)
        if await asyncio.to_thread(is_double, received.path, kind):
            facts = msgspec.structs.replace(facts, is_double=True)
        return kind, facts

    async def _looked_into(self, received: Received, kind: str) -> FileFacts:
        path = received.path
        if kind.startswith("image/"):
            return await self._workers.run("picture", path, path, self._most_pixels, VIEW_EDGE)
        if kind.startswith("audio/"):
            return await self._workers.run("sound", path, path, self._most_seconds)
        if task := TASKS.get(kind):
            facts = await self._workers.run(task, path, path)
            is_scanned = kind == "application/pdf" and facts.wordless
            return msgspec.structs.replace(facts, scans=await self._drawn(path)) if is_scanned else facts
        if kind.startswith("text/"):  # nothing is taken apart, so that no process is needed
            try:
                return await asyncio.to_thread(write_text, path, path)
            except OSError as error:
                raise StoreUnavailable(UNSTORED, detail=str(error)) from error
        return NO_FACTS

    async def _drawn(self, path: Path) -> tuple[tuple[int, int], ...]:
        """The `scans` of a PDF; none where they cannot be made, which is no reason to refuse it."""
        try:
            return (await self._workers.run("scans", path, path)).scans
        except FileRefused:
            await asyncio.to_thread(path.with_suffix(".pages").unlink, missing_ok=True)  # what there is may be half
            return ()

    async def parts(self, user_id: str, attached: Sequence[Attached]) -> tuple[AttachmentPart, ...]:
        """Files as parts of a message, in their order.

        Raises:
            FileRefused: They are more than a message may have, or one is not there, or someone else's.
            BadRequest: One is there twice.
        """
        if len(attached) > self._most_files:
            raise self._too_many()
        if len({each.id for each in attached}) < len(attached):
            raise BadRequest("A file is attached twice.")
        found = await self._blobs.find(user_id, [each.id for each in attached])
        for each in attached:
            if each.id not in found:
                raise gone(each.id)
        return tuple(_part(found[each.id], each.alt) for each in attached)

    def _too_many(self) -> FileRefused:
        return FileRefused(f"A message can have {self._most_files} files.", "many", most=self._most_files)

    async def left(self, user_id: str, attached: Sequence[Attached]) -> list[Attached]:
        """Those files that are still there."""
        found = await self._blobs.find(user_id, [each.id for each in attached])
        return [each for each in attached if each.id in found]

    async def forget_unsent(self, user_id: str) -> None:
        """Delete what a person has attached and not sent."""
        await self._blobs.forget_unsent(user_id)

    async def forget(self, user_id: str, records: Iterable[AttachmentRecord]) -> None:
        """Delete those of them that were not sent."""
        await self._blobs.forget_unsent(user_id, [record.id for record in records])

    async def keep_transcript(self, user_id: str, attachment_id: str, text: str) -> None:
        """Keep what is said in a file, with it.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        await self._blobs.keep_transcript(user_id, attachment_id, text)

    async def contents(self, user_id: str, ids: Collection[str]) -> dict[str, tuple[Path, str]]:
        """Where the files of these ids lie that are there, and what is said in them."""
        found = await self._blobs.find(user_id, ids) if ids else {}
        return {id_: (self._blobs.path_of(record.blob_id), record.transcript) for id_, record in found.items()}

    async def for_models(self, user_id: str, messages: Sequence[Message]) -> list[Message]:
        """Messages with their files as a model gets them: where they are, and the words that can stand for them.

        Args:
            user_id: Whose they are.
            messages: Newest first. Of pictures and sound in the oldest of many there is but a word.
        """
        wanted = {part.attachment_id for message in messages for part in _attached(message)}
        if not wanted:
            return list(messages)
        found = await self._blobs.find(user_id, wanted)
        read = await asyncio.to_thread(
            lambda: [self._for_models(message, found) if _attached(message) else message for message in messages]
        )
        return list(newest_of(read))

    async def with_words(self, request: ChatRequest) -> ChatRequest:
        """A program's request with the words of the files in it, for servers that read no files.

        Raises:
            FileRefused: One cannot be read, or they are more than a message may have.
            StoreUnavailable: It cannot be put where it is looked into.
        """
        if sum(_is_unread(part) for message in request.messages for part in message.parts) > self._most_files:
            raise self._too_many()
        messages = [await self._read(message) for message in request.messages]
        return msgspec.structs.replace(request, messages=tuple(messages))

    async def _read(self, message: Message) -> Message:
        parts = [
            await self._words_of(part) if isinstance(part, MediaPart) and _is_unread(part) else part
            for part in message.parts
        ]
        return Message(message.role, tuple(parts))

    async def _words_of(self, part: MediaPart) -> MediaPart:
        """A file from a program, with the words it has; it is on the disk only as long as it is looked into."""
        name = clean_name(part.name)
        try:
            content = base64.b64decode("".join(part.data.split()), validate=True)
        except ValueError as error:
            raise FileRefused(f"{name} is no base64.", "broken") from error
        received = await self._blobs.receive(_whole(content), self._most_bytes)
        try:
            kind = await asyncio.to_thread(kind_of, received.path, name)
            is_read = kind is not None and kind.startswith(("text/", "application/"))
            facts = await self._looked_into(received, kind) if kind is not None and is_read else NO_FACTS
            text = await asyncio.to_thread(document, name, received.path) if facts.characters else ""
        finally:
            received.drop()
        return msgspec.structs.replace(part, text=text)

    def _for_models(self, message: Message, found: dict[str, AttachmentRecord]) -> Message:
        """Its files before its words, as Anthropic advises (docs.anthropic.com, vision)."""
        words = [part for part in message.parts if not isinstance(part, AttachmentPart)]
        return Message(message.role, (*(self._media(part, found) for part in _attached(message)), *words))

    def _media(self, part: AttachmentPart, found: dict[str, AttachmentRecord]) -> TextPart | MediaPart:
        record = found.get(part.attachment_id)
        if record is None:
            return TextPart(f"[{part.name}: this file is not there any more]\n\n")
        return as_media(part, record.facts, self._blobs.path_of(record.blob_id), record.transcript)


def _is_unread(part: Part | MediaPart) -> bool:
    return isinstance(part, MediaPart) and part.kind == "file" and bool(part.data)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def attached_to(parts: Parts) -> list[Attached]:
    """The files of a message."""
    return [Attached(part.attachment_id, part.alt) for part in parts if isinstance(part, AttachmentPart)]


def words_of(parts: Sequence[Part | MediaPart]) -> str:
    """What a message says, or else what its files are called."""
    return text_of(parts) or ", ".join(part.name for part in parts if isinstance(part, AttachmentPart))


def _attached(message: Message) -> list[AttachmentPart]:
    return [part for part in message.parts if isinstance(part, AttachmentPart)]


def _part(record: AttachmentRecord, alt: str) -> AttachmentPart:
    alt = storable(" ".join(alt.split()))[:_MOST_ALT]
    return AttachmentPart(record.id, record.name, record.media_type, record.size_bytes, alt, record.facts)
