"""Use cases run on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import usual


@pytest.fixture
async def each_database(database_url: str) -> AsyncIterator[str]:
    """The services of a test on SQLite, and on PostgreSQL where there is one."""
    usual["database_url"] = database_url
    yield database_url
    usual.clear()


@pytest.fixture
def sqlite_alone(each_database: str) -> None:
    """For faults that only SQLite has: its one lock, its one file."""
    if not each_database.startswith("sqlite"):
        pytest.skip("a fault of SQLite's own")
