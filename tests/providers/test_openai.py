"""One table of what a server may do, and what becomes of it."""

import json
from contextlib import aclosing

import pytest

from chat_app.errors import (
    AnswerBroken,
)
from chat_app.events import Finish, Reply, Start
from chat_app.gateway.discovery import configured_providers
from chat_app.messages import (
    ChatRequest,
    MediaPart,
    Message,
    ReasoningPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from chat_app.providers.base import GO_ON
from chat_app.providers.openai import OpenAIProvider
from chat_app.providers.qwen import QwenProvider
from chat_app.providers.vllm import VllmProvider
from tests.conftest import make_settings
from tests.upstream import Script, Upstream
from tests.upstream_wires import chunk, sse

KEY = "sk-fake-key"


def _provider(url: str, kind=OpenAIProvider) -> OpenAIProvider:
    return kind(server="Test", base_url=url, api_key=KEY, connect_timeout_s=2)


def _request(**changes) -> ChatRequest:
    return ChatRequest("m", (Message("user", (TextPart("hi"),)),), **changes)


async def _reply(upstream: Upstream, script: Script, kind=OpenAIProvider, request: ChatRequest | None = None) -> Reply:
    upstream.then(script)
    provider, reply = _provider(upstream.url, kind), Reply()
    try:
        async with aclosing(provider.stream("m", request or _request())) as events:
            async for event in events:
                reply.apply(event)
    finally:
        await provider.aclose()
    return reply


async def _until_broken(upstream: Upstream) -> Reply:
    provider, reply = _provider(upstream.url), Reply()
    try:
        async with aclosing(provider.stream("m", _request())) as events:
            async for event in events:
                reply.apply(event)
    except AnswerBroken:
        return reply
    finally:
        await provider.aclose()
    raise AssertionError("it did not break")


async def test_text_and_usage_come_through(upstream):
    reply = await _reply(upstream, Script(["Hel", "lo ", "世界"]))

    assert reply.parts == (TextPart("Hello 世界"),)
    assert reply.finish == Finish("stop", Usage(7, 3))


GOOD = {
    "null fields": [
        sse({"choices": [{"delta": {"content": "世界", "tool_calls": None, "reasoning": None}}], "usage": None})
    ],
    "an empty first delta": [chunk({"role": "assistant", "content": ""}), chunk({"content": "世界"})],
}


@pytest.mark.parametrize("pieces", GOOD.values(), ids=GOOD.keys())
async def test_a_well_formed_stream_is_understood_however_it_comes(upstream, pieces):
    assert (await _reply(upstream, Script(pieces))).parts == (TextPart("世界"),)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_comes_by_either_name(upstream, name):
    reply = await _reply(upstream, Script([chunk({name: "hm"}), "So."]))

    assert [type(part) for part in reply.parts] == [ReasoningPart, TextPart]


async def test_reasoning_comes_in_tags(upstream):
    reply = await _reply(upstream, Script(["<thi", "nk>hm</th", "ink>\n\nSo."]))

    assert [part.text for part in reply.parts if isinstance(part, ReasoningPart | TextPart)] == ["hm", "So."]


async def test_tool_calls_come_in_pieces(upstream):
    first = {"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}]}
    second = {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}
    reply = await _reply(upstream, Script([chunk(first), chunk(second)], ending="tool_calls"))

    assert reply.parts == (ToolCallPart("c1", "f", '{"a": 1}'),)
    assert reply.finish is not None
    assert reply.finish.reason == "tool_calls"


async def test_what_was_sent_is_told_and_unset_parameters_are_not_sent(upstream):
    upstream.then(Script())
    provider = _provider(upstream.url)
    request = _request(parameters={"temperature": 0, "stop": ["x"], "max_tokens": 5})
    async with aclosing(provider.stream("m", request)) as events:
        start = await anext(events)
        async for _ in events:
            pass
    await provider.aclose()

    wanted = {"temperature": 0, "stop": ["x"], "max_tokens": 5}
    assert isinstance(start, Start)
    assert start.sent == wanted
    body = upstream.calls[0].body
    assert {key: body[key] for key in wanted} == wanted
    assert set(body) == {*wanted, "model", "messages", "stream", "stream_options"}
    assert upstream.calls[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("ending", "most", "clamped"),
    [("length", 9, {"max_tokens": 9}), ("length", 3, {}), ("length", None, {}), ("finish", 9, {})],
)
async def test_what_a_server_cut_without_a_word_is_told_by_where_it_ended(upstream, ending, most, clamped):
    request = _request(parameters={"max_tokens": most})
    reply = await _reply(upstream, Script(["a", "b", "c"], ending=ending), VllmProvider, request)

    assert reply.finish.clamped == clamped


BROKEN_OFF = (Message("user", (TextPart("count"),)), Message("assistant", (TextPart("one tw"),)))


async def test_an_answer_goes_on_by_vllms_own_way(upstream):
    await _reply(upstream, Script(), VllmProvider, ChatRequest("m", BROKEN_OFF, continue_final=True))

    body = upstream.calls[0].body
    assert body["messages"][-1] == {"role": "assistant", "content": "one tw"}
    assert (body["continue_final_message"], body["add_generation_prompt"]) == (True, False)


async def test_an_answer_goes_on_by_asking_elsewhere(upstream):
    await _reply(upstream, Script(), OpenAIProvider, ChatRequest("m", BROKEN_OFF, continue_final=True))

    assert upstream.calls[0].body["messages"][-1] == {"role": "user", "content": GO_ON}


async def test_models_come_with_their_context(upstream):
    provider = _provider(upstream.url)
    offers = await provider.offers()
    await provider.aclose()

    assert [(offer.model, offer.context_tokens) for offer in offers] == [("echo", 8192)]


async def test_an_adapter_has_the_room_of_what_it_stands_on(upstream):
    upstream.models.append({"id": "pirate", "parent": "echo", "max_model_len": None})
    provider = _provider(upstream.url)
    offers = await provider.offers()
    await provider.aclose()

    assert (offers[1].parent, offers[1].context_tokens) == ("echo", 8192)


async def test_entries_that_are_no_models_are_passed_over(upstream):
    upstream.models[:] = [{"id": 5}, {"name": "x"}, "a", None, {"id": "good"}]
    provider = _provider(upstream.url)
    offers = await provider.offers()
    await provider.aclose()

    assert [offer.model for offer in offers] == ["good"]


@pytest.mark.parametrize(
    "ending", [sse({"error": {"message": "engine died"}}), b"data: {nope\n\n"], ids=["an error", "malformed"]
)
async def test_words_that_come_in_one_piece_with_an_error_are_kept(upstream, ending):
    upstream.then(Script([chunk({"content": "Hello "}) + chunk({"content": "world <"}) + ending]))
    reply = await _until_broken(upstream)

    assert reply.parts == (TextPart("Hello world <"),)


@pytest.mark.parametrize("ending", ["cut", "close", "done"])
async def test_words_that_were_held_back_are_kept_however_the_stream_ends(upstream, ending):
    upstream.then(Script(["<thi"], ending=ending))
    reply = await _until_broken(upstream)

    assert reply.parts == (TextPart("<thi"),)


@pytest.mark.parametrize(
    ("told", "context"),
    [({"meta": {"n_ctx_train": 4096}}, 4096), ({"max_model_len": "?"}, None), ({"meta": None}, None), ({}, None)],
)
async def test_a_context_is_known_where_a_server_tells_it(upstream, told, context):
    upstream.models[:] = [{"id": "m", "object": "model"} | told]
    provider = _provider(upstream.url)
    offers = await provider.offers()
    await provider.aclose()

    assert [offer.context_tokens for offer in offers] == [context]


def test_the_wire_is_json():
    assert json.loads(chunk({"content": "x"}).removeprefix(b"data: "))["choices"][0]["delta"] == {"content": "x"}


async def test_tools_and_their_results_have_their_own_places(upstream):
    messages = (
        Message("user", (TextPart("weather?"),)),
        Message("assistant", (ToolCallPart("c1", "look", '{"at": 1}'), ToolCallPart("c2", "look", "{}"))),
        Message("tool", (ToolResultPart("c1", "rain"), ToolResultPart("c2", "sun"))),
    )
    tools = (Tool("look", "Look up.", {"type": "object"}),)
    await _reply(upstream, Script(), request=ChatRequest("m", messages, tools=tools, tool_choice="look"))
    await _reply(upstream, Script(), request=ChatRequest("m", messages, tools=tools, tool_choice="required"))

    body = upstream.calls[0].body
    function = {"name": "look", "description": "Look up.", "parameters": {"type": "object"}}
    assert body["tools"] == [{"type": "function", "function": function}]
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}
    assert upstream.calls[1].body["tool_choice"] == "required"
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    assert body["messages"][1]["content"] is None
    assert body["messages"][1]["tool_calls"][0] == call
    assert body["messages"][2:] == [
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "tool", "tool_call_id": "c2", "content": "sun"},
    ]


async def test_qwens_own_parameters_go_as_they_are_and_a_region_that_lists_nothing_offers_nothing(upstream):
    extra = {"enable_thinking": True, "thinking_budget": 100, "enable_search": True, "top_k": 5}
    request = _request(parameters=extra | {"max_tokens": 5})
    await _reply(upstream, Script(), QwenProvider, request)
    upstream.models_status = 404
    provider = _provider(upstream.url, QwenProvider)
    offers = await provider.offers()
    await provider.aclose()

    body = upstream.calls[0].body
    assert {name: body[name] for name in extra} == extra
    assert body["max_tokens"] == 5
    assert offers == []


async def test_the_vendor_gets_none_of_what_other_servers_added_to_its_wire_and_they_get_all():
    asked = {"temperature": 0.5, "max_tokens": 9, "top_k": 3, "reasoning_effort": "low"}
    body = {"top_k": 3, "max_tokens": 9, "messages": []}
    written, passed_on = [], []
    for url in ("https://api.openai.com/v1", "http://127.0.0.1:8080/v1"):
        provider = OpenAIProvider(server="x", base_url=url, api_key="sk-fake", connect_timeout_s=1)
        written.append(provider.parameters(ChatRequest("m", (), asked)))
        passed_on.append(provider.as_taken(body))
        await provider.aclose()

    rest = {"reasoning_effort": "low", "temperature": 0.5}
    assert written[0] == (rest | {"max_completion_tokens": 9}, ("top_k",))
    assert written[1] == (rest | {"max_tokens": 9, "top_k": 3}, ())
    assert passed_on == [({"max_completion_tokens": 9, "messages": []}, ("top_k",)), (body, ())]


@pytest.mark.parametrize(("setting", "name"), [("openai", "max_completion_tokens"), ("dashscope", "max_tokens")])
async def test_at_a_companys_own_door_the_most_tokens_go_by_the_name_that_its_vendor_has(tmp_path, setting, name):
    places = {f"{setting}_base_url": "http://10.0.0.1/v1", f"{setting}_api_key": "sk-fake"}
    (provider,) = configured_providers(make_settings(tmp_path, **places))
    sent, _ = provider.parameters(ChatRequest("m", (), {"max_tokens": 9}))
    await provider.aclose()

    assert sent == {name: 9}


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(5, 3)),
        ({"prompt_tokens": -5, "completion_tokens": 3}, Usage(None, 3)),
        ({"prompt_tokens": 5, "completion_tokens": -3}, Usage(5)),
    ],
)
async def test_counts_of_tokens_that_cannot_be_are_unknown(upstream, usage, wanted):
    script = Script(["a", chunk({}, "stop"), sse({"choices": [], "usage": usage})], ending="done")

    assert (await _reply(upstream, script)).finish.usage == wanted


def test_the_vendor_itself_reads_pdfs_and_others_of_its_wire_do_not():
    pdf = MediaPart("file", "application/pdf", "a.pdf", data="JVBERi0=")
    request = ChatRequest("m", (Message("user", (pdf, TextPart("sum up"))),))
    vendor = _provider("https://api.openai.com/v1")

    (message,) = vendor.wire_messages(request)
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}
    assert message["content"] == [{"type": "file", "file": file}, {"type": "text", "text": "sum up"}]
    assert "application/pdf" in vendor.takes
    assert "application/pdf" not in _provider("http://127.0.0.1:1/v1").takes
