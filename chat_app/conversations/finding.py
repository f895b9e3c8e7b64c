"""Finds a person's messages and documents, by words and by meaning at once, and both by their titles."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chat_app.entries import Kind, Scope
from chat_app.errors import ChatError
from chat_app.messages import Principal, storable
from chat_app.search.base import Filter, StoreHealth
from chat_app.search.fusion import Hit
from chat_app.search.index import SearchIndex
from chat_app.search.snippets import Piece, has_words, snippet
from chat_app.search.terms import terms_of
from chat_app.store.backlog import Backlog, Progress
from chat_app.store.hits import FoundChunk, HitStore, TitleMatch

MOST_QUESTION = 1000
"""Characters; what is longer is cut."""
_TITLES = 5
_DEPTH, _DEEPEST = 50, 800
_MOST_PAGES = 3  # of one document that are shown
_RELATED, _RELATED_WORDS, _MOST_RELATED = 0.45, 0.5, 5
_SAME, _SAME_WORDS, _FEWEST_WORDS = 0.75, 0.9, 2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: `pinned` asks for pinned conversations alone; the rest is as in `search.base.Filter`."""

    text: str
    kind: Kind | None = None
    role: str = ""
    model: str = ""
    after: int | None = None
    before: int | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A message or a page, by the best of its chunks; `pieces` are what is shown of it, with the words asked for."""

    chunk: FoundChunk
    hit: Hit
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """What was found. `lacking` is why it was found by words alone, where meaning should have had a part."""

    titles: tuple[TitleMatch, ...]
    hits: tuple[Result, ...]
    lacking: ChatError | None
    progress: Progress


class Finding:
    """Searches.

    Args:
        backlog: Says how far the index is.
        store: Reads what was found.
        index: Finds it.
    """

    def __init__(self, backlog: Backlog, store: HitStore, index: SearchIndex) -> None:
        self._backlog, self._store, self._index = backlog, store, index

    async def find(self, who: Principal, wanted: Wanted, *, limit: int = 20) -> Results:
        """What a person has that matches, the best first; nothing is asked for as a search is begun.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        wanted = replace(wanted, text=storable(wanted.text).strip()[:MOST_QUESTION])
        progress = await self._backlog.progress(who.user_id, self.space)
        if not wanted.text:
            await self._index.prepare(Scope(who.user_id))
            return Results((), (), None, progress)
        titles = await self._titles(who, wanted)
        found, lacking = await self._hits(who, wanted, limit)
        return Results(tuple(titles), tuple(found), lacking, progress)

    @property
    def space(self) -> str:
        """The model whose vectors count; empty without one."""
        return self._index.embedder.model if self._index.embedder else ""

    async def related(self, who: Principal, conversation_id: str) -> list[FoundChunk]:
        """Other conversations that speak of what one speaks of, each by its nearest message, the nearest first.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        conversation_id = storable(conversation_id)
        text = await self._store.subject(who.user_id, conversation_id, MOST_QUESTION)
        where = Filter("message", without=frozenset((conversation_id,)))
        found = await self._index.find(Scope(who.user_id), text, where)
        near = [hit for hit in found.hits if hit.meaning >= _RELATED or hit.words >= _RELATED_WORDS]
        chunks = await self._store.found(who.user_id, [hit.ref for hit in near])
        nearest = dict[str, FoundChunk]()
        for chunk in chunks:
            nearest.setdefault(chunk.group, chunk)
        return list(nearest.values())[:_MOST_RELATED]

    async def asked_before(self, who: Principal, text: str) -> FoundChunk | None:
        """A question of a person's that asks the same as what they write now; None where none does.

        What is not sent is shown to no other server: with its model there, questions are compared by their words.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        text = text.strip()[:MOST_QUESTION]
        if sum(term.weight for term in terms_of(text)) < _FEWEST_WORDS:
            return None
        where, scope = Filter("message", role="user"), Scope(who.user_id)
        hits = (await self._index.find(scope, text, where, stays_here=True)).hits
        same = [hit for hit in hits if hit.meaning >= _SAME or hit.words >= _SAME_WORDS]
        return next(iter(await self._store.found(who.user_id, [hit.ref for hit in same])), None)

    async def progress(self, who: Principal) -> Progress:
        """How far the index of a person's texts is.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return await self._backlog.progress(who.user_id, self.space)

    async def contents(self, who: Principal) -> tuple[int, int]:
        """(messages, documents) that a person can find.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        return await self._backlog.contents(who.user_id)

    async def health(self) -> StoreHealth:
        """Whether the store of the vectors can be used."""
        return await self._index.store.health()

    async def start_over(self, who: Principal) -> None:
        """Index all that a person has anew.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        await self._backlog.start_over(who.user_id)

    async def _titles(self, who: Principal, wanted: Wanted) -> Sequence[TitleMatch]:
        """By their titles, while nothing is asked of messages."""
        if wanted.role or wanted.model:
            return ()
        within, words, found = (wanted.after, wanted.before), wanted.text.split(), list[TitleMatch]()
        if wanted.kind != "document":
            found += await self._store.titled(who.user_id, words, within, _TITLES, pinned=wanted.pinned)
        if wanted.kind != "message" and not wanted.pinned:
            found += await self._store.named(who.user_id, words, within, _TITLES - len(found))
        return found

    async def _hits(self, who: Principal, wanted: Wanted, limit: int) -> tuple[list[Result], ChatError | None]:
        pinned = await self._store.pinned(who.user_id) if wanted.pinned else None
        where = Filter(wanted.kind, wanted.role, wanted.model, wanted.after, wanted.before, pinned)
        depth = _DEPTH
        while True:
            found = await self._index.find(Scope(who.user_id), wanted.text, where, depth=depth)
            results = await self._shown(who.user_id, wanted.text, found.hits, limit)
            # What was deleted since takes places in vain: look further down, unless that was all there is.
            if len(results) >= limit or len(found.hits) < depth or depth >= _DEEPEST:
                return results, found.lacking
            depth *= 4

    async def _shown(self, user_id: str, text: str, hits: Sequence[Hit], limit: int) -> list[Result]:
        """The hits as they are shown: a message, or a page of a document, stands for all of its chunks."""
        chunks = {chunk.ref: chunk for chunk in await self._store.found(user_id, [hit.ref for hit in hits])}
        return await asyncio.to_thread(_results, text, hits, chunks, limit)


def _results(text: str, hits: Sequence[Hit], chunks: Mapping[str, FoundChunk], limit: int) -> list[Result]:
    """What is shown of them; in a thread, since a long question is looked for in long texts."""
    asked, results = terms_of(text), dict[tuple[str, int], Result]()
    for hit in hits:
        chunk = chunks.get(hit.ref)
        if chunk is None:
            continue
        place = (chunk.source, chunk.page if chunk.kind == "document" else 0)
        if place in results:
            continue
        if sum(source == chunk.source for source, _ in results) == _MOST_PAGES:
            continue
        # Numbers know no more than the beginning of a word: whether it goes on as it was typed, its text says.
        if hit.meaning or has_words(f"{chunk.heading}\n{chunk.text}", asked):
            results[place] = Result(chunk, hit, tuple(snippet(chunk.text, asked)))
        if len(results) == limit:
            break
    return list(results.values())
