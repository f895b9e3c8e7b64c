"""One table of what a server may do × every wire, and the one right outcome of each."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from chat_app.errors import (
    AnswerBroken,
    KeyRefused,
    ModelError,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    NoModelList,
    Overloaded,
    PromptTooLong,
    RateLimited,
    RequestRefused,
)
from chat_app.events import Reply, Start
from chat_app.messages import ChatRequest, Message, TextPart
from chat_app.providers.anthropic import AnthropicProvider
from chat_app.providers.base import Provider
from chat_app.providers.openai import OpenAIProvider
from chat_app.providers.qwen import QwenProvider
from chat_app.providers.vllm import VllmProvider
from tests.upstream import Script, Upstream
from tests.upstream_wires import said, sse
from tests.waiting import until

KEY = "sk-fake-key"
HI = ChatRequest("m", (Message("user", (TextPart("hi"),)),))
WIRES = (OpenAIProvider, VllmProvider, QwenProvider, AnthropicProvider)
Make = Callable[[str], Provider]


@pytest.fixture(params=WIRES, ids=lambda kind: kind.kind)
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes a provider of a wire, by the base URL with `/v1`; all are closed at the end."""
    made: list[Provider] = []

    def new(url: str) -> Provider:
        base = url.removesuffix("/v1") if request.param is AnthropicProvider else url
        made.append(request.param(server="Test", base_url=base, api_key=KEY, connect_timeout_s=2))
        return made[-1]

    yield new
    for provider in made:
        await provider.aclose()


def _relayed(provider: Provider) -> ChatRequest:
    """The same question as a program of the provider's own wire asks it."""
    body = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    return ChatRequest("m", (), body=body, wire="messages" if provider.kind == "anthropic" else "chat")


async def _reply(provider: Provider, upstream: Upstream, script: Script, *, is_relayed: bool = False) -> Reply:
    upstream.then(script)
    reply = Reply()
    async with aclosing(provider.stream("m", _relayed(provider) if is_relayed else HI)) as events:
        async for event in events:
            reply.apply(event)
    return reply


BROKEN = {
    "cut": Script(["a", "b"], ending="cut"),
    "a clean early end": Script(["a"], ending="close"),
    "an end without a reason": Script(["a"], ending="done"),
    "a reason that is none": Script(["a"], ending="abort"),
    "a pause for the server's own tools": Script(["a"], ending="pause_turn"),
    "malformed JSON": Script(["a", b"data: {nope\n\n"]),
    "an error event of vLLM": Script(["a", sse({"error": {"message": f"died of {KEY}"}})], ending="done"),
}


KNOWN_TO_PROGRAMS = ("a reason that is none", "a pause for the server's own tools")
"""Anthropic's reasons are its programs' to know: what it ends by `message_stop` is whole to them."""


@pytest.mark.parametrize("is_relayed", [False, True], ids=["written here", "passed on"])
@pytest.mark.parametrize("fault", BROKEN.keys())
async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(make, upstream, fault, is_relayed):
    provider = make(upstream.url)
    if is_relayed and provider.kind == "anthropic" and fault in KNOWN_TO_PROGRAMS:
        assert (await _reply(provider, upstream, BROKEN[fault], is_relayed=True)).finish is not None
        return
    with pytest.raises(AnswerBroken, match="broke off") as raised:
        await _reply(provider, upstream, BROKEN[fault], is_relayed=is_relayed)

    assert KEY not in raised.value.detail


async def test_what_a_server_says_of_its_failure_is_told_without_the_key(make, upstream):
    with pytest.raises(AnswerBroken) as raised:
        await _reply(make(upstream.url), upstream, Script(["a", said("error", error={"message": f"died of {KEY}"})]))

    assert "died of …" in raised.value.detail


def _refusal(status: int, message: str = "no", **headers: str) -> Script:
    return Script(status=status, body={"type": "error", "error": {"message": message}}, headers=headers)


REFUSED = {
    "401": (_refusal(401), KeyRefused),
    "401 of vLLM": (Script(status=401, body={"error": "Unauthorized"}), KeyRefused),
    "403": (_refusal(403), KeyRefused),
    "404": (_refusal(404), ModelUnknown),
    "404 of a path": (Script(status=404, body={"detail": "Not Found"}), ModelUnknown),
    "429": (_refusal(429, **{"retry-after": "20"}), RateLimited),
    "400 of OpenAI over the context": (_refusal(400, "maximum context length"), PromptTooLong),
    "400 of Anthropic over the context": (_refusal(400, "prompt is too long: 9 tokens > 8 maximum"), PromptTooLong),
    "400 of vLLM over the context": (
        Script(status=400, body={"error": {"message": "no", "param": "input_tokens"}}),
        PromptTooLong,
    ),
    "400": (_refusal(400, "bad top_p"), RequestRefused),
    "400 of Anthropic for an account that owes": (_refusal(400, "Your credit balance is too low"), ModelFailed),
    "400 of DashScope for an account that owes": (_refusal(400, "Arrearage"), ModelFailed),
    "422": (_refusal(422, "bad top_p"), RequestRefused),
    "an echo of the key": (_refusal(400, f"bad key {KEY}"), RequestRefused),
    "500": (Script(status=500, body=b"<html>oops"), ModelFailed),
    "503": (_refusal(503), Overloaded),
    "529": (_refusal(529), Overloaded),
}


@pytest.mark.parametrize("is_relayed", [False, True], ids=["written here", "passed on"])
@pytest.mark.parametrize(("script", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_is_told_by_its_kind_and_asked_only_once(make, upstream, script, error, is_relayed):
    with pytest.raises(ModelError) as raised:
        await _reply(make(upstream.url), upstream, script, is_relayed=is_relayed)

    assert type(raised.value) is error
    assert len(upstream.calls) == 1
    assert KEY not in str(raised.value) + raised.value.detail
    assert raised.value.retry_after_s == (20 if error is RateLimited else None)


@pytest.mark.parametrize(
    ("header", "least_s", "most_s"),
    [("20", 20, 20), ("1.5", 1.5, 1.5), ("in 90 seconds, as a date", 30, 90)],
)
async def test_the_wait_that_a_server_asks_for_is_kept(make, upstream, header, least_s, most_s):
    if "date" in header:
        header = format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    with pytest.raises(RateLimited) as raised:
        await _reply(make(upstream.url), upstream, Script(status=429, headers={"retry-after": header}))

    assert least_s <= raised.value.retry_after_s <= most_s


@pytest.mark.parametrize(
    "header", ["soon", "", "-3", "nan", "inf", "1e99", "Thu, 01 Jan 2026 00:00:00 +99999999999999999999"]
)
async def test_a_wait_that_means_nothing_is_unknown(make, upstream, header):
    with pytest.raises(RateLimited) as raised:
        await _reply(make(upstream.url), upstream, Script(status=429, headers={"retry-after": header}))

    assert raised.value.retry_after_s is None


async def test_nobody_listening_is_said(make):
    with pytest.raises(ModelUnreachable, match="No answer from Test"):
        await anext(make("http://127.0.0.1:9/v1").stream("m", HI))


async def test_leaving_in_mid_answer_reaches_the_server(make, upstream):
    upstream.then(Script(["a"] * 1000, pace_s=0.01))
    async with aclosing(make(upstream.url).stream("m", HI)) as events:
        async for event in events:
            if not isinstance(event, Start):
                break

    async def gone() -> bool:
        return upstream.calls[0].state == "gone"

    await until(gone, within_s=8)


@pytest.mark.parametrize(
    "page",
    [b"<!doctype html><p>hello", b'{"status":"ok"}', b'{"data":null}', b"[1]", b'{"data":3}', b"{", b"", b"null", b"\xff\xfe"],
)  # fmt: skip
async def test_a_page_that_is_no_list_of_models_is_said_of_that_server_alone(make, upstream, page):
    upstream.models_page = page
    with pytest.raises(NoModelList, match="Test lists no models"):
        await make(upstream.url).offers()


async def test_a_server_of_this_machine_is_asked_directly_and_told_nothing_of_the_environment(
    make, upstream, monkeypatch
):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-of-somebody")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-somebody")
    await make(upstream.url).offers()

    assert "of-somebody" not in str(upstream.calls[-1].headers)


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 10010 tokens.",
        "This model's maximum context length is 8192 tokens. However, you requested 10010 tokens (9000 in the messages).",
        "You passed 10010 input tokens and requested 0 output tokens. However, the model's context length is only 8192.",
        "This model's maximum context length is 8192 tokens. However, your prompt contains at least 10010 input tokens.",
        "prompt is too long: 10010 tokens > 8192 maximum",
    ],
)
async def test_what_is_too_long_is_told_with_the_servers_own_numbers(make, upstream, said):
    with pytest.raises(PromptTooLong, match=r"^This message is too long for m: 10,010 of 8,192 tokens\.$"):
        await _reply(make(upstream.url), upstream, _refusal(400, said))


async def test_a_list_of_models_without_end_is_none_and_fills_no_memory(make):
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"data": [')
        try:
            while True:
                writer.write(b'{"id": "m"},' * 10_000)
                sent += 120_000
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with pytest.raises(NoModelList):
        await make(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1").offers()
    assert sent < 40_000_000
    server.close()
