"""Chunks are looked up by what is asked for, and not by reading all that a person has."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import event, text

from chat_app.store.backlog import Backlog
from chat_app.store.blobs import BlobStore
from chat_app.store.database import Database
from chat_app.store.documents import DocumentStore
from chat_app.store.hits import HitStore
from chat_app.store.packs import LEAST
from chat_app.store.vectors import ChunkStore

LOOKS = {
    "what was found": lambda database, _: HitStore(database).found("local", ["a:0", "b:0"]),
    "what a conversation is about": lambda database, _: HitStore(database).subject("local", "c", 100),
    "how far the index is": lambda database, _: Backlog(database).progress("local", "m"),
    "what a store takes with it": lambda database, _: ChunkStore(database).rows("local", ["a:0", "b:0"]),
    "what is deleted": lambda database, _: ChunkStore(database).remove("local", ["a", "b"]),
    "a part of a document": lambda _, documents: documents.stretches("local", "d", "", (0, 10)),
}


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/chat.db")
    await database.migrate()
    yield database
    await database.aclose()


async def plans_of(database: Database, look: Callable[[], Awaitable[object]]) -> list[str]:
    """How SQLite reads chunks and messages for it."""
    ran: list[tuple[str, tuple]] = []
    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _, __, sql, given, *___: ran.append((sql, given)))
    await look()
    reads = [(sql, given) for sql, given in ran if "FROM chunks" in sql or "FROM messages" in sql]
    plans: list[str] = []
    async with database.read() as connection:
        for sql, given in reads:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given)
            plans += [row.detail for row in plan if "chunks" in row.detail or "messages" in row.detail]
    assert plans
    return plans


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
async def test_sqlite_reads_no_more_than_is_looked_for(sqlite: Database, tmp_path: Path, look):
    documents = DocumentStore(sqlite, BlobStore(sqlite, tmp_path / "files"))
    plans = await plans_of(sqlite, lambda: look(sqlite, documents))
    reads_more = r"SCAN (?!messages USING INDEX ix_messages_unindexed)|USING INDEX ix_chunks_version|autoindex_messages"
    assert not [plan for plan in plans if re.search(reads_more, plan)]


async def test_sqlite_reads_of_what_is_newer_no_chunk_that_is_not_and_counts_for_packs_without_reading_any(sqlite):
    table = ChunkStore(sqlite)
    async with sqlite.write() as connection:
        await connection.execute(text(f"INSERT INTO chunk_versions VALUES ('local', 9, 0, {LEAST})"))
    by_version = "SEARCH chunks USING INDEX ix_chunks_version (user_id=? AND version>? AND version<?)"
    for since in (-1, 5):
        assert await plans_of(sqlite, lambda since=since: table.load("local", since, "")) == [by_version]
    counting = "SEARCH chunks USING COVERING INDEX ix_chunks_version (user_id=?)"
    assert await plans_of(sqlite, lambda: table.pack("", lambda _rows: b"")) == [counting]
