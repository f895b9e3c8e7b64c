"""The Messages wire: what goes over it, what comes back, and what a server may do."""

from contextlib import aclosing

import pytest

from chat_app.events import Finish, Reply, Start
from chat_app.messages import (
    ChatRequest,
    Message,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from chat_app.parameters import named
from chat_app.providers.anthropic import AnthropicProvider
from chat_app.providers.base import GO_ON
from tests.upstream import Script, Upstream
from tests.upstream_wires import grew, said

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
    assert upstream.calls[0].headers["anthropic-version"] == "2026-10-21"


GOOD = {
    "events of a later version": [said("something_new", index=3), grew("text", "世界")],
    "deltas of a later version": [grew("something_new", "x"), grew("text", "世界")],
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
    assert reply.finish.usage == Usage(17, 1, 5, 4, 2)


async def test_what_the_wire_does_not_take_is_dropped_and_said(upstream):
    parameters = {
        "temperature": 0.5, "top_p": 0.9, "seed": 3, "max_tokens": 50, "stop": ["END", "\n"],
        "top_k": 5, "reasoning_effort": "high", "metadata": {"user_id": "u"}, "logit_bias": {},
    }  # fmt: skip
    start, _ = await _ask(upstream, Script(), ChatRequest("m", (HI,), parameters))

    wanted = {
        "max_tokens": 50, "stop_sequences": ["END"], "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
        "metadata": {"user_id": "u"}, "cache_control": {"type": "ephemeral"},
    }  # fmt: skip
    assert start.sent == wanted
    assert sorted(start.dropped) == ["logit_bias", "seed", "stop", "temperature", "top_k", "top_p"]
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
    asked = provider.parameters("m", ChatRequest("m", (HI,), {"max_tokens": 500}))
    await provider.aclose()

    assert [(offer.model, offer.context_tokens) for offer in offers] == [("m", 200_000)]
    assert [sent["max_tokens"] for sent, _, _ in (unknown, known, asked)] == [8192, 100, 100]
    assert [clamped for _, _, clamped in (unknown, known, asked)] == [{}, {}, {"max_tokens": 500}]


@pytest.mark.parametrize("effort", ["none", "minimal"])
async def test_an_effort_that_the_wire_does_not_know_is_dropped_and_said(upstream, effort):
    start, _ = await _ask(upstream, Script(), ChatRequest("m", (HI,), {"reasoning_effort": effort}))

    assert (start.dropped, "output_config" in start.sent) == (("reasoning_effort",), False)


async def test_an_effort_goes_beside_whatever_else_is_said_of_the_output_and_blank_stops_not_at_all(upstream):
    asked = {"reasoning_effort": "low", "output_config": {"task_budget": 5}, "stop": [" "]}
    start, _ = await _ask(upstream, Script(), ChatRequest("m", (HI,), asked))

    assert start.sent["output_config"] == {"effort": "low", "task_budget": 5}
    assert ("stop_sequences" in start.sent, start.dropped) == (False, ("stop",))


async def test_a_deployments_own_bound_and_stops_go_by_their_names_on_the_wire(upstream):
    own = named({"max_tokens": 50, "stop_sequences": ["END"]})
    start, _ = await _ask(upstream, Script(), ChatRequest("m", (HI,), own))

    assert (start.sent["max_tokens"], start.sent["stop_sequences"], start.dropped) == (50, ["END"], ())


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
