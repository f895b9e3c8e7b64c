"""Documents that answers can stand on: taken in, kept in collections, and read page by page."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise

from chat_app.conversations.attachments import TASKS, Attachments
from chat_app.errors import BadRequest, FileRefused, NotFound
from chat_app.extraction.pages import has_words, read_pages
from chat_app.messages import storable
from chat_app.search.chunks import PAGE_BREAK
from chat_app.store.blobs import too_large
from chat_app.store.documents import CollectionRecord, DocumentRecord, DocumentStore, Refusal, Stretch

_VIEW = 6000
"""Characters at most that are shown at once of a page; one that has more is shown in several views."""
_MOST_NAME = 100
_READABLE = ("text/", "application/")


@dataclass(frozen=True, slots=True)
class View:
    """A part of a document as it is read: a page, or some of one.

    Args:
        number: Which, from 0, of so `many`.
        page: Which page it is of, from 1, of so many `pages`; 0 where the document has none.
        start: Where it begins in the words of the document; the stretches count from there, too.
        text: Its words.
        stretches: The chunks that lie in it, also in part.
    """

    number: int
    many: int
    page: int
    pages: int
    start: int
    text: str
    stretches: tuple[Stretch, ...]


class Documents:
    """Use cases.

    Args:
        store: The documents.
        attachments: Look into files.
        space: The model whose vectors count.
        most_file_bytes: Largest file.
        most_bytes: Of all of a person's documents.
    """

    def __init__(
        self, store: DocumentStore, attachments: Attachments, space: str, *, most_file_bytes: int, most_bytes: int
    ) -> None:
        self.store, self._attachments, self._space = store, attachments, space
        self.most_file_bytes, self._most_bytes = most_file_bytes, most_bytes

    async def take(
        self,
        user_id: str,
        pieces: AsyncIterator[bytes],
        name: str,
        size_bytes: int,
        collection_id: str | None,
        key: str = "",
    ) -> DocumentRecord:
        """Take a file in as it comes. One that cannot be read is noted, with the reason, and seen among the others.

        Args:
            user_id: Whose it will be.
            pieces: Its content.
            name: What it is called, fit to be shown.
            size_bytes: As large as it is said to be.
            collection_id: Where it is kept; None is in none.
            key: By which it is known when it comes again; empty is of its own.

        Raises:
            NotFound: There is no such collection, or it is someone else's.
            StoreUnavailable: It cannot be stored just now.
        """
        document_id = await self.store.known(user_id, key) if key else None
        if document_id is None:
            try:
                document_id = await self._taken(user_id, pieces, name, size_bytes, collection_id, key)
            except FileRefused as error:
                refusal = Refusal(error.reason, error.values)
                document_id = await self.store.add_refused(user_id, name, size_bytes, refusal, collection_id, key)
        return await self.store.read(user_id, document_id, self._space)

    async def _taken(
        self,
        user_id: str,
        pieces: AsyncIterator[bytes],
        name: str,
        size_bytes: int,
        collection_id: str | None,
        key: str,
    ) -> str:
        if size_bytes > self.most_file_bytes:
            raise too_large(self.most_file_bytes)
        received = await self.store.blobs.receive(pieces, self.most_file_bytes)
        try:
            kind, facts = await self._attachments.look_into(received, name)
            if not kind.startswith(_READABLE):
                raise FileRefused("Pictures and sound have no words to answer from.", "no_document")
            if not facts.characters or not await asyncio.to_thread(has_words, received.path):
                if facts.wordless:
                    raise FileRefused("No words can be read in it: it seems to be a scan.", "scan")
                raise FileRefused("There are no words in it.", "wordless")
            return await self.store.add(
                user_id, received, name, kind, facts, form=TASKS.get(kind, ""), collection_id=collection_id,
                key=key, most_bytes=self._most_bytes,
            )  # fmt: skip
        finally:
            received.drop()

    async def listed(self, user_id: str) -> tuple[list[CollectionRecord], list[DocumentRecord]]:
        """(a person's collections, their documents, the latest first)."""
        return await self.store.collections(user_id), await self.store.listed(user_id, self._space)

    async def collect(self, user_id: str, name: str) -> str:
        """Make a collection; its id.

        Raises:
            BadRequest: The name is blank.
            ValueRefused: There is one of that name.
        """
        name = storable(" ".join(name.split()))[:_MOST_NAME]
        if not name:
            raise BadRequest("A name needs at least one character.")
        return await self.store.collect(user_id, name)

    async def view(self, user_id: str, document_id: str, *, number: int = 0, page: int = 0, ref: str = "") -> View:
        """A part of a document: of a number from 0, or the first of a page, or the one that a chunk begins in.

        Raises:
            NotFound: There is no such document, it is someone else's, or its words are not there any more.
        """
        record = await self.store.read(user_id, document_id)
        if not record.blob_id:
            raise NotFound("There is no such document.")
        path = self.store.blobs.path_of(record.blob_id).with_suffix(".text")
        try:
            pages = await asyncio.to_thread(read_pages, path)
        except OSError as error:
            raise NotFound("The words of the document are not there any more.") from error
        views, words = await asyncio.to_thread(lambda: (_views(pages), PAGE_BREAK.join(pages)))
        if ref and (place := await self.store.where(user_id, storable(ref))) and place[0] == document_id:
            number = bisect_right([start for start, _, _ in views], place[1]) - 1
        elif page:
            number = next((index for index, view in enumerate(views) if view[2] == page), 0)
        number = min(max(number, 0), len(views) - 1)
        start, end, on_page = views[number]
        stretches = await self.store.stretches(user_id, document_id, self._space, (start, end))
        on_page, of = (on_page, len(pages)) if len(pages) > 1 else (0, 0)
        return View(number, len(views), on_page, of, start, words[start:end], tuple(stretches))


def _views(pages: list[str]) -> list[tuple[int, int, int]]:
    """(start, end, page from 1) of each view; a page break belongs to none. A page without words is one, too."""
    views: list[tuple[int, int, int]] = []
    begins = 0
    for page, words in enumerate(pages, start=1):
        cuts = [0]
        while len(words) - cuts[-1] > _VIEW:
            last = cuts[-1]
            line = words.rfind("\n", last + _VIEW // 2, last + _VIEW) + 1
            cuts.append(line or last + _VIEW)
        cuts.append(len(words))
        views += [(begins + low, begins + high, page) for low, high in pairwise(cuts)]
        begins += len(words) + len(PAGE_BREAK)
    return views
