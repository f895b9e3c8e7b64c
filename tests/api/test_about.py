"""What the settings page says of the installation."""

from types import SimpleNamespace

import httpx
import pytest

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.errors import StreamsUnavailable
from chat_app.providers.fake import FakeProvider
from chat_app.store.database import Database
from tests.conftest import services_with
from tests.conversations.talk import send, until_settled

IDENTITY = Identity("not-a-secret", 3000)


async def test_the_page_is_told_of_the_store_its_size_and_ones_own_words_alone(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as services:
        await until_settled(services, await send(services))
        api = make_api()
        api.state.services, api.state.identity = services, IDENTITY
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000") as client:
            mine, theirs = [
                (await client.get("/api/about", headers={"cookie": IDENTITY.cookie(user)})).json()
                for user in ("local", "other")
            ]
            nobody = await client.get("/api/about")

    assert mine["database"]["kind"] == ("SQLite" if each_database.startswith("sqlite") else "PostgreSQL")
    assert mine["database"]["size_bytes"] > 10_000
    assert (mine["conversations"], mine["messages"]) == (1, 2)
    assert (theirs["conversations"], theirs["messages"]) == (0, 0)
    assert (mine["running_answers"], mine["passages"] > 30, mine["free_bytes"] > 0) == ("memory", True, True)
    assert str(tmp_path) not in str(mine)
    assert nobody.status_code == 401


@pytest.fixture
async def page(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        api = make_api()
        api.state.services, api.state.identity = services, IDENTITY
        cookie = {"cookie": IDENTITY.cookie("local")}
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000", headers=cookie) as client:
            yield services, client


async def test_a_full_disk_and_a_redis_that_is_away_are_told(page, monkeypatch):
    services, client = page
    assert [(await client.get("/api/about")).json()[name] for name in ("is_full", "is_away")] == [False, False]

    async def away() -> None:
        raise StreamsUnavailable("Redis does not answer.")

    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=999_999_999))
    monkeypatch.setattr(services.streams, "check", away)
    assert [(await client.get("/api/about")).json()[name] for name in ("is_full", "is_away")] == [True, True]


async def test_the_database_is_read_through_for_administrators_alone(each_database, page):
    _, client = page
    found = (await client.post("/api/about/check", json={})).json()
    refused = await client.post("/api/about/check", json={}, headers={"cookie": IDENTITY.cookie("other")})

    assert (found["faults"], found["ms"] >= 0, refused.status_code) == ([], True, 403)


@pytest.mark.parametrize("first_page", [True, False])
async def test_a_damaged_database_says_what_is_wrong_with_it(tmp_path, first_page):
    """`first_page` is that of a table, without which nothing of it can be read; else one of its others."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
    await database.migrate()
    async with database.write() as connection:
        await connection.exec_driver_sql("CREATE TABLE many (words TEXT)")
        for _ in range(50):
            await connection.exec_driver_sql("INSERT INTO many VALUES (hex(randomblob(500)))")
        query = "SELECT rootpage, page_count, page_size FROM sqlite_schema, pragma_page_count(), pragma_page_size() WHERE name = 'many'"
        root, last, size = (await connection.exec_driver_sql(query)).one()
    await database.aclose()
    with (tmp_path / "chat.db").open("r+b") as file:
        file.seek(((root if first_page else last) - 1) * size)
        file.write(b"\0" * size)
    damaged = Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
    faults = await damaged.check()
    await damaged.aclose()

    assert faults
    assert str(tmp_path) not in str(faults)
