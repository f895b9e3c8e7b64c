"""Keys are made, listed and revoked by their owner alone, and are in one answer only."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.programs import Api, serving


@pytest.fixture
async def api(tmp_path, upstream) -> AsyncIterator[Api]:
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as made:
        yield made


def _page(api: Api, user: str = "local") -> httpx.AsyncClient:
    """The settings page of a person."""
    identity = api.identity
    return httpx.AsyncClient(base_url=api.url, headers={"cookie": identity.cookie(user), "origin": api.url})


async def test_a_key_is_made_shown_once_works_and_is_revoked(api):
    async with _page(api) as page:
        made = await page.post(
            "/api/keys",
            json={"name": "script", "models": ["ec*"], "limits": {"streams": 2}, "expires_days": 30},
        )
        key = made.json()["key"]
        listed = await page.get("/api/keys")
        assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
        row = next(row for row in listed.json() if row["name"] == "script")
        assert (row["models"], row["limits"], row["prefix"]) == (["ec*"], {"streams": 2}, key[:12])
        assert row["expires_at"] - row["created_at"] == pytest.approx(30 * 24 * 3600 * 1000, abs=5000)
        assert key not in listed.text

        async with api.http(key) as program:
            assert (await program.get("/v1/models")).status_code == 200
            assert (await page.delete(f"/api/keys/{row['id']}")).status_code == 204
            assert (await program.get("/v1/models")).status_code == 401


async def test_someone_elses_keys_are_not_there(api):
    async with _page(api) as page, _page(api, "other") as other:
        made = (await page.post("/api/keys", json={"name": "mine"})).json()
        assert (await other.get("/api/keys")).json() == []
        assert (await other.delete(f"/api/keys/{made['id']}")).status_code == 404
        async with api.http(made["key"]) as program:
            assert (await program.get("/v1/models")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"nope", b"{}", b'{"name": ""}', b'{"name": "  "}', b'{"name": "x", "limits": {"wishes": 3}}',
        b'{"name": "x", "limits": {"streams": -1}}', b'{"name": "x", "limits": {"dollars_per_day": -0.5}}',
        b'{"name": "x", "expires_days": 0}', b'{"name": "' + b"x" * 30_000 + b'"}',
    ],
)  # fmt: skip
async def test_what_is_no_key_is_refused(api, body):
    async with _page(api) as page:
        answer = await page.post("/api/keys", content=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_a_program_cannot_make_keys_with_its_key_nor_ask_models_with_a_cookie(api):
    async with api.http() as program:
        assert (await program.post("/api/keys", json={"name": "x"})).status_code == 403
    async with _page(api) as page:
        answer = await page.get("/v1/models")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


async def test_another_sites_page_cannot_ask_even_with_a_key(api):
    async with api.http() as program:
        answer = await program.get("/v1/models", headers={"origin": "https://evil.example"})

    assert answer.status_code == 403
