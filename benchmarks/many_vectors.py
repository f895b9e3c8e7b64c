"""A million vectors of a thousand people in the application's own tables, and how fast one person is searched in them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np
from sqlalchemy import insert, update

from chat_app.entries import Scope
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.terms import packed
from chat_app.settings import Settings
from chat_app.store.database import Database
from chat_app.store.packs import LEAST
from chat_app.store.tables import chunk_versions, chunks, users
from chat_app.store.vectors import ChunkStore

VECTORS, PEOPLE = 1_000_000, 1_000
SPACE, DIMENSION = "benchmark", 384
_WORDS, _TEXTS, _LENGTH = 20_000, 4_000, 80  # of the vocabulary; made beforehand; of a text, which is a message's
_AT_ONCE, _PACKED_EVERY = 2_000, 20
_CACHE_BYTES = 64 << 20
_TOP = 50
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Times:
    """How long queries took, in ms, each by what it asked with, of people who were not in memory and who were."""

    cold: list[float]
    warm: list[float]


def even() -> list[int]:
    """Chunks of each person, where all have as many."""
    return [VECTORS // PEOPLE] * PEOPLE


def zipf() -> list[int]:
    """Chunks of each person, where the n-th has an n-th of what the first has."""
    whole = sum(1 / rank for rank in range(1, PEOPLE + 1))
    return [round(VECTORS / whole / rank) for rank in range(1, PEOPLE + 1)]


@asynccontextmanager
async def filled(folder: Path, sizes: Sequence[int]) -> AsyncIterator[ChunkStore]:
    """The table of chunks, with so many of each person, stored and packed by turns as people write them."""
    settings = Settings(chat_app_data=folder)
    database = Database(settings.database, busy_timeout_s=settings.busy_timeout_s)
    await database.migrate()
    try:
        people = [
            {"id": name_of(at), "created_at": 0, "name": "", "role": "user", "preferences": "{}"}
            for at in range(len(sizes))
        ]
        versions = [{"user_id": row["id"], "version": 0, "deleted_version": 0, "loose": 0} for row in people]
        async with database.write() as connection:
            await connection.execute(insert(users), people)
            await connection.execute(insert(chunk_versions), versions)
        table = ChunkStore(database)
        store = EmbeddedStore(table, SPACE, cache_bytes=_CACHE_BYTES)
        for version, batch in enumerate(_batches(sizes), 1):
            async with database.write() as connection:
                await connection.execute(insert(chunks), [row | {"version": version} for row in batch])
                changed = chunk_versions.c.loose + LEAST // _PACKED_EVERY + 1  # each is looked at in time
                await connection.execute(update(chunk_versions).values(version=version, loose=changed))
            if not version % _PACKED_EVERY:
                while await store.pack():
                    pass
        yield table
    finally:
        await database.aclose()


def name_of(person: int) -> str:
    """Their id."""
    return f"person {person}"


def _batches(sizes: Sequence[int]) -> Iterator[list[dict[str, object]]]:
    chance, random = Random(6), np.random.default_rng(6)
    vocabulary = [f"{chance.choice('bdfgklmnprst')}{chance.choice('aeiou')}{number:x}" for number in range(_WORDS)]
    weights = list(accumulate(1 / rank for rank in range(1, _WORDS + 1)))
    texts = [" ".join(chance.choices(vocabulary, cum_weights=weights, k=_LENGTH)) for _ in range(_TEXTS)]
    ready = [(text, packed(text)) for text in texts]
    whose = [person for person, size in enumerate(sizes) for _ in range(size)]
    chance.shuffle(whose)
    for start in range(0, len(whose), _AT_ONCE):
        batch = whose[start : start + _AT_ONCE]
        vectors = _unit(random.standard_normal((len(batch), DIMENSION)))
        yield [
            _row(name_of(person), start + at, *chance.choice(ready), vectors[at].tobytes())
            for at, person in enumerate(batch)
        ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f4")


def _row(user_id: str, number: int, text: str, words: bytes, vector: bytes) -> dict[str, object]:
    return {
        "ref": f"{number:012x}:0", "user_id": user_id, "kind": "message", "group_id": f"{number // 20:x}",
        "message_id": None, "text": text, "heading": "", "page": 0, "begins": 0, "ends": len(text), "role": "user",
        "model": "", "at": number, "words": words, "space": SPACE, "vector": vector,
    }  # fmt: skip


async def ask(table: ChunkStore, people: Sequence[int], *, by: str, folder: Path | None = None) -> Times:
    """Let people search, each in a store that has nobody in memory, and then again.

    Args:
        table: The chunks.
        people: Who.
        by: "meaning", "words", or "both".
        folder: Where the database is; its pages are dropped from memory before each first search.
    """
    random, chance, times = np.random.default_rng(7), Random(7), Times([], [])
    for person in people:
        store = EmbeddedStore(table, SPACE, cache_bytes=_CACHE_BYTES)
        for kept in (times.cold, *[times.warm] * _TIMES):
            vector = _unit(random.standard_normal((1, DIMENSION)))[0].tobytes()
            text = (
                f"{chance.choice('bdfg')}{chance.choice('aeiou')}{chance.randrange(200):x} te{chance.randrange(40):x}"
            )
            if folder is not None and kept is times.cold:
                _forget(folder)
            began = time.perf_counter()
            await _query(store, Scope(name_of(person)), vector, text, by)
            kept.append((time.perf_counter() - began) * 1000)
    return times


async def _query(store: EmbeddedStore, scope: Scope, vector: bytes, text: str, by: str) -> None:
    async with asyncio.TaskGroup() as group:
        if by != "words":
            group.create_task(store.query(scope, vector=vector, top_k=_TOP))
        if by != "meaning":
            group.create_task(store.query(scope, text=text, top_k=_TOP))


def _forget(folder: Path) -> None:
    """Drop a database's pages from the system's memory, as far as it lets them go."""
    for path in folder.glob("chat.db*"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
