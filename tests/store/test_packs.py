"""Packs hold all chunks of their versions, and a search over them finds what one over single chunks does."""

import struct
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.entries import Chunk, Original, Scope, Vector
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.packs import decoded, encoded
from chat_app.store import packs
from chat_app.store.backlog import Backlog
from chat_app.store.database import Database
from chat_app.store.packs import LEAST, MOST, Span, gaps, plan
from chat_app.store.vectors import ChunkStore
from tests.search.test_store import shelve

ANN = Scope("local")
SPACE = "tests"
SIZES = st.lists(st.integers(1, 600), max_size=12)


def document(name: str, size: int, said: str = "words") -> Original:
    """A text of so many chunks."""
    texts = [f"{said} number {number} of {name}" for number in range(size)]
    return Original("document", name, name, tuple(Chunk(text, 0, len(text)) for text in texts), at=ord(name[0]))


class Library:
    """A person's documents, stored with vectors, and searched by whoever has nothing in memory."""

    def __init__(self, database: Database) -> None:
        self.database, self.table, self.backlog = database, ChunkStore(database), Backlog(database)
        self.store = EmbeddedStore(self.table, SPACE, cache_bytes=10_000_000)

    async def put(self, name: str, size: int, said: str = "words") -> None:
        original = document(name, size, said)
        await shelve(self.database, ANN, [original])
        await self.store.upsert(ANN, [original])
        await self.embed()

    async def embed(self) -> None:
        while some := await self.backlog.unembedded(SPACE, 100):
            made = [Vector(each.ref, each.version, SPACE, _vector(each.text)) for each in some]
            await self.store.attach(ANN, made)

    async def pack(self) -> None:
        while await self.store.pack():
            pass

    async def parts(self, space: str = SPACE) -> tuple[list[int], int]:
        """(chunks in each pack, chunks in none)."""
        loaded = await self.table.load("local", -1, space)
        return [len(decoded(each).refs) for each in loaded.packs], len(loaded.rows)

    async def search(self, store: EmbeddedStore) -> list:
        """What some questions find."""
        by_words = [await store.query(ANN, text=text, top_k=2000) for text in ("words", "number 3", "others of c")]
        near = [await store.query(ANN, vector=_vector(text), top_k=2000) for text in ("words", "others")]
        return [[(match.ref, round(match.score, 5)) for match in found] for found in (*by_words, *near)]

    async def found(self, space: str = SPACE) -> list:
        """By whoever has nothing in memory."""
        return await self.search(EmbeddedStore(self.table, space, cache_bytes=10_000_000))


def _vector(text: str) -> bytes:
    chance = Random(text)
    numbers = [chance.gauss(0, 1) for _ in range(4)]
    length = sum(each * each for each in numbers) ** 0.5
    return struct.pack("<4f", *(each / length for each in numbers))


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


async def test_chunks_come_in_packs_once_there_are_enough_of_them(library):
    await library.put("a", LEAST - 1)
    await library.pack()
    assert await library.parts() == ([], LEAST - 1)
    await library.put("b", 1)
    before = await library.found()
    await library.pack()
    assert await library.parts() == ([LEAST], 0)
    await library.put("c", 3)
    assert await library.parts() == ([LEAST], 3)
    assert [match for match in (await library.found())[0] if not match[0].startswith("c")] == before[0]


async def test_a_pack_goes_with_the_first_of_its_chunks_and_what_stays_is_packed_anew(library):
    await library.put("a", 300)
    await library.pack()
    await library.put("b", 300)
    await library.pack()
    assert await library.parts() == ([300, 300], 0)
    await library.put("a", 299)
    assert await library.parts() == ([300], 299)
    await library.store.delete(ANN, ["b"])
    assert await library.parts() == ([], 299)
    await library.pack()
    assert await library.parts() == ([299], 0)
    await library.backlog.start_over("local")
    assert await library.parts() == ([], 299)


async def test_packs_of_another_model_are_not_read_and_are_made_anew(library):
    await library.put("a", 300)
    other = EmbeddedStore(library.table, "another", cache_bytes=10_000_000)
    while await other.pack():
        pass
    assert await library.parts() == ([], 300)
    assert await library.parts("another") == ([300], 0)
    assert [*map(len, await library.found("another"))] == [300, 300, 0, 0, 0]
    await library.pack()
    assert await library.parts() == ([300], 0)
    assert [*map(len, await library.found())] == [300, 300, 0, 300, 300]


async def test_two_workers_that_make_the_same_pack_make_one(library, monkeypatch):
    await library.put("a", 300)

    async def be_slower(encode, rows) -> bytes:
        monkeypatch.undo()
        await library.store.pack()
        return encode(rows)

    monkeypatch.setattr(packs.asyncio, "to_thread", be_slower)
    assert await library.table.pack(SPACE, lambda rows: encoded(rows, SPACE))
    assert await library.parts() == ([300], 0)


async def test_many_packs_of_another_model_go_a_few_at_once(library, monkeypatch):
    monkeypatch.setattr(packs, "_DROPPED_AT_ONCE", 1)
    for name in "abc":
        await library.put(name, 200)
        await library.pack()
    other = EmbeddedStore(library.table, "another", cache_bytes=10_000_000)
    assert [await other.pack() for _ in range(2)] == [True, True]
    assert len((await library.parts())[0]) == 1


async def test_what_changes_while_a_pack_is_made_keeps_it_from_being_stored(library, monkeypatch):
    await library.put("a", 300)

    async def delete_and_encode(encode, rows) -> bytes:
        await library.store.delete(ANN, ["a"])
        return encode(rows)

    monkeypatch.setattr(packs.asyncio, "to_thread", delete_and_encode)
    assert await library.table.pack(SPACE, lambda rows: encoded(rows, SPACE))
    monkeypatch.undo()
    assert await library.parts() == ([], 0)


async def test_whatever_is_stored_changed_and_deleted_packs_find_what_single_chunks_do(library, monkeypatch):
    monkeypatch.setattr(packs, "LEAST", 8)
    monkeypatch.setattr(packs, "MOST", 20)
    chance = Random(12)
    packed_often = 0
    for _ in range(60):
        name = chance.choice("abcdefgh")
        match chance.randrange(5):
            case 0:
                await library.store.delete(ANN, [name])
            case 1 | 2:
                await library.put(name, chance.randrange(1, 9), chance.choice(["words", "others"]))
            case 3:
                await library.put(name, chance.randrange(1, 30))
            case _:
                await library.pack()
        now = await library.found()
        assert await library.search(library.store) == now  # it adds to what it has in memory
        in_packs, loose = await library.parts()
        packed_often += len(in_packs) > 1
        with monkeypatch.context() as unpacked:
            unpacked.setattr(
                library.table,
                "load",
                lambda user_id, since, _: ChunkStore.load(library.table, user_id, since, "no packs"),
            )
            assert await library.found() == now
            assert sum(in_packs) + loose == await library.store.count(ANN)
    assert packed_often > 10


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=9))
def test_gaps_and_packs_are_all_versions_without_overlap(shape):
    there, first = list[Span](), 0
    for before, wide in shape:
        there.append(Span(first + before, first + before + wide))
        first = there[-1].last + 1
    spans = sorted([*there, *gaps(there)])
    assert spans[0].first == 0
    assert all(one.last + 1 == other.first for one, other in pairwise(spans))


@given(SIZES, st.sets(st.integers(0, 11)))
def test_a_plan_ends_with_less_than_a_pack_in_none_and_no_pack_is_small_or_far_too_large(sizes, missing):
    """From packs of which some went, by as many steps as there are versions at most twice over."""
    counted = [(version + 1, size) for version, size in enumerate(sizes)]
    there = [Span(each, each) for each, _ in counted if each not in missing]
    for _ in range(3 * len(sizes) + 1):
        do = plan(there, counted, len(sizes))
        if do.make:
            inside = sum(size for version, size in counted if do.make.first <= version <= do.make.last)
            assert LEAST <= inside < MOST + max(sizes) + LEAST
            there = sorted([*there, do.make])
        elif do.drop:
            there.remove(do.drop)
        else:
            break
    covered = {version for version, _ in counted if any(pack.first <= version <= pack.last for pack in there)}
    loose = sum(size for version, size in counted if version not in covered)
    assert (do.make, do.drop, do.loose) == (None, None, loose)
    assert loose < LEAST
