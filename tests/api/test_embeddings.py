"""Embeddings through the gateway, by OpenAI's own client."""

import base64
import struct

import openai
import pytest

from chat_app.messages import Limits
from tests.api.programs import serving
from tests.upstream import Script
from tests.waiting import until


def _script(*vectors: list[float]) -> Script:
    coded = [base64.b64encode(struct.pack(f"<{len(v)}f", *v)).decode() for v in vectors]
    data = [{"object": "embedding", "index": index, "embedding": each} for index, each in enumerate(coded)]
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    return Script(whole={"object": "list", "data": data, "model": "m", "usage": usage})


async def test_texts_become_numbers_and_what_they_took_is_in_the_ledger(vllm, upstream):
    upstream.then(_script([0.5, -1.0], [2.0, 0.25]))
    record, key = await vllm.services.keys.make("local", "embeds")
    async with vllm.openai(key) as client:
        answer = await client.embeddings.create(model="echo", input=["one", "two"], dimensions=2)
    (call,) = [call for call in upstream.calls if call.path == "/v1/embeddings"]

    assert [each.embedding for each in answer.data] == [[0.5, -1.0], [2.0, 0.25]]
    assert (call.body["input"], call.body["dimensions"], call.body["model"]) == (["one", "two"], 2, "echo")

    async def rows() -> list:
        return [row async for row in vllm.services.usage.rows("local", 0) if row.key_id == record.id]

    (row,) = await until(rows)
    assert (row.status, row.usage.input_tokens, row.usage.output_tokens) == ("complete", 5, 0)


async def test_a_server_that_fails_is_passed_over(tmp_path, upstream):
    servers = "".join(f'[servers.{name}]\nbase_url = "{upstream.url}"\n' for name in ("one", "two"))
    entries = "".join(f'[[models.e.deployments]]\nprovider = "{name}"\nmodel = "echo"\n' for name in ("one", "two"))
    (tmp_path / "models.toml").write_text(f"{servers}[models.e]\n{entries}")
    upstream.then(Script(status=500), _script([1.0]))
    async with serving(tmp_path) as api, api.openai() as client:
        answer = await client.embeddings.create(model="e", input="x")

    assert answer.data[0].embedding == [1.0]
    assert len([call for call in upstream.calls if call.path == "/v1/embeddings"]) == 2


async def test_the_limits_hold_for_embeddings_too(vllm, upstream):
    upstream.then(_script([1.0]))
    key = await vllm.made(limits=Limits(requests_per_minute=1))
    async with vllm.openai(key) as client:
        await client.embeddings.create(model="echo", input="x")
        with pytest.raises(openai.RateLimitError):
            await client.embeddings.create(model="echo", input="x")


@pytest.mark.parametrize("whole", [{"data": []}, {"error": "no"}, "nothing"])
async def test_an_answer_without_embeddings_is_none(vllm, upstream, whole):
    upstream.then(Script(whole=whole))
    async with vllm.openai() as client:
        with pytest.raises(openai.InternalServerError) as raised:
            await client.embeddings.create(model="echo", input="x")

    assert raised.value.code == "answer_broken"


async def test_a_wire_without_embeddings_says_so(tmp_path, upstream):
    where = upstream.url.removesuffix("/v1")
    async with serving(tmp_path, anthropic_base_url=where) as api, api.openai() as client:
        with pytest.raises(openai.BadRequestError, match="No server of echo makes embeddings"):
            await client.embeddings.create(model="echo", input="x")


@pytest.mark.parametrize("wrong", [[], "", {"a": 1}, [1.5]])
async def test_what_cannot_be_embedded_is_said_by_name(vllm, wrong):
    async with vllm.http() as client:
        answer = await client.post("/v1/embeddings", json={"model": "echo", "input": wrong})

    assert (answer.status_code, answer.json()["error"]["param"].partition("[")[0]) == (400, "input")


async def test_tokens_count_as_they_are_given_and_an_answer_without_a_count_is_estimated(vllm, upstream):
    whole = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}], "model": "m"}
    upstream.then(Script(whole=whole))
    key = await vllm.made(limits=Limits(tokens_per_minute=100_000))
    async with vllm.http(key) as client:
        body = {"model": "echo", "input": [[7] * 40_000, [7] * 20_000], "encoding_format": "float"}
        answer = await client.post("/v1/embeddings", json=body)

    async def rows() -> list:
        return [row async for row in vllm.services.usage.rows("local", 0)]

    (row,) = await until(rows)
    assert int(answer.headers["x-ratelimit-remaining-tokens"]) < 40_000
    assert (row.usage.input_tokens >= 60_000, row.is_estimated) == (True, True)
