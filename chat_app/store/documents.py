"""Documents that answers can stand on, and the collections they are kept in. Every query goes through the owner."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
from sqlalchemy import RowMapping, Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import FileRefused, NotFound, ValueRefused
from chat_app.messages import NO_FACTS, FileFacts, Struct, storable
from chat_app.store.blobs import BlobStore, Received
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import blobs, chunks, collections, documents
from chat_app.store.vectors import forget, next_version, of_person

_decode_facts = msgspec.json.Decoder(FileFacts).decode
_MISSING = "There is no such document."
_NO_COLLECTION = "There is no such collection."


class Refusal(Struct, frozen=True):
    """Why a file is none to answer from: a reason of `errors.FileRefused`, with what fills its sentence."""

    reason: str
    values: dict[str, str | float] = msgspec.field(default_factory=dict[str, str | float])


_decode_refusal = msgspec.json.Decoder(Refusal).decode


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document. One that was `refused` has no content: its `blob_id` is empty.

    Of its `chunks` so many are `embedded`; they are all there once it `is_indexed`.
    """

    id: str
    created_at: int
    collection_id: str | None
    blob_id: str
    name: str
    media_type: str
    size_bytes: int
    facts: FileFacts
    refused: Refusal | None
    is_indexed: bool
    chunks: int
    embedded: int
    key: str


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """Documents under one name."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Given:
    """Documents to answer from: the ids of those that are `ready`, how many are not yet, and which ids are `known`."""

    ready: frozenset[str]
    waiting: int
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Uncut:
    """A document of anybody's that is not searched yet."""

    id: str
    user_id: str
    blob_id: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a chunk lies in the words of its document."""

    ref: str
    begins: int
    ends: int
    heading: str
    is_embedded: bool


class DocumentStore:
    """The tables `documents` and `collections`.

    Args:
        database: Of the tables.
        blobs: The files.
    """

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database, self.blobs = database, blobs

    async def add(
        self,
        user_id: str,
        received: Received,
        name: str,
        media_type: str,
        facts: FileFacts,
        *,
        form: str,
        collection_id: str | None,
        key: str,
        most_bytes: int,
    ) -> str:
        """Keep a file as a document; its id.

        Args:
            user_id: Whose it is.
            received: The content.
            name: What it is called.
            media_type: What it is.
            facts: What was found in it.
            form: How it was looked into; see `BlobStore.add`.
            collection_id: Where it is kept; None is in none.
            key: By which it is known when it comes twice; see `known`.
            most_bytes: Of all of a person's documents, with this.

        Raises:
            FileRefused: They are more.
            NotFound: There is no such collection, or it is someone else's.
            StoreUnavailable: It cannot be stored just now.
        """
        ids = [new_id()]

        async def note(connection: AsyncConnection, blob_id: str) -> None:
            await next_version(connection, user_id)  # one after the other, or all would find room for themselves
            if known := await _known(connection, user_id, key):  # it comes twice at this moment
                ids.append(known)
                return
            kept = (documents.c.user_id == user_id, documents.c.blob_id.is_not(None))
            size = select(func.sum(documents.c.size_bytes)).where(*kept)
            if (await connection.scalar(size) or 0) + received.size_bytes > most_bytes:
                most = f"{most_bytes / 1_000_000:g}"
                raise FileRefused(f"All documents together may have {most} MB.", "documents", most=most)
            row = _row(ids[0], user_id, name, media_type, received.size_bytes, collection_id, key)
            await _insert(connection, row | {"blob_id": blob_id})

        await self.blobs.own(received, facts, note, form=form)
        return ids[-1]

    async def add_refused(
        self, user_id: str, name: str, size_bytes: int, refusal: Refusal, collection_id: str | None, key: str
    ) -> str:
        """Note that a file is none to answer from, so that it is seen; the id."""
        document_id = new_id()
        row = _row(document_id, user_id, name, "", size_bytes, collection_id, key)
        async with self._database.write() as connection:
            await next_version(connection, user_id)
            if known := await _known(connection, user_id, key):
                return known
            refused = msgspec.json.encode(refusal).decode()
            await _insert(connection, row | {"refused": refused, "is_indexed": True})
        return document_id

    async def known(self, user_id: str, key: str) -> str | None:
        """The id of the document that came with this key before."""
        async with self._database.read() as connection:
            return await _known(connection, user_id, key)

    async def fail(self, document_id: str, refusal: Refusal) -> None:
        """Note that a document cannot be searched after all."""
        told = msgspec.json.encode(refusal).decode()
        async with self._database.write() as connection:
            statement = update(documents).where(documents.c.id == document_id)
            await connection.execute(statement.values(refused=told, is_indexed=True))

    async def listed(self, user_id: str, space: str) -> list[DocumentRecord]:
        """A person's documents, the latest first; `space` is the model whose vectors count."""
        async with self._database.read() as connection:
            rows = await connection.execute(_records(space).where(documents.c.user_id == user_id))
            return [_record(row) for row in rows.mappings()]

    async def read(self, user_id: str, document_id: str, space: str = "") -> DocumentRecord:
        """One of them.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        query = _records(space).where(documents.c.user_id == user_id, documents.c.id == storable(document_id))
        async with self._database.read() as connection:
            if row := (await connection.execute(query)).mappings().one_or_none():
                return _record(row)
        raise NotFound(_MISSING)

    async def stretches(self, user_id: str, document_id: str, space: str, within: tuple[int, int]) -> list[Stretch]:
        """The chunks of a document that lie in a part of its words, in their order."""
        low, high = within
        query = select(chunks.c.ref, chunks.c.begins, chunks.c.ends, chunks.c.heading, chunks.c.space == space).where(
            of_person(user_id, chunks.c.group_id == document_id), chunks.c.ends > low, chunks.c.begins < high
        )
        async with self._database.read() as connection:
            return [Stretch(*row) for row in await connection.execute(query.order_by(chunks.c.begins))]

    async def where(self, user_id: str, ref: str) -> tuple[str, int] | None:
        """(the document that a chunk is of, where in its words it begins); None where it is not there any more."""
        query = select(chunks.c.group_id, chunks.c.begins).where(chunks.c.ref == ref, chunks.c.user_id == user_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return (row.group_id, row.begins) if row else None

    async def move(self, user_id: str, document_id: str, collection_id: str | None) -> None:
        """Keep a document in a collection, or in none.

        Raises:
            NotFound: There is no such document or collection, or it is someone else's.
        """
        mine = (documents.c.id == storable(document_id), documents.c.user_id == user_id)
        async with self._database.write() as connection:
            await _check_collection(connection, user_id, collection_id)
            done = await connection.execute(update(documents).where(*mine).values(collection_id=collection_id))
        if not done.rowcount:
            raise NotFound(_MISSING)

    async def remove(self, user_id: str, document_id: str) -> None:
        """Delete a document; from this moment on it is not found.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        mine = (documents.c.id == storable(document_id), documents.c.user_id == user_id)
        async with self._database.write() as connection:
            await next_version(connection, user_id)
            if not (await connection.execute(delete(documents).where(*mine))).rowcount:
                raise NotFound(_MISSING)
            await forget(connection, user_id, chunks.c.group_id == document_id)

    async def collections(self, user_id: str) -> list[CollectionRecord]:
        """A person's collections, by their names."""
        query = select(collections.c.id, collections.c.name).where(collections.c.user_id == user_id)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            return sorted((CollectionRecord(*row) for row in rows), key=lambda each: each.name.casefold())

    async def collect(self, user_id: str, name: str) -> str:
        """Make a collection; its id.

        Raises:
            ValueRefused: There is one of that name.
        """
        collection_id = new_id()
        row = {"id": collection_id, "created_at": now_ms(), "user_id": user_id, "name": name}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(collections), row)
        except IntegrityError as error:
            raise ValueRefused("There is a collection of that name.", "collection") from error
        return collection_id

    async def dissolve(self, user_id: str, collection_id: str) -> None:
        """Delete a collection; its documents stay, in none.

        Raises:
            NotFound: There is none, or it is someone else's.
        """
        mine = (collections.c.id == storable(collection_id), collections.c.user_id == user_id)
        async with self._database.write() as connection:
            done = await connection.execute(delete(collections).where(*mine))
        if not done.rowcount:
            raise NotFound(_NO_COLLECTION)

    async def given(self, user_id: str, ids: Collection[str]) -> Given:
        """Those documents that some ids name, of documents or of collections."""
        ids = [storable(each) for each in ids]
        named = or_(documents.c.id.in_(ids), documents.c.collection_id.in_(ids))
        query = select(documents.c.id, documents.c.is_indexed).where(
            documents.c.user_id == user_id, documents.c.refused == "", named
        )
        kept = select(collections.c.id).where(collections.c.user_id == user_id, collections.c.id.in_(ids))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
            known = set((await connection.execute(kept)).scalars()) | {row.id for row in rows}
        ready = frozenset(row.id for row in rows if row.is_indexed)
        return Given(ready, len(rows) - len(ready), frozenset(known))

    async def uncut(self) -> Uncut | None:
        """The document of anybody's that has waited longest to be searched."""
        query = select(documents.c.id, documents.c.user_id, documents.c.blob_id, documents.c.created_at)
        query = query.where(~documents.c.is_indexed, documents.c.refused == "")
        async with self._database.read() as connection:
            row = (await connection.execute(query.order_by(documents.c.created_at).limit(1))).one_or_none()
        return Uncut(*row) if row else None


def _row(
    document_id: str, user_id: str, name: str, media_type: str, size_bytes: int, collection_id: str | None, key: str
) -> dict[str, object]:
    return {
        "id": document_id, "created_at": now_ms(), "user_id": user_id, "collection_id": collection_id,
        "blob_id": None, "name": name, "media_type": media_type, "size_bytes": size_bytes, "refused": "",
        "is_indexed": False, "key": key or document_id,
    }  # fmt: skip


async def _known(connection: AsyncConnection, user_id: str, key: str) -> str | None:
    return await connection.scalar(select(documents.c.id).where(documents.c.user_id == user_id, documents.c.key == key))


async def _insert(connection: AsyncConnection, row: dict[str, object]) -> None:
    user_id, collection_id = str(row["user_id"]), row["collection_id"]
    await _check_collection(connection, user_id, None if collection_id is None else str(collection_id))
    await connection.execute(insert(documents), [row])


async def _check_collection(connection: AsyncConnection, user_id: str, collection_id: str | None) -> None:
    if collection_id is None:
        return
    kept = (collections.c.id == storable(collection_id), collections.c.user_id == user_id)
    query = select(collections.c.id).where(*kept)
    if (await connection.execute(query)).first() is None:
        raise NotFound(_NO_COLLECTION)


def _records(space: str) -> Select[*tuple[object, ...]]:
    counted = select(func.count()).select_from(chunks).where(chunks.c.group_id == documents.c.id)
    columns = [documents, blobs.c.facts, counted.scalar_subquery().label("chunks")]
    embedded = counted.where(chunks.c.space == space, chunks.c.space != "")
    stands = documents.outerjoin(blobs, blobs.c.id == documents.c.blob_id)
    query = select(*columns, embedded.scalar_subquery().label("embedded")).select_from(stands)
    return query.order_by(documents.c.created_at.desc(), documents.c.id.desc())


def _record(row: RowMapping) -> DocumentRecord:
    return DocumentRecord(
        row["id"], row["created_at"], row["collection_id"], row["blob_id"] or "", row["name"], row["media_type"],
        row["size_bytes"], _decode_facts(row["facts"]) if row["facts"] else NO_FACTS,
        _decode_refusal(row["refused"]) if row["refused"] else None, row["is_indexed"], row["chunks"],
        row["embedded"], row["key"],
    )  # fmt: skip
