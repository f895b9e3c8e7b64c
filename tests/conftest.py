"""What tests share: a model server on loopback, both databases, both logs, and the services over them."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from chat_app.messages import Principal
from chat_app.providers.base import Provider
from chat_app.services import Services, open_services
from chat_app.settings import Settings
from chat_app.store.database import Database
from tests.upstream import Upstream

LOCAL = Principal("local")
POSTGRES = os.environ.get("TEST_DATABASE_URL", "")
REDIS = os.environ.get("TEST_REDIS_URL", "")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream().serve() as server:
        yield server


def make_settings(folder: Path, **changes: object) -> Settings:
    """Settings for a test: nothing from the environment, nothing looked for on this machine."""
    values: dict[str, object] = {"chat_app_data": folder, "discover_servers": False, "secret_key": "not-a-secret"}
    return Settings.model_validate(values | changes)


@asynccontextmanager
async def fresh_postgres() -> AsyncIterator[str]:
    """A database of its own on the server that TEST_DATABASE_URL names."""
    name = f"chat_app_{uuid.uuid4().hex[:12]}"
    admin = create_async_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield POSTGRES.rpartition("/")[0] + "/" + name
    finally:
        async with admin.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await admin.dispose()


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.skipif(not POSTGRES, reason="no TEST_DATABASE_URL"))]
)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Each test on both databases, when TEST_DATABASE_URL names a PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}"
        return
    async with fresh_postgres() as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    await opened.migrate()
    yield opened
    await opened.aclose()


@asynccontextmanager
async def services_with(folder: Path, *providers: Provider, **changes: object) -> AsyncIterator[Services]:
    """The whole object graph on a temporary SQLite, with these providers beside Passages."""
    async with open_services(make_settings(folder, **changes), providers=providers) as services:
        await services.catalogue.refresh()
        yield services
