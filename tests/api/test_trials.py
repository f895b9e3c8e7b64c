"""Comparisons as a page asks for them."""

import pytest

from chat_app.providers.fake import FakeProvider
from tests.api.page import api_over, ask
from tests.conftest import services_with


@pytest.fixture
async def api(tmp_path):
    async with services_with(tmp_path, FakeProvider(), max_message_chars=20) as services:
        yield api_over(services)


SEND = {"key": "a-key-of-its-own", "text": "why", "columns": [{"model": "fake"}, {"recipe": {"id": "shipped:writer"}}]}


async def settled(api, ids: list[str]) -> list[dict]:
    """Their words, once they have ended."""
    while True:
        found = (await ask(api, "GET", f"/messages?ids={','.join(ids)}")).json()["messages"]
        if all(each["status"] != "streaming" for each in found):
            return found


async def test_a_comparison_tells_of_each_answer_and_comes_twice_as_one(api):
    first, again = [await ask(api, "POST", "/trials", json=SEND) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() | {"is_new": False} == again.json()
    replies = first.json()["replies"]
    assert (len(set(replies)), replies[0]) == (2, first.json()["reply_id"])
    assert [each["status"] for each in await settled(api, replies)] == ["complete", "complete"]
    merger = {"key": "another-key", "ids": replies, "model": "fake"}
    merged = await ask(api, "POST", "/trials/merge", json=merger)
    assert (merged.status_code, merged.json()["question_id"]) == (201, first.json()["question_id"])
    assert (await ask(api, "POST", "/trials/merge", json=merger)).json() == merged.json() | {"is_new": False}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"columns": [{"model": "fake"}]}, 400, "bad_request"),
        ({"columns": [{"model": "fake"}] * 5}, 400, "bad_request"),
        ({"columns": "fake"}, 400, "bad_request"),
        ({"columns": [{"model": "fake"}, {"recipe": {"id": "unknown"}}]}, 409, "recipe_gone"),
        ({"columns": [{"model": "fake"}, {"recipe": {"id": "abc", "version": 2**63}}]}, 400, "bad_request"),
        ({"text": " "}, 400, "bad_request"),
        ({"text": "x" * 21}, 400, "message_too_long"),
        ({"conversation_id": "unknown"}, 404, "not_found"),
    ],
)
async def test_a_comparison_that_is_none_is_refused_and_nothing_is_stored(api, fields, status, code):
    answer = await ask(api, "POST", "/trials", json=SEND | fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert (await ask(api, "POST", "/trials", json=SEND)).status_code == 201  # its key is still free


async def test_others_merge_nothing_of_ones_own_and_nobody_without_a_cookie(api):
    replies = (await ask(api, "POST", "/trials", json=SEND)).json()["replies"]
    await settled(api, replies)
    for user, status in (("bob", 404), ("", 401)):
        merger = {"key": "another-key", "ids": replies, "model": "fake"}
        assert (await ask(api, "POST", "/trials/merge", user=user, json=merger)).status_code == status


async def test_a_conversation_goes_on_with_the_answer_that_is_named(api):
    first = (await ask(api, "POST", "/trials", json=SEND)).json()
    await settled(api, first["replies"])
    chosen = {"id": first["replies"][1]}
    assert (await ask(api, "POST", "/trials/go-on", user="bob", json=chosen)).status_code == 404
    assert (await ask(api, "POST", "/trials/go-on", json={})).status_code == 400
    assert (await ask(api, "POST", "/trials/go-on", json=chosen)).status_code == 204
    values = (await ask(api, "GET", f"/parameters?conversation={first['conversation_id']}")).json()["layers"][-1][
        "values"
    ]
    assert values["recipe"] == {"id": "shipped:writer"}
