"""What the panel asks of the server."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.providers.fake import FakeProvider
from tests.conftest import services_with

IDENTITY = Identity("not-a-secret", 3000)
TOML = """
[models.mine]
capabilities = ["tools"]
output_tokens = 500
refuses = ["seed"]
refuses_thinking = ["top_p"]
parameters = { min_p = 0.1 }
deployments = [
  { provider = "fake", model = "fake", parameters = { max_completion_tokens = 5, min_p = 0.2 } },
  { provider = "fake", model = "fake", parameters = { top_k = 3 } },
]
"""


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Starlette]:
    (tmp_path / "models.toml").write_text(TOML)
    fake = FakeProvider()
    fake.refuses = frozenset({"repetition_penalty"})
    async with services_with(tmp_path, fake) as services:
        made = make_api()
        made.state.services, made.state.identity, made.state.fake = services, IDENTITY, fake
        yield made


async def _ask(api: Starlette, method: str, path: str, *, user: str = "local", **more) -> httpx.Response:
    headers = {"cookie": IDENTITY.cookie(user)} if user else {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000") as client:
        return await client.request(method, path, headers=headers, **more)


async def _begun(api: Starlette, **more) -> str:
    body = {"key": "a-key-of-its-own", "text": "hi", "model": "mine"} | more
    return (await _ask(api, "POST", "/api/turns", json=body)).json()["conversation_id"]


async def test_the_panel_reads_the_table_the_layers_and_what_the_model_takes(api):
    told = (await _ask(api, "GET", "/api/parameters?conversation=&model=mine")).json()

    assert {"name": "temperature", "kind": "number", "high": 2.0, "step": 0.1, "usual": 1.0} in told["specs"]
    assert [layer["name"] for layer in told["layers"]] == ["person", "conversation"]
    assert told["model"] == {
        "id": "mine",
        "server": "fake",
        "output_tokens": 500,
        "has_efforts": True,
        "model": {"min_p": 0.1},
        "deployment": {"max_tokens": [5, None], "top_k": [None, 3]},
        "refuses": {
            "repetition_penalty": "server",
            "seed": "model",
            "top_p": "thinking",
            "reasoning_effort": "no_reasoning",
            "thinking_budget": "no_reasoning",
        },
    }
    assert (await _ask(api, "GET", "/api/parameters?model=nobody")).json()["model"] is None


async def test_large_numbers_in_what_people_write_come_back_as_they_were_written(api):
    mine = await _begun(api)
    wanted = {"extra": '{"id": 9007199254740993, "deep": {"x": [18446744073709551615]}}'}
    path = f"/api/parameters?conversation={mine}"
    told = (await _ask(api, "PATCH", path, json={"set": wanted})).json()["layers"][-1]["values"]
    again = (await _ask(api, "PATCH", path, json={"set": told})).json()["layers"][-1]["values"]

    assert json.loads(told["extra"]) == json.loads(wanted["extra"])
    assert again == told


async def test_good_values_are_kept_and_each_other_one_has_its_sentence(api):
    mine = await _begun(api)
    wanted = {"temperature": 0.5, "top_p": "high", "extra": "{", "nonsense": 1}
    told = (await _ask(api, "PATCH", f"/api/parameters?conversation={mine}", json={"set": wanted})).json()
    again = (await _ask(api, "GET", f"/api/parameters?conversation={mine}")).json()

    assert told["layers"][-1] == {"name": "conversation", "values": {"temperature": 0.5}}
    assert {name: why["reason"] for name, why in told["refused"].items()} == {
        "top_p": "number", "extra": "json", "nonsense": "unknown",
    }  # fmt: skip
    assert told["refused"]["extra"]["values"] == {"line": 1, "column": 2}
    assert (again["layers"], again["refused"]) == (told["layers"], {})


async def test_what_is_not_begun_yet_is_looked_at_and_kept_nowhere(api):
    body = {"set": {"temperature": 3, "seed": 4}}
    told = (await _ask(api, "PATCH", "/api/parameters?conversation=", json=body)).json()

    assert told["refused"]["temperature"] == {"reason": "range", "values": {"low": 0.0, "high": 2.0}}
    assert told["layers"][-1]["values"] == {"seed": 4}
    assert (await _ask(api, "GET", "/api/parameters")).json()["layers"][-1]["values"] == {}


async def test_a_persons_defaults_lie_below_and_are_theirs_alone(api):
    await _ask(api, "PATCH", "/api/preferences", json={"set": {"temperature": 0.1}})
    told = (await _ask(api, "GET", "/api/parameters")).json()
    theirs = (await _ask(api, "GET", "/api/parameters", user="other")).json()

    assert told["layers"][0] == {"name": "person", "values": {"temperature": 0.1}}
    assert theirs["layers"][0]["values"] == {}


async def test_preferences_say_what_a_model_takes_where_one_is_named(api):
    unnamed, named, nobodys = [
        (await _ask(api, "GET", f"/api/preferences{query}")).json()["model"]
        for query in ("", "?model=mine", "?model=nobodys")
    ]

    assert (unnamed, nobodys) == (None, None)
    assert (named["id"], "refuses" in named) == ("mine", True)


async def test_a_change_that_comes_with_a_question_counts_from_its_answer_on(api):
    mine = await _begun(
        api, change={"set": {"top_k": 7, "temperature": "x"}}, language="zh-CN", time_zone="Asia/Shanghai"
    )
    told = (await _ask(api, "GET", f"/api/parameters?conversation={mine}")).json()
    said = await api.state.services.conversations.layers.store.read("local", mine)

    assert told["layers"][-1]["values"] == {"top_k": 7}
    assert (said.locale, said.time_zone) == ("zh-CN", "Asia/Shanghai")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"set": []}', b'{"reset": "x"}', b'{"set": {"temperature": NaN}}']
)
async def test_what_is_no_change_is_refused(api, body):
    for path in ("/api/parameters", "/api/preferences"):
        assert (await _ask(api, "PATCH", path, content=body)).status_code == 400


async def test_nobody_and_someone_else_are_told_nothing(api):
    mine = await _begun(api)
    for method, body in (("GET", None), ("PATCH", {"set": {"seed": 1}})):
        path = f"/api/parameters?conversation={mine}"
        assert (await _ask(api, method, path, user="other", json=body)).status_code == 404
        assert (await _ask(api, method, path, user="", json=body)).status_code == 401
    assert (await _ask(api, "PATCH", "/api/preferences", user="", json={})).status_code == 401
    assert (await _ask(api, "PATCH", "/api/preferences", content=b" " * 1_000_001)).status_code == 400


async def test_a_person_says_what_they_are_called_and_may_take_it_back(api):
    assert (await _ask(api, "GET", "/api/preferences")).json()["name"] == ""
    assert (await _ask(api, "POST", "/api/name", json={"name": "  Wei   Li "})).status_code == 204
    assert (await _ask(api, "GET", "/api/preferences")).json()["name"] == "Wei Li"
    assert (await _ask(api, "POST", "/api/name", json={"name": " "})).status_code == 204
    assert (await _ask(api, "GET", "/api/preferences")).json()["name"] == ""
    assert (await _ask(api, "POST", "/api/name", json={"name": "x" * 201})).status_code == 400
    assert (await _ask(api, "POST", "/api/name", user="", json={"name": "x"})).status_code == 401
