"""What calls took: sums for the page, and every one to take away."""

import csv
import io

import pytest

from tests.api.programs import Api, serving
from tests.upstream import Script
from tests.waiting import until

OURS = {"sec-fetch-site": "same-origin"}


async def _asked(api: Api, path: str) -> object:
    async with api.http() as client:
        client.cookies.set(*api.identity.set_cookie().partition(";")[0].split("=", 1))
        return await client.get(path, headers=OURS)


async def _after_calls(api: Api, count: int) -> list[dict]:
    async def lines() -> list[dict]:
        found = (await _asked(api, "/api/usage?days=7&offset=-480")).json()["lines"]
        return found if sum(line["attempts"] for line in found) == count else []

    return await until(lines)


async def test_calls_are_summed_by_day_model_and_key_also_of_a_revoked_one(vllm, upstream):
    record, key = await vllm.services.keys.make("local", "my script")
    async with vllm.openai(key) as client:
        for _ in range(3):
            await client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "hi"}])
    await vllm.services.keys.revoke("local", record.id)
    (line,) = await _after_calls(vllm, 3)

    assert (line["model"], line["key"], line["calls"], line["failures"]) == ("echo", "my script", 3, 0)
    assert (line["input_tokens"], line["unpriced"], line["first_tokens"]) == (21, 3, 3)


async def test_the_table_has_every_attempt_and_no_formula(tmp_path, upstream):
    name = '=HYPERLINK("http://evil")'
    upstream.models.append({"id": name})
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as api:
        upstream.then(Script(["a, ", '"b"']), Script(status=500))
        async with api.http() as client:
            for model in (name, "echo"):
                await client.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user"}]})
        await _after_calls(api, 2)
        answer = await _asked(api, "/api/usage.csv?days=1")
    first, second = csv.DictReader(io.StringIO(answer.text))

    assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
    assert (first["model"], first["status"], first["key"]) == (f"'{name}", "complete", "of the tests")
    assert (second["model"], second["status"], second["dollars"]) == ("echo", "model_failed", "")


@pytest.mark.parametrize(
    "path", ["usage?days=0", "usage?days=400", "usage?days=x", "usage?days=1e3", "usage?offset=900", "usage.csv?days=0"]
)
async def test_a_span_that_is_none_is_refused(vllm, path):
    assert (await _asked(vllm, f"/api/{path}")).status_code == 400


async def test_nobody_reads_what_anothers_calls_took(vllm):
    async with vllm.http() as client:
        await client.post(
            "/v1/chat/completions", json={"model": "echo", "messages": [{"role": "user", "content": "hi"}]}
        )
        await _after_calls(vllm, 1)
        by_key = await client.get("/api/usage", headers=OURS)
        cookie = {"cookie": vllm.identity.cookie("other")}
        other = await client.get("/api/usage", headers=OURS | cookie)
        table = await client.get("/api/usage.csv", headers=OURS | cookie)

    assert by_key.status_code == 401  # a key opens nothing of the page's
    assert other.json()["lines"] == []
    assert table.text.count("\n") == 1
