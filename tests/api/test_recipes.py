"""What the page of recipes asks of the server."""

import asyncio
import tomllib
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import insert
from starlette.applications import Starlette

from chat_app.providers.fake import FakeProvider
from chat_app.store.tables import users
from tests.api.page import api_over, ask
from tests.conftest import services_with

MINE = {"name": "Mine", "values": {"temperature": 0.5, "system_prompt": "One.\nTwo."}, "starting_points": ["Go."]}
OTHER = MINE | {"values": {"temperature": 0.7, "system_prompt": "One.\nThree."}}


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Starlette]:
    async with services_with(tmp_path, FakeProvider()) as services:
        async with services.database.write() as connection:
            person = {"id": "other", "created_at": 1, "name": "Wei", "role": "user", "preferences": "{}"}
            await connection.execute(insert(users), person)
        yield api_over(services)


async def _ask(api: Starlette, method: str, path: str, **more) -> httpx.Response:
    return await ask(api, method, f"/recipes{path}", **more)


async def _made(api: Starlette, content: dict = MINE) -> str:
    return (await _ask(api, "POST", "", json={"content": content, "note": "first"})).json()["id"]


async def test_a_recipe_is_made_listed_saved_again_and_has_a_history(api):
    mine = await _made(api)
    again = await _ask(api, "POST", f"/{mine}", json={"content": OTHER, "note": "warmer", "base": 1})
    history = (await _ask(api, "GET", f"/{mine}")).json()
    listed = (await _ask(api, "GET", "")).json()

    assert (again.status_code, again.json()) == (201, {"id": mine, "number": 2})
    assert [(each["number"], each["note"], each["author"]) for each in history] == [
        (2, "warmer", ""), (1, "first", ""),
    ]  # fmt: skip
    assert history[0]["content"] == OTHER | {"description": ""}
    assert listed[0]["id"] == mine
    assert sum(each["is_shipped"] for each in listed) == 6
    assert (listed[0]["number"], listed[0]["newest"], listed[0]["published"], listed[0]["is_mine"]) == (
        2,
        2,
        None,
        True,
    )


async def test_versions_are_compared_and_published(api):
    mine = await _made(api)
    await _ask(api, "POST", f"/{mine}", json={"content": OTHER, "base": 1})
    differs = (await _ask(api, "GET", f"/{mine}/diff?old=1&new=2")).json()
    assert differs == [
        {"field": "temperature", "old": "0.5", "new": "0.7", "lines": []},
        {"field": "system_prompt", "old": "One.\nTwo.", "new": "One.\nThree.",
         "lines": [["same", "One."], ["old", "Two."], ["new", "Three."]]},
    ]  # fmt: skip
    assert (await _ask(api, "GET", f"/{mine}/diff?old=1&new=x")).status_code == 400
    assert (await _ask(api, "GET", f"/{mine}/diff?old=1&new=9")).status_code == 404

    assert (await _ask(api, "PATCH", f"/{mine}", json={"published": 1})).status_code == 204
    assert (await _ask(api, "GET", "")).json()[0]["number"] == 1
    assert (await _ask(api, "PATCH", f"/{mine}", json={"published": 0})).status_code == 204
    assert (await _ask(api, "GET", "")).json()[0]["published"] is None


async def test_the_second_of_two_who_save_one_recipe_sees_the_difference_and_can_save_above_it(api):
    mine = await _made(api)
    await _ask(api, "PATCH", f"/{mine}", json={"shared": True})
    await _ask(api, "POST", f"/{mine}", json={"content": OTHER, "base": 1})
    late = {"content": MINE | {"name": "Theirs"}, "base": 1}
    refused = await _ask(api, "POST", f"/{mine}", user="other", json=late)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "saved_meanwhile")
    assert refused.json()["newest"]["number"] == 2
    assert [each["field"] for each in refused.json()["differences"]] == ["name", "temperature", "system_prompt"]
    above = await _ask(api, "POST", f"/{mine}", user="other", json=late | {"base": 2})
    assert above.json()["number"] == 3
    assert (await _ask(api, "GET", f"/{mine}")).json()[0]["author"] == "Wei"


async def test_what_is_wrong_in_a_recipe_is_said_with_its_field(api):
    wrong = {"name": "x", "values": {"temperature": 5}}
    refused = await _ask(api, "POST", "", json={"content": wrong})
    assert refused.json()["error"] | {"message": ""} == {
        "code": "value_refused", "message": "", "reason": "range", "values": {"low": 0.0, "high": 2.0, "field": "temperature"},
    }  # fmt: skip
    mine = await _made(api)
    assert (await _ask(api, "POST", f"/{mine}", json={"content": wrong, "base": 1})).status_code == 400
    for body in (b"", b"{}", b'{"content": []}', b'{"content": {}, "note": 1}', b" " * 1_000_001):
        assert (await _ask(api, "POST", "", content=body)).status_code == 400


async def test_recipes_go_out_as_toml_and_come_in_again(api):
    mine = await _made(api)
    one = await _ask(api, "GET", f"/{mine}/export")
    every = await _ask(api, "GET", ".toml")
    assert (await _ask(api, "GET", "/shipped:writer/export")).status_code == 200
    assert one.headers["content-type"].startswith("application/toml")
    assert tomllib.loads(one.text)["recipes"][0]["parameters"]["temperature"] == 0.5

    added = await _ask(api, "POST", "/import", user="other", content=every.content)
    assert (added.status_code, added.json()) == (201, {"added": 1})
    bad = await _ask(api, "POST", "/import", content=every.text.replace("0.5", "5.5").encode())
    assert bad.json()["error"]["reason"] == "recipe_entry"
    assert bad.json()["error"]["values"]["field"] == "temperature"
    for body in (b"\xff", b"{}", b" " * 5_000_001):
        assert (await _ask(api, "POST", "/import", content=body)).status_code == 400
    place = (await _ask(api, "POST", "/import", content=b"format = 1\n# \xff")).json()["error"]["values"]
    assert place == {"line": 2, "column": 3}
    assert len([each for each in (await _ask(api, "GET", "")).json() if each["is_mine"]]) == 1


async def test_what_a_person_deleted_is_listed_for_them_alone_the_last_one_first(api):
    first, second = await _made(api), await _made(api)
    for mine in (first, second):
        await _ask(api, "PATCH", f"/{mine}", json={"shared": True})
        await _ask(api, "PATCH", f"/{mine}", json={"deleted": True})
        await asyncio.sleep(0.002)  # deleted at another millisecond
    deleted = [
        [each["id"] for each in (await _ask(api, "GET", "?deleted=1", user=user)).json()] for user in ("local", "other")
    ]

    assert deleted == [[second, first], []]
    await _ask(api, "PATCH", f"/{first}", json={"deleted": False})
    assert [each["id"] for each in (await _ask(api, "GET", "?deleted=1")).json()] == [second]


async def test_recipes_of_others_are_not_there_until_they_are_shared(api):
    mine = await _made(api)
    attempts = [
        ("GET", f"/{mine}", None), ("GET", f"/{mine}/export", None), ("GET", f"/{mine}/diff?old=1&new=1", None),
        ("POST", f"/{mine}", {"content": OTHER, "base": 1}), ("PATCH", f"/{mine}", {"published": 1}),
        ("PATCH", f"/{mine}", {"shared": True}), ("PATCH", f"/{mine}", {"deleted": True}),
    ]  # fmt: skip
    for method, path, body in attempts:
        assert (await _ask(api, method, path, user="other", json=body)).status_code == 404
        assert (await _ask(api, method, path, user="", json=body)).status_code == 401
    await _ask(api, "PATCH", f"/{mine}", json={"shared": True})
    assert (await _ask(api, "GET", "", user="other")).json()[0]["id"] == mine
    await _ask(api, "PATCH", f"/{mine}", json={"deleted": True})
    assert all(each["is_shipped"] for each in (await _ask(api, "GET", "", user="other")).json())
    assert (await _ask(api, "PATCH", f"/{mine}", json={"deleted": False})).status_code == 204


async def test_what_comes_along_is_in_the_language_of_the_page(api):
    names = {each["content"]["name"] for each in (await _ask(api, "GET", "?language=zh-CN")).json()}
    assert names == {"助手", "编程", "写作", "摘要", "翻译", "问答"}
