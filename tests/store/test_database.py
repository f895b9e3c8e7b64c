import asyncio

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database, to_the_end


async def test_what_is_cancelled_meanwhile_is_done_before_its_end():
    done: list[str] = []
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        done.append("work")

    task = asyncio.create_task(to_the_end(work()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert done == ["work"]


async def test_a_failure_and_a_result_come_through():
    async def fail() -> None:
        raise ValueError("on purpose")

    async def answer() -> int:
        return 3

    assert await to_the_end(answer()) == 3
    with pytest.raises(ValueError, match="on purpose"):
        await to_the_end(fail())


def test_a_loop_that_ends_in_the_middle_of_a_statement_leaves_no_thread_behind(tmp_path):
    """A thread that outlives its loop fails when it answers, which pytest reports as an error of this test."""

    async def open_and_close() -> None:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
        await database.migrate()
        purging = asyncio.create_task(to_the_end(ConversationStore(database).purge(1)))
        await asyncio.sleep(0)
        purging.cancel()
        await asyncio.wait([purging])
        await database.aclose()

    for _ in range(5):
        asyncio.run(open_and_close())


async def test_no_error_of_the_database_tells_the_words_that_were_to_be_stored(database):
    with pytest.raises(DBAPIError) as failed:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO users (id) VALUES (:words)"), {"words": "my secret words"})

    assert "secret" not in str(failed.value).replace(str(failed.value.orig), "")


async def test_a_glance_at_sqlite_begins_no_transaction_and_leaves_none_behind(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
    await database.migrate()
    ran: list[str] = []
    event.listen(database._engine.sync_engine, "before_cursor_execute", lambda _, __, sql, *___: ran.append(sql))
    async with database.glance() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1
    assert ran == ["SELECT count(*) FROM users"]
    async with database.write() as connection:
        await connection.execute(text("UPDATE users SET name = 'Ann'"))
    async with database.glance() as connection:
        assert (await connection.execute(text("SELECT name FROM users"))).scalar_one() == "Ann"
    await database.aclose()
