"""A browser, the built application, and a model server that a test can script."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, browser, new_context, new_page, shared_profile  # noqa: F401 # fixtures
from tests.conftest import POSTGRES, REDIS
from tests.e2e.tray import Tray
from tests.server import Server, measured
from tests.upstream import Script, Upstream


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in item.nodeid:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="package")
def shared_upstream() -> Iterator[Upstream]:
    with Upstream(["echo", "other"]).serve() as server:
        yield server


@pytest.fixture(scope="package")
def shared_server(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), VLLM_BASE_URL=shared_upstream.url, **measured()) as server:
        yield server


@pytest.fixture(scope="package")
def choir() -> Iterator[Upstream]:
    """Models of different voices, of which one waits until it is let go, one fails and one judges."""
    with Upstream(["alto", "bass", "slow", "broken", "judge"]).serve() as upstream:
        yield upstream


@pytest.fixture
def released(choir: Upstream) -> Iterator[threading.Event]:
    """What the slow one waits for."""
    event = threading.Event()
    choir.calls.clear()
    choir.of_model = {
        "alto": Script(["Alto ", "says ", "so."]),
        "bass": Script(["Bass ", "says ", "no."]),
        "slow": Script(["Slow "], held=event),
        "broken": Script(status=400, body={"error": {"message": "on purpose"}}),
        "judge": Script(['The first. {"better": "A"}']),
    }
    yield event
    event.set()


@pytest.fixture(scope="package")
def choir_server(choir: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("choir"), VLLM_BASE_URL=choir.url, **measured()) as server:
        yield server


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Upstream:
    shared_upstream.scripts.clear()
    shared_upstream.calls.clear()
    shared_upstream.default = Script()
    return shared_upstream


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


@pytest.fixture
def page(new_page: Page, server: Server) -> Page:  # noqa: F811 # the fixture
    new_page.goto(server.url)
    expect(new_page.get_by_role("textbox", name="Message", exact=True)).to_be_visible()
    return new_page


@pytest.fixture
def chat(page: Page) -> Chat:
    return Chat(page)


@pytest.fixture
def tray(chat: Chat) -> Tray:
    return Tray(chat)


@pytest.fixture
def lone_chat(new_context, server: Server) -> Chat:  # noqa: F811 # the fixture
    """In a profile of its own, for a test that changes more than a page forgets, such as its clock."""
    opened = Chat(new_context().new_page())
    opened.page.goto(server.url)
    expect(opened.field).to_be_visible()
    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def shared() -> Iterator[dict[str, str]]:
    """Settings by which several workers share one PostgreSQL and one Redis."""
    name = f"chat_app_{uuid.uuid4().hex[:12]}"
    admin = POSTGRES.replace("postgresql+asyncpg", "postgresql")
    subprocess.run(["psql", admin, "-qc", f"CREATE DATABASE {name}"], check=True)
    yield {
        "DATABASE_URL": f"{POSTGRES.rpartition('/')[0]}/{name}",
        "REDIS_URL": REDIS,
        "SECRET_KEY": "not-a-secret",
        "HEARTBEAT_S": "1",
        "REAP_AFTER_S": "6",
    }
    subprocess.run(["psql", admin, "-qc", f"DROP DATABASE {name} WITH (FORCE)"], check=True)


@pytest.fixture
def two_workers(folder: Path, shared: dict[str, str]) -> Iterator[Callable[[str], tuple[Server, Server]]]:
    """Two workers on ports of their own, so that a test can choose between them."""
    started: list[Server] = []

    def start(upstream_url: str) -> tuple[Server, Server]:
        started.extend(Server(folder / name, VLLM_BASE_URL=upstream_url, **shared).start() for name in ("one", "two"))
        return started[0], started[1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def one_server_of_two(folder: Path, shared: dict[str, str]) -> Iterator[Callable[[str], Server]]:
    """One address with two workers behind it, as `WORKERS=2` starts them."""
    started: list[Server] = []

    def start(upstream_url: str) -> Server:
        started.append(Server(folder, VLLM_BASE_URL=upstream_url, WORKERS="2", **shared).start())
        return started[0]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def clean(server: Server) -> Server:
    """Nobody's recipes, and no defaults."""
    with sqlite3.connect(server.folder / "chat.db", timeout=10) as database:
        database.execute("DELETE FROM recipe_versions")
        database.execute("DELETE FROM recipes")
        database.execute("UPDATE users SET preferences = '{}', name = 'local'")
    database.close()
    return server
