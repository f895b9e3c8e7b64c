"""Use cases run on both databases."""

import pytest


@pytest.fixture
def sqlite_alone(each_database: str) -> None:
    """For faults that only SQLite has: its one lock, its one file."""
    if not each_database.startswith("sqlite"):
        pytest.skip("a fault of SQLite's own")
