from collections.abc import AsyncIterator

import httpx
import pytest

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.events import Finish, TextDelta
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from tests.conftest import services_with
from tests.conversations.talk import send, until_settled


@pytest.fixture
async def client(tmp_path) -> AsyncIterator[httpx.AsyncClient]:
    fake = FakeProvider([TextDelta("secret words"), Finish("stop", Usage(3, 2))])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services, "a secret question")
        await until_settled(services, turn)
        api = make_api()
        api.state.services, api.state.identity = services, Identity("not-a-secret", 3000)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://app") as made:
            yield made


async def test_the_figures_count_what_was_answered_and_hold_no_words(client):
    answer = await client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'chat_app_requests_total{deployment="fake/fake",model="fake",status="complete"}' in answer.text
    assert "secret" not in answer.text


async def test_a_process_that_answers_is_alive_and_with_its_database_ready(client):
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ok"}
