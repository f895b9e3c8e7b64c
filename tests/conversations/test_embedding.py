"""Vectors by a model of a server: what goes over the wire, and what of it comes back as none."""

import struct

import pytest

from chat_app.conversations.embedding import gateway_embedder
from chat_app.conversations.finding import Wanted
from chat_app.errors import EmbedderUnavailable
from chat_app.providers.vllm import VllmProvider
from chat_app.services import Services
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import hold_indexer, send, until_settled
from tests.upstream import Script, Upstream
from tests.waiting import until


def vectors(*rows: list[float]) -> Script:
    """An answer with these, the last first: servers need not keep the order."""
    data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
    return Script(
        whole={"object": "list", "data": data[::-1], "model": "e", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    )


def unpacked(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def asked(upstream: Upstream) -> list[list[str]]:
    return [call.body["input"] for call in upstream.calls if call.path == "/v1/embeddings"]


@pytest.fixture
async def services(tmp_path, upstream):
    provider = VllmProvider(server="vLLM", base_url=upstream.url, api_key="", connect_timeout_s=5)
    async with services_with(tmp_path, provider, limit_requests=1) as opened:
        yield opened


async def test_texts_go_to_the_model_together_and_come_back_in_order_at_length_one(services: Services, upstream):
    upstream.then(vectors([3, 4], [0, 2]), vectors([1, 0]))
    embedder = gateway_embedder(services.gateway, "echo")
    first, second = await embedder.embed(["one", "two"])
    [third] = await embedder.embed(["three"])  # the limits of people do not count it as a request
    assert unpacked(first) == pytest.approx((0.6, 0.8))
    assert (unpacked(second), unpacked(third)) == ((0, 1), (1, 0))
    assert asked(upstream) == [["one", "two"], ["three"]]
    assert await embedder.embed([]) == []
    assert embedder.reads("押金怎么退")
    await embedder.aclose()


@pytest.mark.parametrize("message", ["no such input", "This model's maximum context length is 512 tokens"])
async def test_a_text_that_is_refused_by_itself_has_no_vector_and_the_others_have(
    services: Services, upstream, message
):
    refused = Script(status=400, body={"error": {"message": message}})
    upstream.then(refused, vectors([1, 0]), refused, vectors([0, 1]))
    found = await gateway_embedder(services.gateway, "echo").embed(["a", "b" * 9, "c"])
    assert [unpacked(each) for each in found] == [(1, 0), (), (0, 1)]
    assert asked(upstream) == [["a", "b" * 9, "c"], ["a"], ["b" * 9], ["c"]]


@pytest.mark.parametrize(
    "script",
    [
        Script(status=500), Script(status=401), Script(status=429), vectors([1, 0]), vectors(),
        Script(whole={"data": [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": "AAAA"}]}),
        Script(whole={"data": [{"index": 0, "embedding": [1]}, {"index": 7, "embedding": [1]}]}),
        Script(whole={"hello": 1}),
    ],
    ids=["fails", "refuses the key", "is busy", "too few", "none", "base64", "other numbers", "something else"],
)  # fmt: skip
async def test_a_server_that_makes_none_is_said_and_asked_again_later(services: Services, upstream, script):
    upstream.then(script)
    embedder = gateway_embedder(services.gateway, "echo")
    with pytest.raises(EmbedderUnavailable):
        await embedder.embed(["one", "two"])
    upstream.scripts.clear()
    upstream.then(vectors([1, 0], [0, 1]))
    assert len(await embedder.embed(["one", "two"])) == 2


async def test_numbers_that_are_none_are_no_vector(services: Services, upstream):
    upstream.then(vectors([0, 0], [float(10**30), 0], [1e154] * 10, [1.7e308] * 10))
    nothing, huge, larger, largest = await gateway_embedder(services.gateway, "echo").embed(
        ["one", "two", "three", "four"]
    )
    assert (nothing, largest) == (b"", b"")
    assert unpacked(huge) == (1, 0)
    assert len(unpacked(larger)) == 10


async def test_a_model_of_a_server_finds_meaning_in_any_language(tmp_path, upstream, monkeypatch):
    may_go = hold_indexer(monkeypatch)
    may_go.clear()  # both are embedded together
    provider = VllmProvider(server="vLLM", base_url=upstream.url, api_key="", connect_timeout_s=5)
    async with services_with(tmp_path, provider, embedding_model="echo") as services:
        upstream.then(Script(["退租时应当退还。"]))
        turn = await send(services, "房东", model="echo")
        await until_settled(services, turn)
        upstream.default = Script(whole=vectors([1, 0], [1, 0]).whole)
        may_go.set()

        async def is_done() -> bool:
            progress = await services.finding.progress(LOCAL)
            return (progress.chunks, progress.unembedded) == (2, 0)

        await until(is_done)
        upstream.default = Script(whole=vectors([1, 0.1]).whole)
        results = await services.finding.find(LOCAL, Wanted("另一种说法"))
        assert {hit.chunk.role for hit in results.hits} == {"user", "assistant"}
        assert all(hit.hit.meaning > 0.9 for hit in results.hits)
