"""What tests share: a model server on loopback, both databases, both logs, and the services over them."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from chat_app.messages import Principal
from chat_app.providers.base import Provider
from chat_app.services import Services, open_services
from chat_app.settings import Settings
from chat_app.store.database import Database
from chat_app.store.tables import users
from tests.upstream import Upstream

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

LOCAL = Principal("local")
POSTGRES = os.environ.get("TEST_DATABASE_URL", "")


def _own_redis(url: str) -> str:
    """Each process of a run has one of the server's databases: what is announced in one reaches all that listen there."""
    if not url:
        return ""
    parts = urlsplit(url)
    number = int(parts.path.strip("/") or 0) + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return parts._replace(path=f"/{number % 16}").geturl()


REDIS = _own_redis(os.environ.get("TEST_REDIS_URL", ""))
# `make test` needs nothing but loopback, so a machine without Redis leaves these out; `.ci/run` finds one and runs them.
needs_redis = pytest.mark.skipif(not REDIS, reason="no TEST_REDIS_URL")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream().serve() as server:
        yield server


KEY = "sk-fake-of-a-box"


@pytest.fixture
def box() -> Iterator[Upstream]:
    """A vLLM that wants a key."""
    with Upstream(["llama"]).serve() as server:
        server.models[0]["owned_by"] = "vllm"
        server.key = KEY
        yield server


usual: dict[str, object] = {}
"""Settings that a package's fixture gives to all its tests, such as the database."""


def make_settings(folder: Path, **changes: object) -> Settings:
    """Settings for a test: nothing from the environment, nothing looked for on this machine."""
    values: dict[str, object] = {
        "chat_app_data": folder,
        "discover_servers": False,
        "secret_key": "not-a-secret",
        "embedding_model": "none",  # a process for each test would be most of what it takes
    }
    return Settings.model_validate(values | usual | changes)


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


@pytest.fixture(scope="session")
async def shared_postgres() -> AsyncIterator[str]:
    """A migrated database; to make one for each test would be most of what a test takes."""
    async with fresh_postgres() as url:
        database = Database(url)
        await database.migrate()
        await database.aclose()
        yield url


@pytest.fixture
async def emptied_postgres(shared_postgres: str) -> AsyncIterator[str]:
    yield shared_postgres
    database = Database(shared_postgres)
    async with database.write() as connection:
        names = ", ".join(table.name for table in SQLModel.metadata.sorted_tables)
        await connection.execute(text(f"TRUNCATE {names} CASCADE"))
        first = {"id": "local", "created_at": 1, "name": "local", "role": "admin", "preferences": "{}"}
        await connection.execute(insert(users), first)
    await database.aclose()


EITHER = [
    "sqlite",
    pytest.param("postgres", marks=pytest.mark.skipif(not POSTGRES, reason="no TEST_DATABASE_URL")),
]


@pytest.fixture(params=EITHER)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each test on both databases, when TEST_DATABASE_URL names a PostgreSQL; nothing is in them."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}"
    return request.getfixturevalue("emptied_postgres")


@pytest.fixture
def each_database(database_url: str) -> Iterator[str]:
    """The services of a test on SQLite, and on PostgreSQL where there is one."""
    usual["database_url"] = database_url
    yield database_url
    usual.clear()


@pytest.fixture(params=EITHER)
async def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The same, without any table, and with tables of a test's own at its end."""
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
    """The whole object graph on a temporary database, with these providers beside Passages.

    Nothing is limited, unless so wanted: Redis counts the calls of all tests for one person.
    """
    settings = make_settings(folder, **{"limit_requests": 0} | changes)
    async with open_services(settings, providers=providers) as services:
        await services.catalogue.refresh()
        yield services
