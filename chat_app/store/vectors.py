"""The chunks that a person's texts are found by: rows with their words and vectors. Every query goes through the owner.

A message that has ended and is not indexed as it is now stands in an index of its own (`tables.UNINDEXED`), so that no
change can be forgotten, however it came about. Whoever changes a person's chunks takes their version first: what is
stored and what is deleted at one moment come one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.entries import Loaded, Original, Row, Vector
from chat_app.store.database import Database, now_ms
from chat_app.store.deleted import revisions, with_all_below
from chat_app.store.packs import ROW, Encode, PackStore, load, unpack, unpack_all
from chat_app.store.tables import chunk_versions, chunks, documents, messages, owed_deletions

_BUMP = text(
    "INSERT INTO chunk_versions (user_id, version, deleted_version, loose) "
    "SELECT id, 1, 0, CAST(:stored AS BIGINT) FROM users WHERE id = :user_id "
    "ON CONFLICT (user_id) DO UPDATE SET version = chunk_versions.version + 1, "
    "loose = chunk_versions.loose + excluded.loose RETURNING version"
)


class ChunkStore:
    """Reads and writes chunks."""

    def __init__(self, database: Database) -> None:
        self._database, self._packs = database, PackStore(database)

    async def put(self, user_id: str, originals: Sequence[Original], words: Sequence[Sequence[bytes]]) -> None:
        """Store originals with their chunks' words instead of the chunks they had; equal ones keep their vectors.

        A message that has changed meanwhile, or was brought back, is left for another time; what is deleted loses its
        chunks. Of an original that comes in stretches the first replaces all, and the others add to it.
        """
        old = _of(user_id, [each.id for each in originals if not each.first])
        old.append(of_person(user_id, chunks.c.ref.in_([ref for each in originals if each.first for ref in each.refs])))
        async with self._database.write() as connection:
            version = await next_version(connection, user_id, stored=sum(map(len, words)))
            live = await revisions(connection, user_id, [each.id for each in originals if each.kind == "message"])
            there = await _documents(connection, user_id, [each.id for each in originals if each.kind == "document"])
            kept: dict[str, RowMapping] = {}
            for which in old:
                query = select(chunks.c.ref, chunks.c.version, chunks.c.text, chunks.c.space, chunks.c.vector)
                kept |= {row["ref"]: row for row in (await connection.execute(query.where(which))).mappings()}
            await unpack(connection, user_id, [row["version"] for row in kept.values()])
            rows = [
                _row(user_id, version, each, number, packed)
                for each, own in zip(originals, words, strict=True)
                if (each.id in there if each.kind == "document" else live.get(each.id) == each.revision)
                for number, packed in enumerate(own)
            ]
            for row in rows:
                before = kept.pop(str(row["ref"]), None)
                if before is not None and before["text"] == row["text"]:
                    row |= {"space": before["space"], "vector": before["vector"]}
            stays = [str(row["ref"]) for row in rows if row["space"]]
            for which in old:
                await _owe(connection, and_(which, chunks.c.ref.not_in(stays)))
                await connection.execute(delete(chunks).where(which))
            if rows:
                await connection.execute(insert(chunks), rows)
            if kept:
                await _note_deletion(connection, user_id)
            for each in originals:
                if each.kind == "document" and each.is_last:
                    await _finish(connection, each)
            indexed = [
                {"b_id": each.id, "b_revision": each.revision}
                for each in originals
                if each.kind == "message" and not (each.is_gone and each.id in live)
            ]
            if indexed:
                mine = (messages.c.id == bindparam("b_id"), messages.c.revision == bindparam("b_revision"))
                marked = update(messages).where(*mine, messages.c.user_id == user_id)
                await connection.execute(marked.values(indexed_revision=messages.c.revision), indexed)

    async def attach(self, user_id: str, vectors: Sequence[Vector]) -> None:
        """Give chunks their vectors, unless their text is another by now."""
        rows = [
            {"b_ref": each.ref, "b_version": each.version, "space": each.space, "vector": each.numbers}
            for each in vectors
        ]
        mine = (chunks.c.ref == bindparam("b_ref"), chunks.c.version == bindparam("b_version"))
        statement = update(chunks).where(*mine, chunks.c.user_id == user_id)
        async with self._database.write() as connection:
            version = await next_version(connection, user_id, stored=len(vectors))
            await unpack(connection, user_id, [each.version for each in vectors])
            changed = statement.values(space=bindparam("space"), vector=bindparam("vector"), version=version)
            await connection.execute(changed, rows)
            refs = [vector.ref for vector in vectors]
            done = select(chunks.c.ref).where(chunks.c.ref.in_(refs), chunks.c.version == version)
            await connection.execute(delete(owed_deletions).where(owed_deletions.c.ref.in_(done)))

    async def rows(self, user_id: str, refs: Sequence[str]) -> list[Row]:
        """What of chunks is needed to find them."""
        query = select(*ROW).where(of_person(user_id, chunks.c.ref.in_(refs)))
        async with self._database.read() as connection:
            return [Row(*row) for row in await connection.execute(query)]

    async def announce(self, user_id: str, vectors: Sequence[Vector]) -> set[str]:
        """Note that vectors are about to be put elsewhere, to be deleted there if they are not attached.

        Returns:
            The refs of those whose chunks are as they were.
        """
        versions = {vector.ref: vector.version for vector in vectors}
        query = select(chunks.c.ref, chunks.c.version).where(of_person(user_id, chunks.c.ref.in_(versions)))
        async with self._database.write() as connection:
            await next_version(connection, user_id)
            same = {row.ref for row in await connection.execute(query) if versions[row.ref] == row.version}
            known = select(owed_deletions.c.ref).where(owed_deletions.c.ref.in_(same))
            new = same - set((await connection.execute(known)).scalars())
            rows = [{"ref": ref, "created_at": now_ms(), "user_id": user_id} for ref in new]
            if rows:
                await connection.execute(insert(owed_deletions), rows)
        return same

    async def owed(self, before_ms: int, limit: int) -> list[tuple[str, str]]:
        """(whose, ref) of vectors elsewhere that are to be deleted, and were noted before then."""
        of = owed_deletions.c
        query = select(of.user_id, of.ref).where(of.created_at < before_ms).order_by(of.user_id, of.ref).limit(limit)
        async with self._database.read() as connection:
            return [(row.user_id, row.ref) for row in await connection.execute(query)]

    async def settle(self, refs: Sequence[str]) -> None:
        """Forget what was owed: they are deleted."""
        async with self._database.write() as connection:
            await connection.execute(delete(owed_deletions).where(owed_deletions.c.ref.in_(refs)))

    async def remove(self, user_id: str, ids: Sequence[str]) -> None:
        """Forget the chunks of messages or documents."""
        async with self._database.write() as connection:
            await forget(connection, user_id, or_(*_of(user_id, ids)))

    async def count(self, user_id: str) -> int:
        """How many chunks a person has."""
        query = select(func.count()).select_from(chunks).where(chunks.c.user_id == user_id)
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar_one()

    async def load(self, user_id: str, since: int, space: str) -> Loaded:
        """What is newer than a version, as `packs.load`."""
        async with self._database.glance() as connection:
            return await load(connection, user_id, since, space)

    async def pack(self, space: str, encode: Encode) -> bool:
        """Put some of a person's chunks into one row, as `PackStore.pack`."""
        return await self._packs.pack(space, encode)


async def forget(connection: AsyncConnection, user_id: str, which: ColumnElement[bool]) -> None:
    """Within a transaction, forget some of a person's chunks."""
    which = of_person(user_id, which)
    await next_version(connection, user_id)
    await unpack(connection, user_id, (await connection.execute(select(chunks.c.version).where(which))).scalars())
    await _owe(connection, which)
    await connection.execute(delete(chunks).where(which))
    await _note_deletion(connection, user_id)


async def detach(connection: AsyncConnection, user_id: str) -> None:
    """Within a transaction, take the vectors from all of a person's chunks."""
    await next_version(connection, user_id)
    await unpack_all(connection, user_id)
    await _owe(connection, chunks.c.user_id == user_id)
    await connection.execute(update(chunks).where(chunks.c.user_id == user_id).values(space="", vector=b""))
    await _note_deletion(connection, user_id)


async def follow_conversation(
    connection: AsyncConnection, user_id: str, conversation_id: str, *, deleted: bool
) -> None:
    """Within the transaction that deletes a conversation, or brings it back: its messages are not found, or again."""
    await forget(connection, user_id, chunks.c.group_id == conversation_id)
    if not deleted:
        back = update(messages).where(messages.c.conversation_id == conversation_id)
        await connection.execute(back.values(indexed_revision=None))


async def follow_message(connection: AsyncConnection, user_id: str, message_id: str, *, deleted: bool) -> None:
    """Within the transaction that deletes a message, or brings it back: so are it and all that follow it."""
    below = with_all_below(messages.c.id == message_id)
    await forget(connection, user_id, chunks.c.message_id.in_(select(below.c.id)))
    if not deleted:
        back = update(messages).where(messages.c.id.in_(select(below.c.id)))
        await connection.execute(back.values(indexed_revision=None))


async def next_version(connection: AsyncConnection, user_id: str, stored: int = 0) -> int:
    """The next version of a person's chunks, of which so many get it.

    Whoever else changes them waits for the end of this transaction.
    """
    return await connection.scalar(_BUMP, {"user_id": user_id, "stored": stored}) or 0


async def _owe(connection: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Within a transaction: vectors of chunks that lie elsewhere, and so not here, are to be deleted there."""
    known = select(owed_deletions.c.ref).where(owed_deletions.c.ref == chunks.c.ref).exists()
    gone = select(chunks.c.ref, literal(now_ms()), chunks.c.user_id).where(
        which, chunks.c.space != "", func.length(chunks.c.vector) == 0, ~known
    )
    await connection.execute(insert(owed_deletions).from_select(["ref", "created_at", "user_id"], gone))


async def _note_deletion(connection: AsyncConnection, user_id: str) -> None:
    mine = update(chunk_versions).where(chunk_versions.c.user_id == user_id)
    await connection.execute(mine.values(deleted_version=chunk_versions.c.version))


def _of(user_id: str, ids: Sequence[str]) -> list[ColumnElement[bool]]:
    """The chunks of some messages or documents: two conditions, each of which an index answers."""
    documents = and_(chunks.c.group_id.in_(ids), chunks.c.kind == "document")
    return [of_person(user_id, chunks.c.message_id.in_(ids)), of_person(user_id, documents)]


def of_person(user_id: str, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of those chunks, a person's; said so that SQLite does not read all of theirs by the index that their id leads."""
    return and_(which, func.coalesce(chunks.c.user_id, "") == user_id)


async def _finish(connection: AsyncConnection, document: Original) -> None:
    """Note that a document is searched, unless some of it is missing, as after another worker has begun anew."""
    count = select(func.count()).select_from(chunks).where(chunks.c.group_id == document.id)
    if await connection.scalar(count) == document.first + len(document.chunks):
        await connection.execute(update(documents).where(documents.c.id == document.id).values(is_indexed=True))


async def _documents(connection: AsyncConnection, user_id: str, ids: Sequence[str]) -> set[str]:
    """Those documents that are there."""
    query = select(documents.c.id).where(documents.c.id.in_(ids), documents.c.user_id == user_id)
    return set((await connection.execute(query)).scalars()) if ids else set()


def _row(user_id: str, version: int, original: Original, number: int, words: bytes) -> dict[str, object]:
    chunk = original.chunks[number]
    return {
        "ref": original.ref(original.first + number), "user_id": user_id, "version": version, "kind": original.kind,
        "group_id": original.group, "message_id": original.id if original.kind == "message" else None,
        "text": chunk.text, "heading": chunk.heading, "page": chunk.page, "begins": chunk.start, "ends": chunk.end,
        "role": original.role, "model": original.model, "at": original.at, "words": words, "space": "", "vector": b"",
    }  # fmt: skip
