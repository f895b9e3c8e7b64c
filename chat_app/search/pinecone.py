"""The store of vectors for a team that has outgrown one machine: vectors lie in Pinecone, and words where they were.

A chunk's row in the application's database says whether its vector is at Pinecone. What is to be deleted there is noted
in the transaction that deletes the chunk, and before a vector goes there, so that no kill leaves one behind.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from chat_app.entries import Original, Row, Scope, Vector
from chat_app.errors import VectorsKeyRefused, VectorsMismatched, VectorsUnavailable
from chat_app.search import embedded
from chat_app.search.base import EVERYTHING, Filter, Match, StoreHealth

if TYPE_CHECKING:  # a third of a second to import: only where it is used
    from pinecone import AsyncIndex, AsyncPinecone

Tenancy: TypeAlias = Literal["filter", "namespace"]
_QUERY_S, _WRITE_S = 3, 10
_DELETED_AT_ONCE = 100  # ids; the service takes 1,000
_SETTLED_MS = 60_000  # a vector that was announced so long ago and not confirmed did not get there in order


class Table(embedded.Table, Protocol):
    """The rows, with what is owed to Pinecone; `store.vectors.ChunkStore` is one."""

    async def rows(self, user_id: str, refs: Sequence[str]) -> list[Row]:
        """What of chunks is needed to find them."""
        ...

    async def announce(self, user_id: str, vectors: Sequence[Vector]) -> set[str]:
        """Note that vectors are about to be put elsewhere, to be deleted there if they are not attached.

        Returns:
            The refs of those whose chunks are as they were.
        """
        ...

    async def owed(self, before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(whose, ref) of vectors elsewhere that are to be deleted, and were noted before then."""
        ...

    async def settle(self, refs: Sequence[str]) -> None:
        """Forget what was owed: they are deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Which index, and how people are told apart in it.

    Args:
        api_key: The key.
        index: Its name.
        host: Its address; empty: it is looked up by its name, and made if there is none.
        control: Where indexes are looked up.
        cloud: Where one is made.
        region: Where in that cloud.
        tenancy: People have a namespace each, of which plans allow a number, or share one and are told apart by a
            filter, which costs the reading of more.
    """

    api_key: str
    index: str
    host: str = ""
    control: str = "https://api.pinecone.io"
    cloud: str = "aws"
    region: str = "us-east-1"
    tenancy: Tenancy = "filter"


class PineconeStore:
    """Keeps vectors in Pinecone, and finds words as the embedded store does.

    Args:
        table: The rows of the chunks.
        space: The model whose vectors count.
        place: Where the vectors are.
        cache_bytes: As for the embedded store.
    """

    def __init__(self, table: Table, space: str, place: Place, *, cache_bytes: int) -> None:
        self._table, self._space, self._place = table, space, place
        self._words = embedded.EmbeddedStore(table, space, cache_bytes=cache_bytes)
        self._client: AsyncPinecone | None = None
        self._index: AsyncIndex | None = None
        self._dimension = 0
        self._opening = asyncio.Lock()

    async def upsert(self, scope: Scope, originals: Sequence[Original]) -> None:
        """As the protocol says."""
        await self._words.upsert(scope, originals)

    async def attach(self, scope: Scope, vectors: Sequence[Vector]) -> None:
        """As the protocol says."""
        there = [
            vector for vector in vectors if not vector.numbers
        ]  # its model has none for it: nothing is put anywhere
        made = [vector for vector in vectors if vector.numbers]
        if made:
            there += await self._put(scope, made)
        if there:  # that they are elsewhere is all that their rows say
            await self._table.attach(scope.user_id, [replace(each, numbers=b"") for each in there])

    async def _put(self, scope: Scope, vectors: Sequence[Vector]) -> list[Vector]:
        """Those that are at Pinecone now: the others' chunks have changed, or nothing can be put there."""
        rows = {row.ref: row for row in await self._table.rows(scope.user_id, [vector.ref for vector in vectors])}
        async with self._asking(_WRITE_S, len(vectors[0].numbers) // 4, may_make=True) as index:
            if index is None:
                return []
            same = await self._table.announce(scope.user_id, vectors)
            there = [vector for vector in vectors if vector.ref in same and vector.ref in rows]
            if there:
                records = [_record(scope, rows[each.ref], each) for each in there]
                await index.upsert(vectors=records, namespace=self._namespace(scope.user_id))
        return there

    async def query(
        self, scope: Scope, *, vector: bytes = b"", text: str = "", where: Filter = EVERYTHING, top_k: int = 10
    ) -> list[Match]:
        """As the protocol says; what was stored a moment ago, Pinecone may not see yet."""
        if not vector:
            return await self._words.query(scope, text=text, where=where, top_k=top_k)
        if where.groups is not None and not where.groups:
            return []
        numbers = array("f", vector).tolist()
        async with self._asking(_QUERY_S, len(numbers)) as index:
            if index is None:
                return []
            found = await index.query(
                vector=numbers, top_k=top_k, namespace=self._namespace(scope.user_id),
                filter=_filter(scope, self._space, where),
            )  # fmt: skip
        # What was deleted or changed since may be there still, until it is tidied up.
        rows = await self._table.rows(scope.user_id, [match.id for match in found.matches])
        known = {row.ref for row in rows if row.space == self._space}
        return [Match(match.id, match.score) for match in found.matches if match.id in known]

    async def delete(self, scope: Scope, ids: Sequence[str]) -> None:
        """As the protocol says; at Pinecone they are deleted by `tidy`."""
        await self._words.delete(scope, ids)

    async def count(self, scope: Scope) -> int:
        """As the protocol says."""
        return await self._words.count(scope)

    async def tidy(self) -> bool:
        """As the protocol says: delete at Pinecone what is deleted here."""
        owed = await self._table.owed(int(time.time() * 1000) - _SETTLED_MS, _DELETED_AT_ONCE)
        for user_id, theirs in groupby(owed, key=lambda each: each[0]):
            refs = [ref for _, ref in theirs]
            async with self._asking(_WRITE_S, 0) as index:
                if index is not None:
                    await index.delete(ids=refs, namespace=self._namespace(user_id))
            await self._table.settle(refs)
        return len(owed) == _DELETED_AT_ONCE

    async def pack(self) -> bool:
        """As the protocol says: of the words."""
        return await self._words.pack()

    async def health(self) -> StoreHealth:
        """As the protocol says."""
        try:
            async with self._asking(_QUERY_S, 0) as index:
                if index is not None:
                    await index.describe_index_stats()
        except VectorsUnavailable as error:
            return StoreHealth("Pinecone", error.code)
        return StoreHealth("Pinecone")

    is_local = False

    async def aclose(self) -> None:
        """As the protocol says."""
        for opened in (self._index, self._client):
            if opened is not None:
                await opened.close()

    def _namespace(self, user_id: str) -> str:
        return user_id if self._place.tenancy == "namespace" else ""

    @asynccontextmanager
    async def _asking(
        self, most_s: float, dimension: int, *, may_make: bool = False
    ) -> AsyncGenerator[AsyncIndex | None]:
        """The index, for a block whose faults are those of the store; None where there is none yet.

        Args:
            most_s: How long all of it may take.
            dimension: How long the vectors are that it is asked with; 0 is none.
            may_make: Whether it is made where there is none.

        Raises:
            VectorsUnavailable: Pinecone cannot be reached, has too much to do, or refuses.
        """
        from pinecone import errors

        try:
            async with asyncio.timeout(most_s):
                yield await self._opened(dimension, may_make=may_make)
        except (errors.UnauthorizedError, errors.ForbiddenError) as error:
            raise VectorsKeyRefused("Pinecone refuses the key.", detail=_told(error)) from error
        except errors.PineconeError as error:
            raise VectorsUnavailable("Pinecone cannot be used just now.", detail=_told(error)) from error
        except TimeoutError as error:
            raise VectorsUnavailable("Pinecone does not answer in time.") from error

    async def _opened(self, dimension: int, *, may_make: bool) -> AsyncIndex | None:
        async with self._opening:
            if self._index is None:
                self._index = await self._open(dimension, may_make=may_make)
            if self._index is not None and dimension and not self._dimension:
                self._dimension = (await self._index.describe_index_stats()).dimension or 0
        if dimension and self._index is not None and self._dimension not in (0, dimension):
            raise VectorsMismatched(
                f"The index has vectors of {self._dimension} numbers, and the model makes {dimension}."
            )
        return self._index

    async def _open(self, dimension: int, *, may_make: bool) -> AsyncIndex | None:
        from pinecone import AsyncPinecone, errors

        place = self._place
        if self._client is None:
            self._client = AsyncPinecone(api_key=place.api_key, host=place.control)
        if place.host:
            return await self._client.index(host=place.host)
        try:
            return await self._client.index(name=place.index)
        except errors.NotFoundError:
            if not may_make:
                return None
        deployment = {"deployment_type": "managed", "cloud": place.cloud, "region": place.region}
        with suppress(errors.ConflictError):  # another worker has made it at this moment
            await self._client.indexes.create(
                name=place.index, dimension=dimension, metric="cosine", deployment=deployment, timeout=-1
            )  # it takes a while to be ready: until then it has no address, and whoever asks tries again
        return await self._client.index(name=place.index)


def _told(error: Exception) -> str:
    """What Pinecone says, without what it was sent."""
    return str(error)[:300]


def _record(scope: Scope, row: Row, vector: Vector) -> dict[str, object]:
    metadata = {
        "user": scope.user_id, "space": vector.space, "kind": row.kind, "group": row.group, "role": row.role,
        "model": row.model, "at": row.at,
    }  # fmt: skip
    return {"id": vector.ref, "values": array("f", vector.numbers).tolist(), "metadata": metadata}


def _filter(scope: Scope, space: str, where: Filter) -> dict[str, object]:
    """A filter as Pinecone understands it (docs.pinecone.io, filter by metadata); the person always stands in it."""
    asked: dict[str, object] = {"user": {"$eq": scope.user_id}, "space": {"$eq": space}}
    for name, value in (("kind", where.kind), ("role", where.role), ("model", where.model)):
        if value:
            asked[name] = {"$eq": value}
    within = {"$gte": where.after, "$lt": where.before}
    if times := {name: value for name, value in within.items() if value is not None}:
        asked["at"] = times
    groups: dict[str, object] = {}
    if where.groups is not None:
        groups["$in"] = sorted(where.groups)
    if where.without:
        groups["$nin"] = sorted(where.without)
    return asked | ({"group": groups} if groups else {})
