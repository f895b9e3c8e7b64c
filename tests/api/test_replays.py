"""Sets of prompts and replays as a page asks for them."""

import json

import pytest

from chat_app.providers.fake import FakeProvider
from tests.api.page import api_over, ask
from tests.conftest import services_with
from tests.waiting import until

SIDES = [{"model": "fake"}, {"recipe": {"id": "shipped:writer"}}]


@pytest.fixture
async def api(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        yield api_over(services)


async def a_set(api, lines: str = '{"prompt": "one"}\n{"prompt": "two"}\n{') -> dict:
    answer = await ask(api, "POST", "/prompt-sets?name=Some", content=lines.encode())
    assert answer.status_code == 201
    return answer.json()


async def a_replay(api, **more) -> str:
    asked = {"set_id": (await a_set(api))["id"], "sides": SIDES} | more
    replay_id = (await ask(api, "POST", "/replays", json=asked)).json()["id"]

    async def is_over() -> bool:
        return (await ask(api, "GET", f"/replays/{replay_id}")).json()["status"] != "running"

    await until(is_over)
    return replay_id


async def test_a_file_with_a_bad_line_is_taken_but_for_it_and_the_set_can_be_changed(api):
    made = await a_set(api)
    assert made == {"id": made["id"], "prompts": 2, "bad": 1, "lines": [{"number": 3, "reason": "json"}]}
    shown = (await ask(api, "GET", f"/prompt-sets/{made['id']}")).json()
    assert [each["messages"][0]["content"] for each in shown["shown"]] == ["one", "two"]
    changed = {"name": "Better", "checks": [{"kind": "contains", "value": "x"}, {"kind": "length", "most": 3}]}
    answer = await ask(api, "PATCH", f"/prompt-sets/{made['id']}", json=changed)
    assert answer.json()["set"]["checks"] == [
        {"kind": "contains", "value": "x"}, {"kind": "length", "most": 3},
    ]  # fmt: skip
    refused = await ask(api, "PATCH", f"/prompt-sets/{made['id']}", json={"checks": [{"kind": "regex", "value": "("}]})
    assert (refused.status_code, refused.json()["error"]["reason"]) == (400, "regex")
    [listed] = (await ask(api, "GET", "/prompt-sets")).json()["sets"]
    assert (listed["name"], listed["prompts"], listed["replays"]) == ("Better", 2, 0)
    assert (await ask(api, "DELETE", f"/prompt-sets/{made['id']}")).status_code == 204
    assert (await ask(api, "GET", f"/prompt-sets/{made['id']}")).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"prompt": " "}'])
async def test_a_file_without_a_prompt_is_refused(api, body):
    assert (await ask(api, "POST", "/prompt-sets?name=Some", content=body)).status_code == 400


async def test_a_replay_runs_and_tells_its_report_its_results_and_files(api):
    replay_id = await a_replay(api, at_once=2)
    report = (await ask(api, "GET", f"/replays/{replay_id}")).json()
    assert (report["status"], report["answers"], [side["failed"] for side in report["sides"]]) == (
        "complete",
        4,
        [0, 0],
    )
    assert report["sides"][1]["recipe"] == "Writer v1"
    results = (await ask(api, "GET", f"/replays/{replay_id}/results")).json()["results"]
    assert [each["answers"][0]["text"] for each in results] == ["Hello.", "Hello."]
    blind = (await ask(api, "GET", f"/replays/{replay_id}/results?blind=1")).json()["results"]
    assert [each["answers"] for each in blind] == [[{"text": "Hello.", "error_code": None}] * 2] * 2
    assert (await ask(api, "PUT", f"/replays/{replay_id}/votes/1", json={"better": "right"})).status_code == 204
    assert (await ask(api, "GET", f"/replays/{replay_id}/results")).json()["results"][1]["vote"] == 1
    assert (await ask(api, "GET", f"/replays/{replay_id}")).json()["wins"]["person"]["second"] == 1
    for form, kind in (("csv", "text/csv; charset=utf-8"), ("json", "application/json")):
        file = await ask(api, "GET", f"/replays/{replay_id}/export?format={form}")
        assert (file.status_code, file.headers["content-type"]) == (200, kind)
        assert b"Hello." in file.content
    [listed] = (await ask(api, "GET", "/replays")).json()["replays"]
    assert (listed["id"], listed["set"], listed["answers"]) == (replay_id, "Some", 4)
    again = await ask(api, "PATCH", f"/replays/{replay_id}", json={"to": "running", "most_micros": None})
    assert again.status_code == 204
    assert (await ask(api, "DELETE", f"/replays/{replay_id}")).status_code == 204
    assert (await ask(api, "GET", f"/replays/{replay_id}")).status_code == 404


async def test_an_estimate_tells_calls_and_whose_price_nobody_knows(api):
    asked = {"set_id": (await a_set(api))["id"], "sides": SIDES}
    told = (await ask(api, "POST", "/replays/estimate", json=asked)).json()
    assert (told["calls"], told["cost_micros"], told["unpriced"]) == (4, 0, ["fake"])


async def test_nobody_sees_what_is_someone_elses(api):
    replay_id = await a_replay(api)
    set_id = (await ask(api, "GET", "/prompt-sets")).json()["sets"][0]["id"]
    for path in (
        f"/replays/{replay_id}",
        f"/replays/{replay_id}/results",
        f"/replays/{replay_id}/export",
        f"/prompt-sets/{set_id}",
    ):
        assert (await ask(api, "GET", path, user="bob")).status_code == 404
        assert (await ask(api, "GET", path, user="")).status_code == 401
    assert (await ask(api, "DELETE", f"/replays/{replay_id}", user="bob")).status_code == 404
    begun = {"set_id": set_id, "sides": SIDES}
    assert (await ask(api, "POST", "/replays", user="bob", json=begun)).status_code == 404
    assert (await ask(api, "GET", "/replays", user="bob")).json() == {"replays": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/replays", {"set_id": "x", "sides": SIDES, "at_once": 99}),
        ("POST", "/replays", {"set_id": "x", "sides": "both"}),
        ("PUT", "/replays/x/votes/0", {"better": "both"}),
        ("PATCH", "/replays/x", {"to": "nowhere"}),
        ("GET", "/replays/x/results?first=-1", None),
        ("GET", "/replays/x/export?format=pdf", None),
        ("GET", "/prompts?thumb=sideways", None),
    ],
)
async def test_what_is_no_request_is_refused_in_a_sentence(api, method, path, body):
    answer = await ask(api, method, path, json=body)
    assert answer.status_code == 400, json.dumps(body)
    assert answer.json()["error"]["message"]
