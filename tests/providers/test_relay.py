"""A program's own request reaches a server of its wire as it is, and so does what comes back."""

import json
from contextlib import aclosing

import pytest

from chat_app.errors import AnswerBroken, ModelError, ModelUnreachable, RequestRefused
from chat_app.events import Event, Finish, Relayed, Start, TextDelta
from chat_app.messages import ChatRequest, Usage
from chat_app.providers.anthropic import AnthropicProvider
from chat_app.providers.openai import OpenAIProvider
from tests.upstream import Script, Upstream
from tests.upstream_wires import grew, said, sse

ASKED = {"model": "alias", "messages": [{"role": "user", "content": "hi", "x_own": 1}], "logprobs": True, "top_k": 3}


async def _events(upstream: Upstream, script: Script, **body: object) -> list[Event]:
    upstream.then(script)
    provider = OpenAIProvider(server="Test", base_url=upstream.url, api_key="sk-fake", connect_timeout_s=2)
    request = ChatRequest("echo", (), body=ASKED | body, is_whole=not body.get("stream"))
    try:
        async with aclosing(provider.stream("echo", request)) as events:
            return [event async for event in events]
    finally:
        await provider.aclose()


def _chunk(delta: dict, finish: str | None = None, **more: object) -> dict:
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish, **more}]}


async def test_a_streamed_request_goes_as_it_is_and_its_chunks_come_as_they_are(upstream):
    first = _chunk({"role": "assistant", "content": "He"}, logprobs={"content": [1]})
    last = _chunk({"content": "y"}, "stop")
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    script = Script([sse(first), sse(last), sse(usage)], ending="done")
    events = await _events(upstream, script, stream=True)
    sent = upstream.chats[-1].body

    assert sent == ASKED | {"model": "echo", "stream": True, "stream_options": {"include_usage": True}}
    assert isinstance(events[0], Start)
    relayed = [event for event in events if isinstance(event, Relayed)]
    assert b"".join(event.data for event in relayed) == sse(first) + sse(last)
    assert [delta for event in relayed for delta in event.deltas] == [TextDelta("He"), TextDelta("y")]
    assert events[-1] == Finish("stop", Usage(3, 2))


async def test_the_usage_comes_to_whom_asks_for_it(upstream):
    usage = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
    script = Script([sse(_chunk({"content": "y"}, "stop")), sse(usage)], ending="done")
    events = await _events(upstream, script, stream=True, stream_options={"include_usage": True, "x": 1})

    assert events[-2].data.endswith(sse(usage))
    assert upstream.chats[-1].body["stream_options"] == {"include_usage": True, "x": 1}


async def test_a_request_for_all_at_once_is_one_and_its_answer_comes_as_it_is(upstream):
    answer = {
        "id": "c", "x_own": [1], "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hey"}, "finish_reason": "stop"}],
    }  # fmt: skip
    events = await _events(upstream, Script(whole=answer))

    assert "stream" not in upstream.chats[-1].body
    assert (json.loads(events[1].data), events[1].is_whole) == (answer, True)
    assert events[2] == Finish("stop", Usage(3, 2))


@pytest.mark.parametrize("whole", [{"choices": []}, {"choices": [{"message": {}, "finish_reason": "abort"}]}, "no"])
async def test_an_answer_that_does_not_say_how_it_ended_is_none(upstream, whole):
    with pytest.raises(AnswerBroken):
        await _events(upstream, Script(whole=whole))


@pytest.mark.parametrize(
    "script",
    [
        Script([sse(_chunk({"content": "a"}))], ending="done"),
        Script([sse(_chunk({"content": "a"}))], ending="cut"),
        Script([sse(_chunk({"content": "a"})), sse({"error": {"message": "died"}})], ending="done"),
        Script([b"data: {nope\n\n"]),
    ],
)
async def test_a_stream_that_breaks_off_is_never_relayed_as_a_whole_one(upstream, script):
    with pytest.raises(AnswerBroken):
        await _events(upstream, script, stream=True)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_the_server_does_not_take_is_told_with_its_own_words(upstream, stream):
    script = Script(status=400, body={"error": {"message": "bad top_k", "param": "top_k"}})
    with pytest.raises(RequestRefused) as raised:
        await _events(upstream, script, stream=stream)

    assert '"param": "top_k"' in raised.value.detail


async def test_what_came_before_an_error_is_relayed_first(upstream):
    half, error = sse(_chunk({"content": "half"})), sse({"error": {"message": "died"}})
    upstream.then(Script([half + error], ending="done"))
    provider = OpenAIProvider(server="Test", base_url=upstream.url, api_key="sk-fake", connect_timeout_s=2)
    async with aclosing(provider.stream("echo", ChatRequest("echo", (), body=ASKED))) as events:
        assert isinstance(await anext(events), Start)
        assert (await anext(events)).data == half
        with pytest.raises(AnswerBroken):
            await anext(events)
    await provider.aclose()


async def test_chunks_however_they_are_written_come_as_events_that_any_client_reads(upstream):
    odd = b'data: {"choices":[{"index":0,\r\ndata: "delta":{"content":"a"}}]}\r\n\r\n: keep-alive\n\n'
    last = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
    events = await _events(upstream, Script([odd, last], ending="close"), stream=True)
    relayed = b"".join(event.data for event in events if isinstance(event, Relayed))

    assert relayed == (
        b'data: {"choices":[{"index":0,\ndata: "delta":{"content":"a"}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    )
    assert isinstance(events[-1], Finish)


async def _anthropic(upstream: Upstream, script: Script, **body: object) -> list[Event]:
    upstream.then(script)
    base = upstream.url.removesuffix("/v1")
    provider = AnthropicProvider(server="Test", base_url=base, api_key="sk-fake", connect_timeout_s=2)
    asked = {"model": "alias", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]} | body
    request = ChatRequest("echo", (), body=asked, wire="messages", is_whole=not body.get("stream"))
    try:
        async with aclosing(provider.stream("echo", request)) as events:
            return [event async for event in events]
    finally:
        await provider.aclose()


@pytest.mark.parametrize("stream", [True, False])
async def test_a_pause_for_the_vendors_own_tools_is_an_end_to_whom_knows_them(upstream, stream):
    events = await _anthropic(upstream, Script(["a"], ending="pause_turn"), stream=stream)

    assert isinstance(events[-1], Finish)
    assert b"pause_turn" in b"".join(event.data for event in events if isinstance(event, Relayed))


@pytest.mark.parametrize(
    "script",
    [
        Script(["a"], ending="cut"),
        Script(["a"], ending="close"),
        Script(["a", said("error", error={"type": "overloaded_error", "message": "died"})], ending="done"),
        Script(["a", b"data: {nope\n\n"]),
        Script([b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"\xff"}}\n\n']),
    ],
)
async def test_a_stream_of_anthropics_that_breaks_off_is_never_relayed_as_a_whole_one(upstream, script):
    with pytest.raises(AnswerBroken):
        await _anthropic(upstream, script, stream=True)


async def test_events_of_anthropics_however_they_are_cut_come_whole(upstream):
    world = grew("text", "\u4e16\u754c")
    at = world.index("\u4e16".encode()) + 1
    odd = b'event: content_block_delta\r\ndata: {"type":"content_block_delta",\r\ndata: "index":0}\r\n\r\n: keep\n\n'
    events = await _anthropic(
        upstream, Script([world[:at], world[at:], odd + grew("text", "!")], pace_s=0.02), stream=True
    )
    relayed = [event for event in events if isinstance(event, Relayed)]

    assert "".join(delta.text for event in relayed for delta in event.deltas) == "\u4e16\u754c!"
    assert world in b"".join(event.data for event in relayed)


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refusal_in_letters_of_another_code_is_told_all_the_same(upstream, status):
    with pytest.raises(ModelError):
        await _events(upstream, Script(status=status, body=b'{"error": "\xff\xfe"}'))


async def test_a_server_that_sends_round_in_a_circle_does_not_answer(upstream):
    upstream.default = Script(status=307, headers={"location": f"{upstream.url}/chat/completions"})
    with pytest.raises(ModelUnreachable):
        await _events(upstream, upstream.default)
