"""What the settings page says of the installation."""

import httpx
import pytest

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.providers.fake import FakeProvider
from tests.conftest import services_with, usual
from tests.conversations.talk import send, until_settled

IDENTITY = Identity("not-a-secret", 3000)


@pytest.fixture
def each_database(database_url: str):
    usual["database_url"] = database_url
    yield database_url
    usual.clear()


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
