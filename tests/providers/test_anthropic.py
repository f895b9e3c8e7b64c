"""The Messages wire: what goes over it, what comes back, and what a server may do."""

from contextlib import aclosing

import pytest

from chat_app.errors import (
    AnswerBroken,
    KeyRefused,
    ModelError,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    Overloaded,
    PromptTooLong,
    RateLimited,
)
from chat_app.events import Finish, Reply, Start
from chat_app.messages import (
    ChatRequest,
    Message,
    Parameters,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from chat_app.providers.anthropic import AnthropicProvider
from chat_app.providers.base import GO_ON
from tests.upstream import Script, Upstream, grew, said
from tests.waiting import until

KEY = "sk-ant-fake-key"
HI = Message("user", (TextPart("hi"),))


def _provider(upstream: Upstream) -> AnthropicProvider:
    url = upstream.url.removesuffix("/v1")
    return AnthropicProvider(server="Test", base_url=url, api_key=KEY, connect_timeout_s=2)


async def _ask(upstream: Upstream, script: Script, request: ChatRequest | None = None) -> tuple[Start, Reply]:
    upstream.then(script)
    provider, reply, start = _provider(upstream), Reply(), None
    try:
        async with aclosing(provider.stream("m", request or ChatRequest("m", (HI,)))) as events:
            async for event in events:
                start = start or event
                reply.apply(event)
    finally:
        await provider.aclose()
    assert isinstance(start, Start)
    return start, reply


async def test_text_and_usage_come_through(upstream):
    _, reply = await _ask(upstream, Script(["Hel", "lo ", "世界"]))

    assert reply.parts == (TextPart("Hello 世界"),)
    assert reply.finish == Finish("stop", Usage(7, 3))
    assert KEY in upstream.calls[0].headers["authorization"]


_UTF8 = grew("text", "世界")
GOOD = {
    "a character cut in two": [_UTF8[:-30], _UTF8[-30:-12], _UTF8[-12:]],
    "several events in a piece": [grew("text", "世") + grew("text", "界")],
    "CRLF": [_UTF8.replace(b"\n", b"\r\n")],
    "pings": [said("ping"), _UTF8, said("ping")],
    "events of a later version": [said("something_new", index=3), _UTF8],
    "deltas of a later version": [grew("something_new", "x"), _UTF8],
}


@pytest.mark.parametrize("pieces", GOOD.values(), ids=GOOD.keys())
async def test_a_well_formed_stream_is_understood_however_it_comes(upstream, pieces):
    assert (await _ask(upstream, Script(pieces)))[1].parts == (TextPart("世界"),)


async def test_thoughts_come_with_their_signature_and_those_that_are_not_shown_as_well(upstream):
    pieces = [
        grew("thinking", "h"),
        grew("thinking", "m"),
        grew("signature", "c2ln"),
        said("content_block_start", index=1, content_block={"type": "redacted_thinking", "data": "c2Vj"}),
        grew("thinking", "and"),
        grew("text", "So.", 2),
    ]
    _, reply = await _ask(upstream, Script(pieces))

    thoughts = [(p.text, p.signature, p.redacted) for p in reply.parts if isinstance(p, ReasoningPart)]
    assert thoughts == [("hm", "c2ln", ""), ("", "", "c2Vj"), ("and", "", "")]
    assert reply.parts[-1] == TextPart("So.")
    assert Reply(reply.parts).parts == reply.parts


async def test_tool_calls_come_in_pieces(upstream):
    pieces = [
        said("content_block_start", index=1, content_block={"type": "tool_use", "id": "c1", "name": "f", "input": {}}),
        grew("partial_json", '{"a"', 1),
        grew("partial_json", ": 1}", 1),
    ]
    _, reply = await _ask(upstream, Script(pieces, ending="tool_use"))

    assert reply.parts == (ToolCallPart("c1", "f", '{"a": 1}'),)
    assert reply.finish is not None
    assert reply.finish.reason == "tool_calls"


@pytest.mark.parametrize(
    ("told", "reason"),
    [("max_tokens", "length"), ("model_context_window_exceeded", "length"), ("stop_sequence", "stop"), ("refusal", "content_filter")],
)  # fmt: skip
async def test_why_an_answer_ended_is_told_as_on_every_wire(upstream, told, reason):
    _, reply = await _ask(upstream, Script(["x"], ending=told))

    assert reply.finish is not None
    assert reply.finish.reason == reason


async def test_tokens_from_and_into_the_cache_count_as_input(upstream):
    usage = {
        "input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 4},
    }  # fmt: skip
    _, reply = await _ask(upstream, Script([said("message_delta", delta={}, usage=usage), "x"]))

    assert reply.finish is not None
    assert reply.finish.usage == Usage(17, 1, 5, 4)


BROKEN = {
    "cut": Script(["a", "b"], ending="cut"),
    "a clean early end": Script(["a"], ending="close"),
    "an end without a reason": Script(["a"], ending="done"),
    "a pause for the server's own tools": Script(["a"], ending="pause_turn"),
    "an error event": Script(["a", said("error", error={"type": "overloaded_error", "message": f"no {KEY}"})]),
    "malformed JSON": Script(["a", b"data: {nope\n\n"]),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
async def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(upstream, script):
    with pytest.raises(AnswerBroken, match="broke off") as raised:
        await _ask(upstream, script)

    assert KEY not in raised.value.detail


def _error(kind: str, message: str) -> dict:
    return {"type": "error", "error": {"type": kind, "message": message}}


REFUSED = {
    "401": (Script(status=401, body=_error("authentication_error", f"invalid {KEY}")), KeyRefused),
    "403": (Script(status=403, body=_error("permission_error", "no")), KeyRefused),
    "404": (Script(status=404, body=_error("not_found_error", "model: m")), ModelUnknown),
    "429": (Script(status=429, body=_error("rate_limit_error", "slow"), headers={"retry-after": "20"}), RateLimited),
    "400 over the context": (
        Script(status=400, body=_error("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")),
        PromptTooLong,
    ),
    "400": (Script(status=400, body=_error("invalid_request_error", "bad")), ModelFailed),
    "500": (Script(status=500, body=b"<html>oops"), ModelFailed),
    "529": (Script(status=529, body=_error("overloaded_error", "Overloaded")), Overloaded),
}


@pytest.mark.parametrize(("script", "error"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refusal_is_told_by_its_kind_and_asked_only_once(upstream, script, error):
    with pytest.raises(ModelError) as raised:
        await _ask(upstream, script)

    assert type(raised.value) is error
    assert len(upstream.calls) == 1
    assert KEY not in str(raised.value) + raised.value.detail
    assert raised.value.retry_after_s == (20 if error is RateLimited else None)


async def test_nobody_listening_is_said():
    provider = AnthropicProvider(server="Test", base_url="http://127.0.0.1:9", api_key=KEY, connect_timeout_s=2)
    with pytest.raises(ModelUnreachable, match="No answer from Test"):
        await anext(provider.stream("m", ChatRequest("m", (HI,))))
    await provider.aclose()


async def test_leaving_in_mid_answer_reaches_the_server(upstream):
    upstream.then(Script(["a"] * 1000, pace_s=0.01))
    provider = _provider(upstream)
    async with aclosing(provider.stream("m", ChatRequest("m", (HI,)))) as events:
        async for event in events:
            if not isinstance(event, Start):
                break

    async def gone() -> bool:
        return upstream.calls[0].state == "gone"

    await until(gone, within_s=1)
    await provider.aclose()


async def test_what_the_wire_does_not_take_is_dropped_and_said(upstream):
    parameters = Parameters(
        temperature=0.5, top_p=0.9, seed=3, max_output_tokens=50, stop=("END", "\n"),
        extra={"top_k": 5, "reasoning_effort": "high", "metadata": {"user_id": "u"}, "logit_bias": {}},
    )  # fmt: skip
    start, _ = await _ask(upstream, Script(), ChatRequest("m", (HI,), parameters))

    wanted = {
        "max_tokens": 50, "stop_sequences": ["END"], "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
        "metadata": {"user_id": "u"}, "cache_control": {"type": "ephemeral"},
    }  # fmt: skip
    assert start.sent == wanted
    assert sorted(start.dropped) == ["logit_bias", "seed", "temperature", "top_k", "top_p"]
    body = upstream.calls[0].body
    assert body == wanted | {
        "model": "m", "stream": True, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }  # fmt: skip


async def test_max_tokens_is_always_there_and_never_above_what_the_model_can(upstream):
    upstream.models[:] = [{"id": "m", "type": "model", "max_input_tokens": 200_000, "max_tokens": 100}]
    provider = _provider(upstream)
    unknown = provider.parameters("m", ChatRequest("m", (HI,)))
    offers = await provider.offers()
    known = provider.parameters("m", ChatRequest("m", (HI,)))
    asked = provider.parameters("m", ChatRequest("m", (HI,), Parameters(max_output_tokens=500)))
    await provider.aclose()

    assert [(offer.model, offer.context_tokens) for offer in offers] == [("m", 200_000)]
    assert [sent["max_tokens"] for sent, _ in (unknown, known, asked)] == [8192, 100, 100]
    assert [dropped for _, dropped in (unknown, known, asked)] == [(), (), ("max_tokens: 500",)]


async def test_system_tools_and_their_results_have_their_own_places(upstream):
    thought = ReasoningPart("hm", 5, "c2ln")
    messages = (
        Message("system", (TextPart("Be brief."),)),
        HI,
        Message("assistant", (ReasoningPart("unsigned"), TextPart("Hello."))),
        Message("user", (TextPart("weather?"),)),
        Message("assistant", (thought, ReasoningPart("", redacted="c2Vj"), ToolCallPart("c1", "look", '{"at": 1}'))),
        Message("tool", (ToolResultPart("c1", "rain", is_error=True),)),
        Message("assistant", ()),
    )
    tools = (Tool("look", "Look up.", {"type": "object"}),)
    await _ask(upstream, Script(), ChatRequest("m", messages, tools=tools, tool_choice="look"))

    body = upstream.calls[0].body
    assert body["system"] == "Be brief."
    assert body["tools"] == [{"name": "look", "description": "Look up.", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "tool", "name": "look"}
    assert body["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "user", "content": [{"type": "text", "text": "weather?"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "c2Vj"},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": 1}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain", "is_error": True}],
        },
    ]


@pytest.mark.parametrize(("text", "wanted"), [("", {}), ("{nope", {"arguments": "{nope"}), ("[1]", {"arguments": [1]})])
async def test_arguments_that_are_no_object_are_put_into_one(upstream, text, wanted):
    messages = (HI, Message("assistant", (ToolCallPart("c1", "f", text),)))
    await _ask(upstream, Script(), ChatRequest("m", messages))

    assert upstream.calls[0].body["messages"][1]["content"][0]["input"] == wanted


async def test_an_answer_goes_on_by_asking(upstream):
    broken_off = (HI, Message("assistant", (TextPart("one tw"),)))
    await _ask(upstream, Script(), ChatRequest("m", broken_off, continue_final=True))

    last = upstream.calls[0].body["messages"][-1]
    assert last == {"role": "user", "content": [{"type": "text", "text": GO_ON}]}


@pytest.mark.parametrize("page", [b"<!doctype html>", b'{"data": 3}', b"null", b"\xff"])
async def test_a_page_that_is_no_list_of_models_is_a_failure_of_that_server_alone(upstream, page):
    upstream.models_page = page
    provider = _provider(upstream)
    with pytest.raises(ModelFailed, match="Test lists no models"):
        await provider.offers()
    await provider.aclose()
