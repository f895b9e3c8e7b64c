"""Servers are added, changed and removed on the page: looked at first, their keys sealed, and asked like all others."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import openai
import pytest

from chat_app.api.identity import LOCAL_USER
from chat_app.gateway.seal import Seal
from chat_app.providers.fake import FakeProvider
from chat_app.store.servers import ServerStore
from tests.api.programs import Api, serving
from tests.conftest import KEY, REDIS, needs_redis, services_with
from tests.upstream import Script, Upstream, words
from tests.waiting import until

ASKED = [{"role": "user", "content": "hi"}]


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Api]:
    async with serving(tmp_path) as made:
        yield made


@pytest.fixture
async def page(api) -> AsyncIterator[httpx.AsyncClient]:
    async with _page(api) as client:
        yield client


def _page(api: Api, user: str = LOCAL_USER) -> httpx.AsyncClient:
    headers = {"cookie": api.identity.cookie(user), "origin": api.url}
    return httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60, verify=False)


def _box(box: Upstream, **more: object) -> dict[str, object]:
    return {"kind": "compatible", "name": "Box", "url": box.url, "key": KEY} | more


async def _said(api: Api, model: str) -> str:
    async with api.openai() as client:
        answer = await client.chat.completions.create(model=model, messages=ASKED)
    return answer.choices[0].message.content or ""


async def _offered(api: Api) -> list[str]:
    async with api.openai() as client:
        return [model.id for model in (await client.models.list()).data]


async def _listed(page: httpx.AsyncClient) -> dict[str, dict]:
    return {server["name"]: server for server in (await page.get("/api/servers")).json()["servers"]}


async def test_a_server_is_looked_at_added_asked_with_its_key_and_removed(api, page, box, tmp_path, capfd):
    look = (await page.post("/api/servers/look", json=_box(box))).json()
    assert (look["kind"], look["url"], look["models"], look["problem"]) == ("vllm", box.url, ["llama"], None)
    assert await _listed(page) == {}

    kept = await page.post("/api/servers", json=_box(box))
    assert kept.json()["problem"] is None
    listing = await page.get("/api/servers")
    (server,) = listing.json()["servers"]
    assert (server["name"], [model["id"] for model in server["models"]]) == ("Box", ["llama"])
    assert server["added"] | {"id": ""} == {"id": "", "kind": "vllm", "url": box.url, "has_key": True}

    assert await _said(api, "llama") == "Hello there."
    assert box.chats[-1].headers["authorization"] == f"Bearer {KEY}"
    rows = (tmp_path / "chat.db").read_bytes() + (tmp_path / "chat.db-wal").read_bytes()
    assert box.url.encode() in rows
    for secret in (rows.decode(errors="replace"), kept.text, listing.text, "".join(capfd.readouterr())):
        assert KEY not in secret

    assert (await page.delete(f"/api/servers/{server['added']['id']}")).status_code == 204
    assert await _listed(page) == {}
    assert "llama" not in await _offered(api)
    assert (await page.delete(f"/api/servers/{server['added']['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"key": "sk-fake-of-somebody"}, "key_refused"),
        ({"url": "http://127.0.0.1:9/v1"}, "model_unreachable"),
        ({"url": "http://no-such-host.invalid/v1"}, "model_unreachable"),
    ],
)
async def test_what_does_not_list_its_models_is_said_and_kept_only_on_demand(page, box, change, problem):
    for path in ("/api/servers/look", "/api/servers"):
        assert (await page.post(path, json=_box(box, **change))).json()["problem"] == problem
    assert await _listed(page) == {}
    assert (await page.post("/api/servers", json=_box(box, **change, anyway=True))).json()["problem"] == problem
    assert (await _listed(page))["Box"]["problem"] == problem


@pytest.mark.parametrize("status", [404, 200])
async def test_an_address_without_models_is_said(page, box, status):
    box.models_status, box.models_page = status, b"<!doctype html><p>hello"
    found = (await page.post("/api/servers/look", json=_box(box))).json()
    assert (found["problem"], found["url"]) == ("no_list", box.url)


async def test_an_address_that_lacks_its_v1_is_found(page):
    with Upstream(["llama"]).serve() as box:
        box.of_path = {"/models": 404}
        found = (await page.post("/api/servers", json=_box(box, url=box.url.removesuffix("/v1")))).json()
        assert (found["problem"], found["url"], found["models"]) == (None, box.url, ["llama"])
        assert (await _listed(page))["Box"]["added"]["url"] == box.url


@pytest.mark.parametrize(
    ("place", "problem"),
    [("http://169.254.169.254/latest/meta-data", "redirected"), ("http://elsewhere.invalid/v1/models", "redirected")],
)
async def test_a_server_that_leads_elsewhere_is_never_kept(page, box, place, problem):
    box.models_status, box.models_headers = 302, {"location": place}
    found = (await page.post("/api/servers", json=_box(box, anyway=True))).json()
    assert (found["problem"], found["detail"]) == (problem, place)
    assert await _listed(page) == {}


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/v1", "http://[::ffff:169.254.169.254]/v1", "http://2852039166"]
)
async def test_a_metadata_service_is_never_kept(page, url):
    found = await page.post("/api/servers", json={"kind": "compatible", "url": url, "key": "", "anyway": True})
    assert found.json()["problem"] == "address_refused"
    assert await _listed(page) == {}


async def test_what_cannot_be_is_refused_with_the_reason(api, page, box):
    await page.post("/api/servers", json=_box(box))
    for change, reason in (
        ({"url": "box"}, "url"),
        ({"url": f"http://127.0.0.1:{api.services.settings.port}/v1"}, "url_own"),
        ({}, "name_taken"),
        ({"name": "bOX", "url": "http://127.0.0.1:9/v1", "anyway": True}, "name_taken"),
        ({"name": "Other"}, "url_taken"),
        ({"kind": "OpenAI", "key": ""}, "no_key"),
    ):
        refused = await page.post("/api/servers", json=_box(box, **change))
        assert (refused.status_code, refused.json()["error"]["reason"]) == (400, reason), change
    for body in (b"", b"{}", b'{"kind": "other"}', b'{"kind": "vllm", "url": 3}', b"x" * 50_000):
        refused = await page.post("/api/servers", content=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")


async def test_a_server_is_changed_and_its_key_is_told_at_no_other_address(page, box):
    await page.post("/api/servers", json=_box(box))
    added = (await _listed(page))["Box"]["added"]
    renamed = _box(box, id=added["id"], name="Crate", key=None)
    assert (await page.post("/api/servers", json=renamed)).json()["problem"] is None
    listed = await _listed(page)
    assert (list(listed), listed["Crate"]["problem"], listed["Crate"]["added"]["id"]) == (["Crate"], None, added["id"])

    with Upstream(["theirs"]).serve() as other:
        moved = renamed | {"url": other.url}
        for path in ("/api/servers/look", "/api/servers"):
            refused = await page.post(path, json=moved)
            assert (refused.status_code, refused.json()["error"]["reason"]) == (400, "key_again")
        assert other.calls == []
        assert (await page.post("/api/servers", json=moved | {"key": ""})).json()["problem"] is None
        assert (await _listed(page))["Crate"]["added"]["has_key"] is False
    assert (await page.post("/api/servers", json=renamed | {"id": "nobody"})).status_code == 404


async def test_an_answer_that_runs_outlives_the_removal_of_its_server(api, page, box):
    await page.post("/api/servers", json=_box(box))
    server_id = (await _listed(page))["Box"]["added"]["id"]
    box.then(Script(words(40), pace_s=0.01))
    heard = ""
    async with api.openai() as client:
        stream = await client.chat.completions.create(model="llama", messages=ASKED, stream=True)
        async for chunk in stream:
            if not heard:
                assert (await page.delete(f"/api/servers/{server_id}")).status_code == 204
            heard += chunk.choices[0].delta.content or ""
    assert heard == "".join(words(40))


@pytest.mark.parametrize(
    ("kind", "setting", "path", "model"),
    [
        ("Anthropic", "anthropic_base_url", "", "claude-opus-5-5"),
        ("OpenAI", "openai_base_url", "/v1", "gpt-6-luna"),
        ("Qwen", "dashscope_base_url", "/v1", "qwen-plus"),
    ],
)
async def test_a_vendor_is_added_with_its_key_and_its_models_are_asked_by_their_names(
    tmp_path, box, kind, setting, path, model
):
    box.models[0] = {"id": model}
    async with serving(tmp_path, **{setting: box.url.removesuffix("/v1") + path}) as api, _page(api) as page:
        taken = {"kind": kind, "key": KEY}
        refused = (await page.post("/api/servers/look", json=taken | {"key": "sk-fake"})).json()
        assert refused["problem"] == "key_refused"
        assert (await page.post("/api/servers", json=taken)).json()["models"] == [model]
        listing = (await page.get("/api/servers")).json()
        assert kind not in [vendor["name"] for vendor in listing["absent"]]
        assert (await page.post("/api/servers", json=taken)).json()["error"]["reason"] == "name_taken"
        async with api.openai() as client:
            answer = await client.chat.completions.create(model=model, max_tokens=9, messages=ASKED)
        assert answer.choices[0].message.content == "Hello there."
        assert KEY in str(box.chats[-1].headers)


async def test_what_a_removed_server_answered_goes_to_no_vendor_also_after_a_restart(tmp_path, box):
    box.models[0] = {"id": "gpt-in-house"}
    with Upstream(["gpt-6-luna"]).serve() as vendor:
        places = {"openai_api_key": "sk-fake", "openai_base_url": vendor.url}
        async with serving(tmp_path, **places) as api, _page(api) as page:
            await page.post("/api/servers", json=_box(box))
            async with api.openai() as client:
                await client.chat.completions.create(model="gpt-in-house", messages=ASKED)
            server = (await _listed(page))["Box"]
            assert (await page.delete(f"/api/servers/{server['added']['id']}")).status_code == 204
        async with serving(tmp_path, **places) as api, api.openai() as client:
            with pytest.raises(openai.APIStatusError):
                await client.chat.completions.create(model="gpt-in-house", messages=ASKED)
            await client.chat.completions.create(model="gpt-6-luna", messages=ASKED)
        asked = [call.body["model"] for call in vendor.chats]

    assert asked == ["gpt-6-luna"]


async def test_with_another_secret_the_key_must_be_given_again_and_nothing_else_is_lost(tmp_path, box):
    async with serving(tmp_path) as api, _page(api) as page:
        await page.post("/api/servers", json=_box(box))
    calls = len(box.calls)
    async with serving(tmp_path, secret_key="another-secret") as api, _page(api) as page:
        server = (await _listed(page))["Box"]
        assert (server["problem"], server["added"]["url"]) == ("key_unreadable", box.url)
        kept = _box(box, id=server["added"]["id"], key=None)
        assert (await page.post("/api/servers", json=kept)).json()["error"]["reason"] == "key_unreadable"
        assert len(box.calls) == calls
        assert (await page.post("/api/servers", json=kept | {"key": KEY})).json()["problem"] is None
        assert (await _listed(page))["Box"]["problem"] is None


async def test_only_an_administrator_may_change_what_is_everybodys(api, page, box):
    await page.post("/api/servers", json=_box(box))
    server_id = (await _listed(page))["Box"]["added"]["id"]
    async with _page(api, "other") as other:
        listing = (await other.get("/api/servers")).json()
        assert (listing["may_change"], (await other.get("/api/models")).json()["may_change"]) == (False, False)
        for refused in (
            await other.post("/api/servers/look", json=_box(box)),
            await other.post("/api/servers", json=_box(box)),
            await other.delete(f"/api/servers/{server_id}"),
            await other.patch("/api/models", json={"model": "llama", "hidden": True}),
        ):
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert (await page.get("/api/servers")).json()["may_change"]


async def test_models_are_hidden_named_and_moved_and_programs_find_them_as_before(tmp_path):
    with Upstream(["a", "b", "c"]).serve() as upstream:
        async with serving(tmp_path, vllm_base_url=(upstream.url,)) as api, _page(api) as page:

            async def change(**what: object) -> list[tuple[str, str, bool]]:
                said = (await page.patch("/api/models", json=what)).json()["models"]
                return [(model["id"], model["name"], model["hidden"]) for model in said if model["id"] != "Passages"]

            assert await change(model="c", before="a") == [("c", "", False), ("a", "", False), ("b", "", False)]
            assert await change(model="a", name=" 快速  模型 ", hidden=True) == [
                ("c", "", False), ("a", "快速 模型", True), ("b", "", False),
            ]  # fmt: skip
            assert await change(model="c", before="") == [("a", "快速 模型", True), ("b", "", False), ("c", "", False)]
            assert [card.id for card in api.services.catalogue.offered()] == ["b", "Passages", "c"]
            assert "a" in await _offered(api)
            assert await _said(api, "a") == "Hello there."

            for name in ("B", "快速 模型"):
                refused = await page.patch("/api/models", json={"model": "c", "name": name})
                assert refused.json()["error"]["reason"] == "model_name_taken"
            assert (await page.patch("/api/models", json={"model": "z", "hidden": True})).status_code == 404
            assert (await page.patch("/api/models", content=b"[]")).status_code == 400
            assert (await change(model="a", name="", hidden=False))[0] == ("a", "", False)

        async with services_with(tmp_path) as later:  # whose server is away: where it stands is remembered
            assert (await later.servers._store.read())[1].order == ("a", "b", "Passages", "c")


@needs_redis
async def test_what_is_added_and_hidden_on_one_worker_is_so_on_the_other(tmp_path, box):
    async with (
        serving(tmp_path, redis_url=REDIS) as one,
        _page(one) as page,
        services_with(tmp_path, redis_url=REDIS) as two,
    ):
        await page.post("/api/servers", json=_box(box))

        async def has_heard() -> bool:
            return [card.id for card in two.catalogue.offered() if card.server == "Box"] == ["llama"]

        await until(has_heard)
        await page.patch("/api/models", json={"model": "llama", "hidden": True})

        async def has_hidden() -> bool:
            return all(card.id != "llama" for card in two.catalogue.offered())

        await until(has_hidden)


async def test_a_model_of_a_removed_server_is_asked_of_no_vendor_by_its_name(tmp_path, box):
    box.models[0]["id"] = "qwen3-private"
    with Upstream(["qwen-plus"]).serve() as vendor:
        async with (
            serving(tmp_path, dashscope_base_url=vendor.url, dashscope_api_key="sk-fake") as api,
            _page(api) as page,
        ):
            await page.post("/api/servers", json=_box(box))
            server_id = (await _listed(page))["Box"]["added"]["id"]
            assert await _said(api, "qwen3-private") == "Hello there."
            await page.delete(f"/api/servers/{server_id}")
            async with api.openai() as client:
                with pytest.raises(openai.NotFoundError):
                    await client.chat.completions.create(model="qwen3-private", messages=ASKED)
        assert [call for call in vendor.calls if "chat" in call.path] == []


async def test_a_server_that_is_renamed_serves_its_models_all_the_while(api, page, box):
    await page.post("/api/servers", json=_box(box))
    server_id = (await _listed(page))["Box"]["added"]["id"]
    box.models_s = 0.3
    renaming = asyncio.ensure_future(page.post("/api/servers", json=_box(box, id=server_id, name="Crate", key=None)))
    while not renaming.done():
        assert "llama" in [card.id for card in api.services.catalogue.cards()]
        await asyncio.sleep(0.01)
    assert list(await _listed(page)) == ["Crate"]


async def test_what_the_address_of_before_answers_late_is_not_said_of_the_new_one(api, page, box):
    await page.post("/api/servers", json=_box(box))
    server_id = (await _listed(page))["Box"]["added"]["id"]
    with Upstream(["new"]).serve() as other:
        box.models_s, box.models_status = 0.3, 500
        late = asyncio.ensure_future(api.services.catalogue.refresh())
        await asyncio.sleep(0.05)
        await page.post("/api/servers", json=_box(other, id=server_id))
        await late
        server = (await _listed(page))["Box"]
        assert (server["problem"], [model["id"] for model in server["models"]]) == (None, ["new"])


async def test_a_key_that_another_worker_has_stored_meanwhile_stays_when_a_name_is_changed(api, page, box):
    await page.post("/api/servers", json=_box(box))
    record = api.services.servers.added()["Box"]
    # The same key, sealed anew: it may be read, and tried at the server, before the name is changed.
    elsewhere = replace(record.content, sealed_key=Seal("not-a-secret", "servers").close(KEY))
    await ServerStore(api.services.database).change(record.id, elsewhere)
    await page.post("/api/servers", json=_box(box, id=record.id, name="Crate", key=None))
    (kept,), _ = await ServerStore(api.services.database).read()
    assert (kept.content.name, kept.content.sealed_key) == ("Crate", elsewhere.sealed_key)


async def test_of_many_who_add_one_server_at_once_one_does(page, box):
    added = await asyncio.gather(
        *(page.post("/api/servers", json=_box(box, name=name)) for name in ("a", "b", "A", "c"))
    )
    assert sorted(answer.status_code for answer in added) == [200, 400, 400, 400]
    assert len(await _listed(page)) == 1


async def test_names_are_of_what_can_be_seen_and_a_vendor_is_kept_with_a_key_alone(page, box):
    box.key = ""
    await page.post("/api/servers", json=_box(box, name="\u200b Bo\x00x\x1b ", key=""))
    ((name, server),) = (await _listed(page)).items()
    assert name == "Box"
    kept = {"id": server["added"]["id"], "kind": "OpenAI", "key": None, "anyway": True}
    assert (await page.post("/api/servers", json=kept)).json()["error"]["reason"] == "no_key"


async def test_whatever_a_server_does_the_others_are_asked_again(tmp_path):
    class Odd(FakeProvider):
        server = "Odd"
        base_url = "http://odd"

        async def offers(self):
            raise OverflowError("nobody thought of this")

    async with services_with(tmp_path, Odd(), FakeProvider()) as services:
        await services.catalogue.refresh()
        assert services.catalogue.problems["Odd"].code == "model_failed"
        assert "fake" in [card.id for card in services.catalogue.cards()]
