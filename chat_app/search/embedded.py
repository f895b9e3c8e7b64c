"""The store of vectors that needs no other: rows of the application's own database, searched whole in numpy.

What a person has searched in stays in memory, up to a bound; what came since is added to it at the next search.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from chat_app.entries import Loaded, Original, Row, Scope, Vector
from chat_app.errors import StoreUnavailable
from chat_app.search.base import EVERYTHING, Filter, Match, StoreHealth
from chat_app.search.packs import decoded, encoded, pack_of
from chat_app.search.terms import packed

if TYPE_CHECKING:  # numpy takes a tenth of a second and 30 MB: only where somebody searches
    from chat_app.search.person import Person

_MANY = 5000
"""Chunks from which on a search goes to a thread, fewer for a long text: it would hold up others for milliseconds."""


class Table(Protocol):
    """The rows; `store.vectors.ChunkStore` is one."""

    async def put(self, user_id: str, originals: Sequence[Original], words: Sequence[Sequence[bytes]]) -> None:
        """Store originals with their chunks' words."""
        ...

    async def attach(self, user_id: str, vectors: Sequence[Vector]) -> None:
        """Give chunks their vectors."""
        ...

    async def remove(self, user_id: str, ids: Sequence[str]) -> None:
        """Forget originals."""
        ...

    async def count(self, user_id: str) -> int:
        """How many chunks a person has."""
        ...

    async def load(self, user_id: str, since: int, space: str) -> Loaded:
        """What is newer than a version; packs have vectors of that space."""
        ...

    async def pack(self, space: str, encode: Callable[[Sequence[Row]], bytes]) -> bool:
        """Put chunks of one person into one pack; whether there may be more to do."""
        ...


class EmbeddedStore:
    """Keeps vectors in the application's database.

    Args:
        table: Where.
        space: The model whose vectors count.
        cache_bytes: Most that the chunks of those who searched last may take in memory.
    """

    def __init__(self, table: Table, space: str, *, cache_bytes: int) -> None:
        self._table, self._space, self._cache_bytes = table, space, cache_bytes
        self._people: OrderedDict[str, tuple[int, Person]] = OrderedDict()
        self._loading: dict[str, asyncio.Lock] = {}

    async def upsert(self, scope: Scope, originals: Sequence[Original]) -> None:
        """As the protocol says."""
        words = await asyncio.to_thread(_words, originals)
        await self._table.put(scope.user_id, originals, words)

    async def attach(self, scope: Scope, vectors: Sequence[Vector]) -> None:
        """As the protocol says."""
        await self._table.attach(scope.user_id, vectors)

    async def query(
        self, scope: Scope, *, vector: bytes = b"", text: str = "", where: Filter = EVERYTHING, top_k: int = 10
    ) -> list[Match]:
        """As the protocol says; exact."""
        person = await self._person(scope.user_id)

        def search() -> list[Match]:
            return person.nearest(vector, where, top_k) if vector else person.matching(text, where, top_k)

        return await asyncio.to_thread(search) if len(person) * (1 + len(text) // 100) > _MANY else search()

    async def delete(self, scope: Scope, ids: Sequence[str]) -> None:
        """As the protocol says."""
        await self._table.remove(scope.user_id, ids)

    async def count(self, scope: Scope) -> int:
        """As the protocol says."""
        return await self._table.count(scope.user_id)

    async def aclose(self) -> None:
        """As the protocol says: there are none of its own."""

    is_local = True

    async def tidy(self) -> bool:
        """As the protocol says: nothing is put off."""
        return False

    async def pack(self) -> bool:
        """As the protocol says."""
        return await self._table.pack(self._space, partial(encoded, space=self._space))

    async def health(self) -> StoreHealth:
        """As the protocol says."""
        try:
            await self._table.count("")  # whether it can be read
        except StoreUnavailable as error:
            return StoreHealth("embedded", error.code)
        return StoreHealth("embedded")

    async def _person(self, user_id: str) -> Person:
        """A person's chunks as they are now."""
        lock = self._loading.setdefault(user_id, asyncio.Lock())
        async with lock:
            version, person = self._people.get(user_id, (-1, None))
            loaded = await self._table.load(user_id, version, self._space)
            if person is None or loaded.version != version:
                person = await asyncio.to_thread(self._renewed, person, loaded)
            self._people[user_id] = (loaded.version, person)  # also where another's search let them go meanwhile
            self._people.move_to_end(user_id)
            self._forget()
        if not lock.locked():
            self._loading.pop(user_id, None)
        return person

    def _renewed(self, before: Person | None, loaded: Loaded) -> Person:
        from chat_app.search.columns import columns_of
        from chat_app.search.person import Person

        parts = [] if before is None or loaded.is_whole else [before.chunks]
        parts += [columns_of(decoded(pack)) for pack in loaded.packs]
        if loaded.rows or not parts:
            parts.append(columns_of(pack_of(loaded.rows, self._space)))
        return Person(parts)

    def _forget(self) -> None:
        """Let those go who searched longest ago, but for the last one."""
        size = sum(person.size_bytes for _, person in self._people.values())
        while size > self._cache_bytes and len(self._people) > 1:
            _, (_, person) = self._people.popitem(last=False)
            size -= person.size_bytes


def _words(originals: Sequence[Original]) -> list[list[bytes]]:
    return [[packed(f"{chunk.heading}\n{chunk.text}") for chunk in each.chunks] for each in originals]
