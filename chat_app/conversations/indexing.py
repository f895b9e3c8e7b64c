"""Keeps what is searched in step with what is said: a job that reads from the database what is not in the index yet.

A message is found by its words within a second of its end, and by its meaning as soon as its vectors are made; the
newest come first. A long document is stored in stretches, between which messages have their turn. Nothing is queued, so
that nothing can be lost or done twice, whenever the process is killed.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from chat_app.entries import Chunk, Original, Scope, Unembedded, Vector
from chat_app.errors import EmbedderUnavailable, StoreUnavailable, VectorsUnavailable
from chat_app.extraction.pages import read_pages
from chat_app.jobs import Jobs
from chat_app.search.chunks import PAGE_BREAK, chunks_of, cut
from chat_app.search.embedder import Embedder
from chat_app.search.index import SearchIndex
from chat_app.store.backlog import Backlog, Unindexed
from chat_app.store.database import to_the_end
from chat_app.store.documents import DocumentStore, Refusal, Uncut

log = structlog.get_logger(__name__)
JOB = "index"
_LOOK_S = 1
_MESSAGES, _CHARACTERS = 50, 200_000  # of a step: in between, others write, and a lease is renewed
_STRETCH = 50  # chunks of a document that are stored at once
_PAUSE_FIRST_S, _PAUSE_LAST_S = 2, 60
_LOOK_AGAIN_S = 30


@dataclass(slots=True)
class _Cutting:
    """A document that is being stored, and what of it comes next."""

    document: Uncut
    rest: Iterator[Chunk]
    number: int = 0


class Indexer:
    """The job.

    Args:
        backlog: What is to be done.
        documents: What is to be searched beside messages.
        index: The store that is searched, and what makes its vectors.
        jobs: Says whether this worker is the one.
    """

    def __init__(self, backlog: Backlog, documents: DocumentStore, index: SearchIndex, jobs: Jobs) -> None:
        self._backlog, self._documents, self._index, self._jobs = backlog, documents, index, jobs
        self._cutting: _Cutting | None = None
        self._pause_s = 0.0
        self._look_at = 0.0  # when vectors may be lacking again, by the monotonic clock
        self.lacking: EmbedderUnavailable | VectorsUnavailable | None = None
        """Why no vectors are made just now."""

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                is_busy = await self.step()
            except StoreUnavailable as error:
                log.warning("index.postponed", error=error.detail)
                is_busy = False
            except Exception:  # a task boundary: a fault of ours, in one text, must not end the others' work
                log.exception("index.fault")
                self._rest()
                is_busy = False
            if not is_busy:
                await asyncio.sleep(_LOOK_S)

    async def aclose(self) -> None:
        """End what makes the vectors, and let go of where they are."""
        if self._index.embedder is not None:
            await self._index.embedder.aclose()
        await self._index.store.aclose()

    async def step(self) -> bool:
        """Do some of it.

        Returns:
            Whether there may be more to do at once.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        waiting = _some(await to_the_end(self._backlog.unindexed(_MESSAGES)))
        if waiting:
            if not await to_the_end(self._jobs.holds(JOB)):
                return False
            await self._store(waiting)
            self._look_at = min(self._look_at, time.monotonic() + self._pause_s)
            return True
        if await self._next_stretch():
            self._look_at = min(self._look_at, time.monotonic() + self._pause_s)
            return True
        if time.monotonic() < self._look_at:
            return False
        if await self._tidy():
            return True
        embedder = self._index.embedder
        lacking = await to_the_end(self._backlog.unembedded(embedder.model, embedder.at_once)) if embedder else []
        is_ours = await to_the_end(self._jobs.holds(JOB))
        if is_ours and embedder and lacking and await self._embed(embedder, lacking):
            return True
        if is_ours and await to_the_end(self._index.store.pack()):  # also while vectors are out of reach
            return True
        if not lacking:
            self._look_at = time.monotonic() + _LOOK_AGAIN_S  # another worker may have stored some meanwhile
        return False

    async def _tidy(self) -> bool:
        """Let the store do what it has put off; whether there may be more."""
        try:
            return await to_the_end(self._jobs.holds(JOB)) and await to_the_end(self._index.store.tidy())
        except VectorsUnavailable as error:
            log.warning("index.untidied", code=error.code)
            return False

    async def _store(self, waiting: Sequence[Unindexed]) -> None:
        by_person: dict[str, list[Original]] = defaultdict(list)
        for message in waiting:
            by_person[message.user_id].append(await asyncio.to_thread(_original, message))
        for user_id, originals in by_person.items():
            await to_the_end(self._index.store.upsert(Scope(user_id), originals))

    async def _next_stretch(self) -> bool:
        """Store some of a document that waits; False where there is none, or another worker does it."""
        document = self._cutting.document if self._cutting else await to_the_end(self._documents.uncut())
        if document is None or not await to_the_end(self._jobs.holds(JOB)):
            self._cutting = None
            return False
        now, self._cutting = self._cutting, None  # where this fails, it is begun anew
        try:
            now = now or _Cutting(document, cut(await asyncio.to_thread(self._words, document)))
            found = tuple(await asyncio.to_thread(_stretch, now.rest))
        except (FileNotFoundError, UnicodeDecodeError) as error:  # the others wait for it no longer
            log.warning("index.document_unreadable", document=document.id, error=str(error))
            await to_the_end(self._documents.fail(document.id, Refusal("broken")))
            return True
        except OSError as error:
            raise StoreUnavailable("The file cannot be read just now.", detail=str(error)) from error
        of, is_last = now.document, len(found) < _STRETCH
        original = Original("document", of.id, of.id, found, at=of.created_at, first=now.number, is_last=is_last)
        await to_the_end(self._index.store.upsert(Scope(of.user_id), [original]))
        if not is_last:
            self._cutting = _Cutting(of, now.rest, now.number + len(found))
        return True

    def _words(self, document: Uncut) -> str:
        """All that it says.

        Raises:
            OSError: Its file is gone, or cannot be read.
        """
        return PAGE_BREAK.join(read_pages(self._documents.blobs.path_of(document.blob_id).with_suffix(".text")))

    async def _embed(self, embedder: Embedder, lacking: Sequence[Unembedded]) -> bool:
        try:
            texts = [f"{chunk.context}\n{chunk.text}".strip() for chunk in lacking]
            numbers = await embedder.embed(texts)
            by_person: dict[str, list[Vector]] = defaultdict(list)
            for chunk, each in zip(lacking, numbers, strict=True):
                by_person[chunk.user_id].append(Vector(chunk.ref, chunk.version, embedder.model, each))
            for user_id, vectors in by_person.items():
                await to_the_end(self._index.store.attach(Scope(user_id), vectors))
        except (EmbedderUnavailable, VectorsUnavailable) as error:
            self._rest()
            if self.lacking is None:  # its detail is a vendor's text, which may hold a person's
                log.warning("index.without_meaning", code=error.code, error=str(error))
            self.lacking = error
            return False
        self.lacking, self._pause_s = None, 0.0
        return True

    def _rest(self) -> None:
        """Make no vectors for a while, and longer each time."""
        self._pause_s = min(max(2 * self._pause_s, _PAUSE_FIRST_S), _PAUSE_LAST_S)
        self._look_at = time.monotonic() + self._pause_s


def _stretch(rest: Iterator[Chunk]) -> list[Chunk]:
    return list(islice(rest, _STRETCH))


def _some(waiting: Sequence[Unindexed]) -> Sequence[Unindexed]:
    """The first of them, as many as are stored in one short transaction."""
    size, taken = 0, list[Unindexed]()
    for message in waiting:
        size += len(message.text)
        if taken and size > _CHARACTERS:
            break
        taken.append(message)
    return taken


def _original(message: Unindexed) -> Original:
    return Original(
        "message", message.id, message.conversation_id,
        () if message.is_gone else tuple(chunks_of(message.text)),
        message.revision, message.role, message.model, message.created_at, message.is_gone,
    )  # fmt: skip
