"""Files that people give: each content once on the disk, and whoever gave it owns an attachment of their own.

A blob's file is named by its row and not by its content: one that is deleted and given again meanwhile is another file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import FileRefused, NotFound, StoreUnavailable
from chat_app.messages import NO_FACTS, FileFacts
from chat_app.store.database import Database, new_id, now_ms, to_the_end
from chat_app.store.tables import attachments, blobs, documents

log = structlog.get_logger(__name__)
_decode_facts = msgspec.json.Decoder(FileFacts).decode
_PIECE = 1_000_000
_TRIES = 3
_MISSING = "There is no such file."
COPIES = (".view", ".thumb", ".text", ".pages")
"""Suffixes of what is made of a file: what is shown and sent instead of it, what stands in lists, its words, and
pictures of pages that have none."""


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """A file of a person's. `message_id` is None until it is sent; `blob_id` is the content's.

    `transcript` is what is said in it, empty where nobody has asked for that yet.
    """

    id: str
    created_at: int
    message_id: str | None
    name: str
    media_type: str
    size_bytes: int
    facts: FileFacts
    blob_id: str
    transcript: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has come whole and belongs to nobody yet. What is made of it stands beside it, as `COPIES` of it."""

    path: Path
    sha256: str
    size_bytes: int
    form: str = ""

    @property
    def key(self) -> str:
        """By which the same content is known that was looked into in the same way."""
        return f"{self.sha256} {self.form}" if self.form else self.sha256

    def drop(self) -> None:
        """Forget it: what was added has files of its own."""
        _forget(self.path)


class BlobStore:
    """The tables `attachments` and `blobs`, and the folder of the files.

    Args:
        database: Of the tables.
        folder: Of the files; made on first use.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self._folder = database, folder

    @property
    def scratch(self) -> Path:
        """A folder for what is gone soon; what stays in it is swept."""
        return self._folder / "incoming"

    async def receive(self, pieces: AsyncIterator[bytes], most_bytes: int) -> Received:
        """Write what comes to the disk, never more of it in memory than a piece.

        Raises:
            FileRefused: It is empty, or larger than that. Nothing of it stays.
            StoreUnavailable: The disk is full or cannot be written. Nothing of it stays.
        """
        path = self.scratch / new_id()
        async with _whole_or_not(path):
            await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
            return await _written(path, pieces, most_bytes)

    async def add(
        self,
        user_id: str,
        received: Received,
        name: str,
        media_type: str,
        facts: FileFacts = NO_FACTS,
        *,
        form: str = "",
        most_unsent_bytes: int | None = None,
    ) -> AttachmentRecord:
        """Let a person own what was received, as one file with whoever has the same; what came is the caller's to drop.

        Args:
            user_id: Who.
            received: The content.
            name: What it is called.
            media_type: What it is.
            facts: What was found in it.
            form: How it was looked into: the same content read in another way, as its name has a say, is another file.
            most_unsent_bytes: Of what they have given and not sent, with this.

        Raises:
            FileRefused: That is more.
            StoreUnavailable: The database or the disk cannot be used; it belongs to nobody.
        """
        attachment_id, at = new_id(), now_ms()

        async def note(connection: AsyncConnection, blob_id: str) -> None:
            if (
                most_unsent_bytes is not None
                and await _unsent_bytes(connection, user_id) + received.size_bytes > most_unsent_bytes
            ):
                raise FileRefused("Too much was attached and not sent: send or remove some of it.", "unsent")
            row = {
                "id": attachment_id, "created_at": at, "user_id": user_id, "name": name, "media_type": media_type,
                "blob_id": blob_id,
            }  # fmt: skip
            await connection.execute(insert(attachments), row)

        blob_id = await self.own(received, facts, note, form=form)
        return AttachmentRecord(attachment_id, at, None, name, media_type, received.size_bytes, facts, blob_id)

    async def own(
        self,
        received: Received,
        facts: FileFacts,
        note: Callable[[AsyncConnection, str], Awaitable[None]],
        *,
        form: str = "",
    ) -> str:
        """Let somebody own what was received; the id of its blob.

        Args:
            received: The content.
            facts: What was found in it.
            note: Writes the row that names the blob, within the same transaction.
            form: How it was looked into; see `add`.

        Raises:
            StoreUnavailable: The database or the disk cannot be used; it belongs to nobody.
        """
        for _ in range(_TRIES):
            if blob_id := await self._owned(replace(received, form=form), facts, note):
                return blob_id
        raise StoreUnavailable(
            "The file cannot be stored just now.", detail="the same content is given and swept at once"
        )

    async def _owned(
        self, received: Received, facts: FileFacts, note: Callable[[AsyncConnection, str], Awaitable[None]]
    ) -> str | None:
        """None where another worker has stored or swept the same content at this moment."""
        own_id = new_id()
        try:
            async with self._database.write() as connection:
                blob_id = await self._blob(connection, received, own_id, facts)
                await note(connection, blob_id)
                return blob_id
        except IntegrityError:
            _forget(self.path_of(own_id))
            return None
        except FileRefused:
            _forget(self.path_of(own_id))
            raise
        except OSError as error:
            raise StoreUnavailable("The file cannot be stored just now.", detail=str(error)) from error

    async def _blob(self, connection: AsyncConnection, received: Received, blob_id: str, facts: FileFacts) -> str:
        """The id of the blob of this content; a new one gets this, and has its files before its row can be read."""
        query = select(blobs.c.id, blobs.c.facts).where(blobs.c.sha256 == received.key)
        if known := (await connection.execute(query)).mappings().one_or_none():
            before = _decode_facts(known["facts"])
            # More may be made of it than once was; and less than then, by a machine that has much to do.
            is_better = facts != before and len(facts.scans) >= len(before.scans)
            await asyncio.to_thread(self._place, received.path, self.path_of(known["id"]), anew=is_better)
            if is_better:
                told = msgspec.json.encode(facts).decode()
                await connection.execute(update(blobs).where(blobs.c.id == known["id"]).values(facts=told))
            return str(known["id"])
        await asyncio.to_thread(self._place, received.path, self.path_of(blob_id))
        row = {
            "id": blob_id, "created_at": now_ms(), "sha256": received.key, "size_bytes": received.size_bytes,
            "facts": msgspec.json.encode(facts).decode(),
        }  # fmt: skip
        await connection.execute(insert(blobs), row)
        return blob_id

    def _place(self, source: Path, target: Path, *, anew: bool = False) -> None:
        """By second names: where the row is not stored in the end, the first are tried again, and these swept.

        What is there already, as somebody may be reading it, stays or is replaced `anew` in one step.
        """
        target.parent.mkdir(mode=0o700, exist_ok=True)
        for path, place in zip(_with_copies(source), _with_copies(target), strict=True):
            if not path.exists() or (place.exists() and not anew):
                continue
            made = self.scratch / new_id()
            try:
                os.link(path, made)
            except OSError:  # some file systems know no second name
                shutil.copyfile(path, made)
            made.replace(place)

    def path_of(self, blob_id: str) -> Path:
        """Where a blob's file is."""
        return self._folder / blob_id[-2:] / blob_id

    async def read(self, user_id: str, attachment_id: str) -> AttachmentRecord:
        """A file of a person's; `path_of` says where it is.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        if found := await self.find(user_id, [attachment_id]):
            return found[attachment_id]
        raise NotFound(_MISSING)

    async def find(self, user_id: str, attachment_ids: Collection[str]) -> dict[str, AttachmentRecord]:
        """Those files of a person's that are there, by their ids."""
        query = _ATTACHMENTS.where(attachments.c.id.in_(attachment_ids), attachments.c.user_id == user_id)
        async with self._database.read() as connection:
            return {row["id"]: _record(row) for row in (await connection.execute(query)).mappings()}

    async def keep_transcript(self, user_id: str, attachment_id: str, text: str) -> None:
        """Keep what is said in a file of a person's, with it.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        mine = (attachments.c.id == attachment_id, attachments.c.user_id == user_id)
        async with self._database.write() as connection:
            done = await connection.execute(update(attachments).where(*mine).values(transcript=text))
        if not done.rowcount:
            raise NotFound(_MISSING)

    async def remove(self, user_id: str, attachment_id: str) -> None:
        """Take back a file that was not sent; its blob goes with the next sweep, unless somebody else has it.

        Raises:
            NotFound: There is none, it was sent, or it is someone else's.
        """
        mine = (attachments.c.id == attachment_id, attachments.c.user_id == user_id)
        async with self._database.write() as connection:
            done = await connection.execute(delete(attachments).where(*mine, attachments.c.message_id.is_(None)))
        if not done.rowcount:
            raise NotFound(_MISSING)

    async def forget_unsent(self, user_id: str, among: Collection[str] | None = None) -> None:
        """Take back what a person has attached and not sent, all of it or that among these."""
        unsent = delete(attachments).where(attachments.c.user_id == user_id, attachments.c.message_id.is_(None))
        if among is not None:
            unsent = unsent.where(attachments.c.id.in_(among))
        async with self._database.write() as connection:
            await connection.execute(unsent)

    async def sweep(self, before_ms: int) -> None:
        """Forget what was given before then and never sent, every blob that nobody has, and files that are none's.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        unsent = (attachments.c.message_id.is_(None), attachments.c.created_at < before_ms)
        attached = select(attachments.c.id).where(attachments.c.blob_id == blobs.c.id).exists()
        is_document = select(documents.c.id).where(documents.c.blob_id == blobs.c.id).exists()
        try:
            async with self._database.write() as connection:
                await connection.execute(delete(attachments).where(*unsent))
                await connection.execute(delete(blobs).where(~attached, ~is_document))
        except IntegrityError:
            return  # somebody has given one of them again at this moment: the next time
        async with self._database.read() as connection:
            known = set((await connection.execute(select(blobs.c.id))).scalars())
        await asyncio.to_thread(self._sweep_files, known, before_ms / 1000)

    def _sweep_files(self, known: set[str], before_s: float) -> None:
        """A file is older than the list that it is missing from, or its row may be under way."""
        for path in self._folder.glob("*/*") if self._folder.exists() else ():
            with suppress(OSError):  # gone meanwhile, or for the next sweep
                if path.stem not in known and path.stat().st_ctime < before_s:
                    path.unlink()

    async def run(self, every_s: float, keep_s: float) -> None:
        """Sweep again and again, until cancelled."""
        while True:
            try:
                await to_the_end(self.sweep(int((time.time() - keep_s) * 1000)))
            except StoreUnavailable as error:
                log.warning("files.sweep_postponed", error=error.detail)
            await asyncio.sleep(every_s)


def _with_copies(path: Path) -> list[Path]:
    return [path, *(path.with_suffix(suffix) for suffix in COPIES)]


def _forget(path: Path) -> None:
    """A file with its copies."""
    for each in _with_copies(path):
        with suppress(OSError):  # the next sweep takes what cannot be taken away now
            each.unlink(missing_ok=True)


def gone(attachment_id: str) -> FileRefused:
    """What is said of a file that is to be sent and is not there, or is someone else's."""
    return FileRefused("A file that was attached is not there any more.", "gone", id=attachment_id)


def too_large(most_bytes: int) -> FileRefused:
    """What is said of a file over the limit."""
    most = f"{most_bytes / 1_000_000:g}"
    return FileRefused(f"The file is larger than {most} MB.", "large", most=most)


@asynccontextmanager
async def _whole_or_not(path: Path) -> AsyncGenerator[None]:
    """A block that writes a file: where it fails or is left, nothing of it stays."""
    is_whole = False
    try:
        yield
        is_whole = True
    except OSError as error:
        raise StoreUnavailable("The file cannot be stored just now.", detail=str(error)) from error
    finally:
        if not is_whole:
            _forget(path)  # at once, also where the block is cancelled


async def _written(path: Path, pieces: AsyncIterator[bytes], most_bytes: int) -> Received:
    digest, size, held = hashlib.sha256(), 0, bytearray()
    file = await asyncio.to_thread(path.open, "xb")
    try:
        async for piece in pieces:
            size += len(piece)
            if size > most_bytes:
                raise too_large(most_bytes)
            digest.update(piece)
            held += piece
            if len(held) >= _PIECE:
                await asyncio.to_thread(file.write, bytes(held))
                held.clear()
        await asyncio.to_thread(file.write, bytes(held))
    finally:
        await asyncio.to_thread(file.close)
    if not size:
        raise FileRefused("The file is empty.", "empty")
    return Received(path, digest.hexdigest(), size)


_ATTACHMENTS = select(
    attachments.c.id, attachments.c.created_at, attachments.c.message_id, attachments.c.name,
    attachments.c.media_type, attachments.c.blob_id, attachments.c.transcript, blobs.c.size_bytes, blobs.c.facts,
).join(blobs, blobs.c.id == attachments.c.blob_id)  # fmt: skip


async def _unsent_bytes(connection: AsyncConnection, user_id: str) -> int:
    unsent = (attachments.c.user_id == user_id, attachments.c.message_id.is_(None))
    total = select(func.sum(blobs.c.size_bytes)).join(attachments, blobs.c.id == attachments.c.blob_id)
    return int(await connection.scalar(total.where(*unsent)) or 0)


def _record(row: RowMapping) -> AttachmentRecord:
    return AttachmentRecord(
        row["id"], row["created_at"], row["message_id"], row["name"], row["media_type"], row["size_bytes"],
        _decode_facts(row["facts"]), row["blob_id"], row["transcript"],
    )  # fmt: skip
