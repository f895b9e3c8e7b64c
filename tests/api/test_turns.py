from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.events import TextDelta
from chat_app.providers.fake import FakeProvider
from chat_app.store.records import Turn
from tests.conftest import services_with
from tests.conversations.talk import until_settled

IDENTITY = Identity("not-a-secret", 3000)
MODEL = FakeProvider()


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Starlette]:
    MODEL.requests.clear()
    async with services_with(tmp_path, MODEL, max_message_chars=20) as services:
        made = make_api()
        made.state.services, made.state.identity = services, IDENTITY
        yield made


async def _post(api: Starlette, *, user: str = "local", body: bytes | None = None, **fields: str) -> httpx.Response:
    headers = {"cookie": IDENTITY.cookie(user)} if user else {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000") as client:
        if body is not None:
            return await client.post("/api/turns", content=body, headers=headers)
        return await client.post("/api/turns", json={"key": "a-key-of-its-own"} | fields, headers=headers)


async def test_a_send_that_comes_again_is_the_same_turn_and_asks_no_model_again(api):
    first, again = await _post(api, text="hi", model="fake"), await _post(api, text="hi", model="fake")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"is_new": False} == again.json()
    assert (
        len([request for request in MODEL.requests if request.messages[-1].text == "hi"]) <= 1
    )  # others ask for a title


async def test_a_send_goes_into_its_conversation(api):
    first = (await _post(api, text="hi", model="fake")).json()
    second = await _post(api, text="more", key="another-key", conversation_id=first["conversation_id"])

    assert second.json()["conversation_id"] == first["conversation_id"]


async def test_an_edit_and_a_wish_that_come_again_make_one_branch_and_one_answer(api):
    first = (await _post(api, text="hi", model="fake")).json()
    edits = [await _post(api, text="ho", key="edit-one", edit=first["question_id"]) for _ in range(2)]
    wishes = [await _post(api, text="shorter", key="wish-one", wish=first["reply_id"]) for _ in range(2)]

    for made in (edits, wishes):
        assert [answer.status_code for answer in made] == [201, 200]
        assert made[0].json() | {"is_new": False} == made[1].json()
    assert edits[0].json()["question_id"] != first["question_id"]
    assert wishes[0].json()["question_id"] == first["question_id"]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"text": " \n"}, 400, "bad_request"),
        ({"text": "x" * 21}, 400, "message_too_long"),
        ({"text": "hi", "key": "short"}, 400, "bad_request"),
        ({"text": "hi", "conversation_id": "unknown"}, 404, "not_found"),
        ({"text": "hi", "edit": "unknown"}, 404, "not_found"),
        ({"text": "hi", "wish": "unknown"}, 404, "not_found"),
        ({"body": b"{nope"}, 400, "bad_request"),
        ({"body": b'{"key": "a-key-of-its-own"}'}, 400, "bad_request"),
        ({"body": b'{"key": "a-key-of-its-own", "text": "\xff"}'}, 400, "bad_request"),
        ({"body": b'{"key": "a-key-of-its-own", "text": 5}'}, 400, "bad_request"),
        ({"body": b'"' + b"x" * 2_000_000}, 400, "message_too_long"),
        ({"text": "hi", "user": ""}, 401, "unauthorized"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_reason(api, fields, status, code):
    answer = await _post(api, **fields)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert MODEL.requests == []


async def test_nobody_sends_into_someone_elses_conversation(api):
    mine = (await _post(api, text="hi", model="fake")).json()["conversation_id"]
    answer = await _post(api, text="hi", key="another-key", user="other", conversation_id=mine)

    assert answer.status_code == 404


async def _stop(api: Starlette, body: bytes, user: str = "local") -> int:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000") as client:
        headers = {"cookie": IDENTITY.cookie(user)} if user else {}
        return (await client.post("/api/messages/stop", content=body, headers=headers)).status_code


async def test_a_running_answer_is_stopped_by_its_owner_alone(api, monkeypatch):
    monkeypatch.setattr(MODEL, "script", [TextDelta("w ")] * 1000)
    monkeypatch.setattr(MODEL, "pace_s", 0.01)
    turn = (await _post(api, text="hi", model="fake")).json()
    body = msgspec.json.encode({"ids": [turn["reply_id"]]})

    assert await _stop(api, body, user="other") == 404
    assert await _stop(api, body, user="") == 401
    for bad in (b"{}", b"[]", b"nope", b'{"ids": "x"}', b'{"ids": [' + b'"x",' * 9999):
        assert await _stop(api, bad) == 400
    assert await _stop(api, body) == 204
    assert (
        await until_settled(api.state.services, Turn(turn["conversation_id"], "", turn["reply_id"], "", True))
        == "stopped"
    )
    assert await _stop(api, body) == 204
