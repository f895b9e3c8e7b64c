"""Packs: many of a person's chunks in one row, for whoever reads all of them. What is in no pack is read by itself.

A pack holds the chunks of a range of versions, all of them and as they are now. A person's packs have ranges that do
not overlap, and one goes with the first of its chunks that changes or is deleted, in the same transaction: nothing is
left in a pack that is not a chunk any more. What a pack looks like inside is not known here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.entries import Loaded, Row
from chat_app.store.database import Database
from chat_app.store.tables import chunk_packs, chunk_versions, chunks

Encode: TypeAlias = Callable[[Sequence[Row]], bytes]
LEAST = 128
"""Chunks in no pack, from which on they are put into one: few, as each is a page to be read."""
MOST = 1024
"""Chunks that a pack is closed with."""
_DROPPED_AT_ONCE = 16
_LAST = 2**62
_AT_ONCE = 1000  # in between, others have their turn
_NAMES = {name: "group_id" if name == "group" else name for name in Row._fields}
ROW = [chunks.c[column].label(name) for name, column in _NAMES.items()]
"""What of a chunk is a `Row`."""


class Span(NamedTuple):
    """Versions, from the first to the last."""

    first: int
    last: int


class Plan(NamedTuple):
    """What is next for a person.

    Args:
        make: The versions of a pack that is to be made.
        drop: Of one that is to be made anew, with what lies before it.
        loose: How many chunks are in no pack, where there is neither; else enough to be looked at again.
    """

    make: Span | None = None
    drop: Span | None = None
    loose: int = LEAST


class PackStore:
    """Makes packs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pack(self, space: str, encode: Encode) -> bool:
        """Make a pack of one person's chunks, or see that none is wanted.

        Args:
            space: The model whose vectors are in it.
            encode: From chunks to a pack; called in a thread.

        Returns:
            Whether there may be more to do.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        if await self._drop_others(space):
            return True
        of = chunk_versions.c
        loose = select(of.user_id, of.version).where(of.loose >= LEAST).order_by(of.loose.desc()).limit(1)
        async with self._database.read() as connection:
            found = (await connection.execute(loose)).one_or_none()
            if found is None:
                return False
            user_id, version = found
            sizes = select(chunks.c.version, func.count()).where(chunks.c.user_id == user_id)
            counted = await connection.execute(sizes.group_by(chunks.c.version).order_by(chunks.c.version))
            there = await _spans(connection, user_id)
            do = plan(there, [(each, size) for each, size in counted], version)
            rows = await _rows(connection, user_id, do.make) if do.make else []
        data = await asyncio.to_thread(encode, rows) if rows else b""
        theirs = of.user_id == user_id
        async with self._database.write() as connection:
            now = await connection.scalar(select(of.version).where(theirs).with_for_update())
            if now != version or await _spans(connection, user_id) != there:  # another worker's, or some of it changed
                return True
            if do.make:
                row = {"user_id": user_id, "first": do.make.first, "last": do.make.last, "space": space, "data": data}
                await connection.execute(insert(chunk_packs), [row])
            if do.drop:
                await _drop(connection, user_id, [do.drop])
            await connection.execute(update(chunk_versions).where(theirs).values(loose=do.loose))
        return True

    async def _drop_others(self, space: str) -> bool:
        """Throw some packs away that have another model's vectors; whether there were any.

        A few at once: where SQLite deletes securely, each byte of them is written once more.
        """
        of = chunk_packs.c
        other = or_(of.space < space, of.space > space)  # which an index answers, unlike !=
        async with self._database.read() as connection:
            user_id = await connection.scalar(select(of.user_id).where(other).limit(1))
            if user_id is None:
                return False
            few = select(of.first, of.last).where(of.user_id == user_id, other).limit(_DROPPED_AT_ONCE)
            packs = [Span(*row) for row in await connection.execute(few)]
        async with self._database.write() as connection:
            await _look_again(connection, user_id)
            await _drop(connection, user_id, packs)
        return True


def plan(packs: Sequence[Span], sizes: Sequence[tuple[int, int]], version: int) -> Plan:
    """What is next for a person.

    Args:
        packs: Theirs, in order.
        sizes: Each version that chunks of theirs have, in order, and how many.
        version: The last that they may have.
    """
    loose, behind = 0, list[Span]()
    for gap in gaps(packs):
        within = [(each, size) for each, size in sizes if gap.first <= each <= gap.last]
        size = sum(size for _, size in within)
        if size >= LEAST:
            return Plan(make=_closed(gap, within, version))
        if size:
            loose += size
            behind += [pack for pack in packs if pack.first > gap.last][:1]
    # A few here and a few there are enough for a pack, with one that lies between them.
    return Plan(drop=behind[0]) if loose >= LEAST else Plan(loose=loose)


def _closed(gap: Span, within: Sequence[tuple[int, int]], version: int) -> Span:
    """Of what is within a gap all, or enough for a pack where enough for another is left."""
    taken, left = 0, sum(size for _, size in within)
    for each, size in within:
        taken, left = taken + size, left - size
        if taken >= MOST and left >= LEAST:
            return Span(gap.first, each)
    return Span(gap.first, min(gap.last, version))


def gaps(packs: Iterable[Span]) -> Iterator[Span]:
    """The versions that no pack holds."""
    first = 0
    for pack in packs:
        if pack.first > first:
            yield Span(first, pack.first - 1)
        first = pack.last + 1
    yield Span(first, _LAST)


async def load(connection: AsyncConnection, user_id: str, since: int, space: str) -> Loaded:
    """A person's chunks that are newer than a version, or all of them where some went meanwhile.

    Packs are read with the version that they are of, and rows after that. What changes in between comes as a row, and
    once more as it is newer; what is deleted in between is gone at the next reading, and shown by nobody until then.

    Args:
        connection: Need not be in a transaction.
        user_id: Whose.
        since: The version.
        space: The model whose vectors packs may have.
    """
    at, of = chunk_versions.c, chunk_packs.c
    theirs = and_(of.user_id == at.user_id, of.space == space, at.deleted_version > since)
    query = select(at.version, at.deleted_version, of.first, of.last, of.data).where(at.user_id == user_id)
    found = await connection.execute(query.outerjoin_from(chunk_versions, chunk_packs, theirs).order_by(of.first))
    there = found.all()
    if not there or there[0].version == since:
        return Loaded(since, False)
    version, is_whole = there[0].version, there[0].deleted_version > since
    packs = [row for row in there if row.data is not None]
    new = gaps(Span(row.first, row.last) for row in packs) if is_whole else [Span(since + 1, _LAST)]
    # By their refs, as one that changes meanwhile may be met in two gaps, and last as it is now.
    rows = {row.ref: row for span in new for row in await _rows(connection, user_id, span)}
    return Loaded(version, is_whole, [row.data for row in packs], list(rows.values()))


async def unpack(connection: AsyncConnection, user_id: str, versions: Iterable[int]) -> None:
    """Within a transaction that changes chunks of these versions: throw away the packs that they are in."""
    changed = sorted(set(versions))
    if not changed:
        return
    hit = [
        pack for pack in await _spans(connection, user_id) if any(pack.first <= each <= pack.last for each in changed)
    ]
    if hit:
        await _look_again(connection, user_id)
        await _drop(connection, user_id, hit)


async def unpack_all(connection: AsyncConnection, user_id: str) -> None:
    """Within a transaction: throw away all of a person's packs."""
    await _look_again(connection, user_id)  # first, as all who change chunks take that row before others
    await connection.execute(delete(chunk_packs).where(chunk_packs.c.user_id == user_id))


async def _look_again(connection: AsyncConnection, user_id: str) -> None:
    theirs = update(chunk_versions).where(chunk_versions.c.user_id == user_id)
    await connection.execute(theirs.values(loose=chunk_versions.c.loose + LEAST))


async def _drop(connection: AsyncConnection, user_id: str, packs: Sequence[Span]) -> None:
    firsts = [pack.first for pack in packs]
    await connection.execute(
        delete(chunk_packs).where(chunk_packs.c.user_id == user_id, chunk_packs.c.first.in_(firsts))
    )


async def _spans(connection: AsyncConnection, user_id: str) -> list[Span]:
    """A person's packs, in order."""
    query = select(chunk_packs.c.first, chunk_packs.c.last).where(chunk_packs.c.user_id == user_id)
    return [Span(*row) for row in await connection.execute(query.order_by(chunk_packs.c.first))]


async def _rows(connection: AsyncConnection, user_id: str, span: Span) -> list[Row]:
    """A person's chunks with versions in a span."""
    within = chunks.c.version.between(span.first, span.last)
    query = select(*ROW).where(chunks.c.user_id == user_id, within)
    rows: list[Row] = []
    async for some in (await connection.stream(query, execution_options={"yield_per": _AT_ONCE})).partitions():
        rows += map(Row._make, some)
    return rows
