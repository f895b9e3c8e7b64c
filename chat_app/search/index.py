"""Finds a person's texts by words and by meaning at once, and by words alone where meaning is out of reach."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass

from chat_app.entries import Scope
from chat_app.errors import ChatError, EmbedderUnavailable, VectorsUnavailable
from chat_app.search.base import EVERYTHING, Filter, Match, VectorStore
from chat_app.search.embedder import Embedder
from chat_app.search.fusion import Hit, fused

_DEPTH = 50
"""How many are found by words and how many by meaning, before the two are made one list."""
_REMEMBERED = 1000
_PATIENCE_S = 3  # what was found by words waits no longer


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, the best first; `lacking` is why meaning had no part in it, where it should have."""

    hits: tuple[Hit, ...]
    lacking: ChatError | None = None


class SearchIndex:
    """A store and what makes its vectors.

    Args:
        store: Of the vectors that the embedder makes.
        embedder: Makes vectors; without one all is found by words.
    """

    def __init__(self, store: VectorStore, embedder: Embedder | None) -> None:
        self.store, self.embedder = store, embedder
        self._questions: OrderedDict[str, bytes] = OrderedDict()

    async def find(
        self, scope: Scope, text: str, where: Filter = EVERYTHING, *, depth: int = _DEPTH, stays_here: bool = False
    ) -> Found:
        """What a text asks for, by words and by meaning.

        Args:
            scope: Whose texts.
            text: What is asked.
            where: Which of them.
            depth: How many are looked at by words, and how many by meaning.
            stays_here: Neither the text nor its vector goes to another server: where they would, it has none.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        is_here = self.store.is_local and (self.embedder is None or self.embedder.is_local)
        may_ask = is_here or not stays_here
        try:
            async with asyncio.TaskGroup() as group:
                meaning = group.create_task(self.nearest(scope, text, where, depth)) if may_ask else None
                words = group.create_task(self.store.query(scope, text=text, where=where, top_k=depth))
        except ExceptionGroup as failed:  # a group is no error that callers know: the first is what kept both
            raise failed.exceptions[0] from failed
        near, lacking = meaning.result() if meaning else ([], None)
        return Found(tuple(fused(words.result(), near)), lacking)

    async def prepare(self, scope: Scope) -> None:
        """Bring into memory what the first search would wait for, while its words are still being typed.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        if self.embedder is not None:
            with suppress(EmbedderUnavailable):  # the search will say so
                await self.embedder.prepare()
        await self.store.query(scope)

    async def nearest(self, scope: Scope, text: str, where: Filter, top_k: int) -> tuple[list[Match], ChatError | None]:
        """(what is nearest in meaning, why nothing can be); a text that the model cannot read has no meaning to it."""
        if self.embedder is None or not self.embedder.reads(text):
            return [], None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                vector = await self._vector(self.embedder, text)
            found = await self.store.query(scope, vector=vector, where=where, top_k=top_k)
        except TimeoutError:
            return [], EmbedderUnavailable(f"{self.embedder.model} takes too long.")
        except (EmbedderUnavailable, VectorsUnavailable) as error:
            return [], error
        return [match for match in found if match.score >= self.embedder.least], None

    async def _vector(self, embedder: Embedder, text: str) -> bytes:
        """Of a question; people type, stop and go back, and ask the same again."""
        if (known := self._questions.get(text)) is None:
            [known] = await embedder.embed([text], waited_for=True)
            self._questions[text] = known
        self._questions.move_to_end(text)
        if len(self._questions) > _REMEMBERED:
            self._questions.popitem(last=False)
        return known
