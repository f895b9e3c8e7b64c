import asyncio
import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from chat_app.errors import StoreUnavailable
from chat_app.store import tables
from chat_app.store.database import Database
from tests.waiting import until


async def test_the_migrated_tables_are_those_the_code_describes(database: Database):
    def differences(connection: Connection) -> list:
        return compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    assert tables.users.name == "users"


async def test_several_processes_may_migrate_at_once(database_url: str):
    databases = [Database(database_url) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for each in databases:
            group.create_task(each.migrate())

    async with databases[0].read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one() == 1
    for each in databases:
        await each.aclose()


async def test_the_first_migration_makes_the_person_local(database: Database):
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT id, role FROM users"))).all() == [("local", "admin")]


async def test_a_folder_that_cannot_be_used_is_said(tmp_path):
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'no' / 'such' / 'chat.db'}")
    with pytest.raises(StoreUnavailable):
        await database.migrate()
    await database.aclose()

    async def driver_has_let_go() -> bool:
        return not any("_connection_worker" in thread.name for thread in threading.enumerate())

    await until(driver_has_let_go)
