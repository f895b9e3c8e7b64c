"""Anthropic's own client, unmodified, against the API, over every wire."""

import json

import anthropic
import pytest

from chat_app.messages import Limits
from tests.api.programs import serving
from tests.upstream import Script
from tests.upstream_wires import grew, said, sse

HI = [{"role": "user", "content": "hi"}]
ASKED = {"model": "echo", "max_tokens": 100, "messages": HI}
WEATHER = {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}


async def test_an_answer_streams_to_its_end_with_its_usage(api, upstream):
    upstream.then(Script(["Hel", "lo"]))
    async with api.anthropic() as client, client.messages.stream(**ASKED) as stream:
        words = [text async for text in stream.text_stream]
        message = await stream.get_final_message()

    assert "".join(words) == "Hello"
    assert (message.content[0].text, message.stop_reason, message.role) == ("Hello", "end_turn", "assistant")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 2)


async def test_an_answer_comes_all_at_once(api, upstream):
    upstream.then(Script(["Hel", "lo"]))
    async with api.anthropic() as client:
        message = await client.messages.create(**ASKED)

    assert (message.content[0].text, message.stop_reason, message.type) == ("Hello", "end_turn", "message")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (7, 2)


def _tool_script(wire: str) -> Script:
    if wire == "anthropic":
        block = said("content_block_start", index=1, content_block={"type": "tool_use", "id": "t1", "name": "weather"})
        pieces = [block, grew("partial_json", '{"at"', 1), grew("partial_json", ': "x"}', 1)]
        return Script([*pieces, said("content_block_stop", index=1)], ending="tool_use")
    first = {"index": 0, "id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"at"'}}
    rest = {"index": 0, "function": {"arguments": ': "x"}'}}
    pieces = [sse({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}) for call in (first, rest)]
    return Script(pieces, ending="tool_calls")


async def test_tools_go_out_and_their_calls_come_back(api, upstream):
    upstream.then(_tool_script(api.wire))
    earlier = [
        *HI,
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t0", "name": "weather", "input": {"at": "y"}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t0", "content": [{"type": "text", "text": "rain"}]},
            {"type": "text", "text": "and now?"},
        ]},
    ]  # fmt: skip
    asked = ASKED | {"messages": earlier, "tools": [WEATHER], "tool_choice": {"type": "any"}, "system": "Be brief."}
    async with api.anthropic() as client, client.messages.stream(**asked) as stream:
        message = await stream.get_final_message()
    (call,) = [block for block in message.content if block.type == "tool_use"]
    sent = upstream.chats[-1].body

    assert (call.id, call.name, call.input, message.stop_reason) == ("t1", "weather", {"at": "x"}, "tool_use")
    if api.wire == "anthropic":
        assert sent == asked | {"stream": True}
        return
    assert sent["tool_choice"] == "required"
    assert sent["tools"][0]["function"]["name"] == "weather"
    told = [(message["role"], message["content"]) for message in sent["messages"]]
    assert told == [
        ("system", "Be brief."), ("user", "hi"), ("assistant", None), ("tool", "rain"), ("user", "and now?"),
    ]  # fmt: skip
    assert json.loads(sent["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"at": "y"}


async def test_thoughts_come_as_a_block_before_the_words(tmp_path, upstream):
    thought = sse({"choices": [{"index": 0, "delta": {"reasoning": "hm"}}]})
    upstream.then(Script([thought, "Hello"]), Script([thought, "Hello"]))
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as api, api.anthropic() as client:
        async with client.messages.stream(**ASKED) as stream:
            streamed = await stream.get_final_message()
        whole = await client.messages.create(**ASKED)

    for message in (streamed, whole):
        assert [(block.type, getattr(block, "thinking", "")) for block in message.content] == [
            ("thinking", "hm"), ("text", ""),
        ]  # fmt: skip


async def test_two_calls_whose_pieces_are_mixed_stay_two(tmp_path, upstream):
    def call(index: int, arguments: str, **more: object) -> bytes:
        told = {"index": index, "function": {"arguments": arguments, "name": "f"} if more else {"arguments": arguments}}
        return sse({"choices": [{"index": 0, "delta": {"tool_calls": [told | more]}}]})

    pieces = [call(0, '{"a"', id="x"), call(1, '{"b"', id="y"), call(0, ": 1}"), call(1, ": 2}")]
    upstream.then(Script(pieces, ending="tool_calls"))
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as api, api.http() as client:
        answer = await client.post("/v1/messages", json=ASKED | {"stream": True})
    told = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    grown = [(each["index"], each["delta"]["partial_json"]) for each in told if each["type"] == "content_block_delta"]

    assert grown == [(0, '{"a"'), (1, '{"b"'), (0, ": 1}"), (1, ": 2}")]
    assert [each["content_block"]["id"] for each in told if each["type"] == "content_block_start"] == ["x", "y"]


async def test_a_request_goes_to_its_own_vendor_as_it_is_with_the_version_it_is_written_for(tmp_path, upstream):
    own = ASKED | {"thinking": {"type": "adaptive"}, "temperature": 0.5, "mcp_servers": [], "stream": True}
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "some-beta"}
    upstream.then(Script(["Hi"]))
    async with serving(tmp_path, anthropic_base_url=upstream.url.removesuffix("/v1")) as api, api.http() as client:
        answer = await client.post("/v1/messages", json=own, headers=headers)
    call = upstream.chats[-1]

    assert call.body == own
    assert {name: call.headers[name] for name in headers} == headers
    assert api.key not in call.headers["authorization"]
    assert answer.text.startswith("event: message_start")
    assert answer.text.rstrip().endswith('data: {"type": "message_stop"}')


async def test_a_refusal_is_told_in_the_servers_words_with_the_requests_id(api, upstream):
    upstream.then(Script(status=400, body={"error": {"message": "no k"}}))
    async with api.anthropic() as client:
        with pytest.raises(anthropic.BadRequestError) as raised:
            await client.messages.create(**ASKED)

    assert raised.value.body["error"]["message"] == "no k"
    assert raised.value.body["request_id"] == raised.value.response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"max_tokens": 0}, "max_tokens"), ({"messages": []}, "messages"), ({"messages": [{"role": "x"}]}, "messages[0]")],
)
async def test_what_is_wrong_with_a_request_is_said_with_its_name(vllm, wrong, where):
    async with vllm.http() as client:
        answer = await client.post("/v1/messages", json=ASKED | wrong)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(where)


async def test_no_key_or_a_wrong_one_opens_nothing(vllm):
    async with vllm.anthropic("sk-chat-wrong") as client:
        with pytest.raises(anthropic.AuthenticationError) as raised:
            await client.messages.create(**ASKED)
    async with vllm.http("") as client:
        own = await client.post("/v1/messages", json=ASKED, headers={"authorization": "", "x-api-key": vllm.key})

    assert raised.value.body["error"]["type"] == "authentication_error"
    assert own.status_code == 200  # as its older clients send it


async def test_a_limit_is_told_in_its_own_headers_and_error(vllm):
    key = await vllm.made(limits=Limits(requests_per_minute=1))
    async with vllm.anthropic(key) as client:
        answer = await client.messages.with_raw_response.create(**ASKED)
        with pytest.raises(anthropic.RateLimitError) as raised:
            await client.messages.create(**ASKED)

    told = {name: answer.headers[f"anthropic-ratelimit-requests-{name}"] for name in ("limit", "remaining")}
    assert told == {"limit": "1", "remaining": "0"}
    assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert int(raised.value.response.headers["retry-after"]) >= 1


async def test_tokens_are_counted_by_who_serves_the_model_or_about(api, upstream):
    async with api.anthropic() as client:
        counted = await client.messages.with_raw_response.count_tokens(
            model="echo", messages=HI, system="Be brief.", tools=[WEATHER]
        )
        told = await counted.parse()
    tokens, estimated = told.input_tokens, counted.headers.get("x-estimated")

    expected = {"anthropic": (11, None), "vllm": (9, None)}.get(api.wire)
    assert (tokens, estimated) == expected if expected else (tokens > 5, estimated) == (True, "true")


async def test_the_models_are_listed_as_its_client_reads_them(vllm):
    async with vllm.anthropic() as client:
        models = [model async for model in client.models.list()]
        one = await client.models.retrieve("echo")

    assert "echo" in [model.id for model in models]
    assert (one.id, one.display_name, one.type) == ("echo", "echo", "model")


async def test_what_a_wire_does_not_take_is_told_in_a_header(tmp_path, upstream):
    async with serving(tmp_path, anthropic_base_url=upstream.url.removesuffix("/v1")) as api, api.http() as client:
        body = {"model": "echo", "messages": HI, "temperature": 0.5, "seed": 1}
        answer = await client.post("/v1/chat/completions", json=body)

    assert answer.headers["x-dropped"] == "temperature, seed"


IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({"type": "tool_result", "tool_use_id": "t", "content": [IMAGE]}, "image"),
        (
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]},
            "search_result",
        ),
    ],
)
async def test_what_only_its_own_vendor_understands_is_lost_nowhere(vllm, upstream, block, kind):
    message = {"role": "user", "content": [block, {"type": "text", "text": "what?"}]}
    async with vllm.http() as client:
        answer = await client.post("/v1/messages", json=ASKED | {"messages": [message]})
        counted = await client.post("/v1/messages/count_tokens", json=ASKED | {"messages": [message]})

    assert (answer.status_code, upstream.chats) == (400, [])
    assert f"cannot be sent {kind}" in answer.json()["error"]["message"].replace("No server of echo can", "cannot")
    assert counted.headers["x-estimated"] == "true"


async def test_a_choice_of_a_tool_that_is_the_vendors_own_does_not_go_without_it(vllm, upstream):
    own = {"type": "web_search_20250305", "name": "web_search"}
    for choice in ({"type": "any"}, {"type": "tool", "name": "web_search"}):
        async with vllm.http() as client:
            answer = await client.post("/v1/messages", json=ASKED | {"tools": [own], "tool_choice": choice})
        assert answer.status_code == 200
        assert not {"tools", "tool_choice"} & upstream.chats[-1].body.keys()
        assert "web_search" in answer.headers["x-dropped"]


async def test_what_has_no_place_on_another_wire_is_named(vllm):
    more = {
        "thinking": {"type": "adaptive"},
        "metadata": {"user_id": "u"},
        "output_config": {"effort": "low", "format": {}},
    }
    async with vllm.http() as client:
        answer = await client.post("/v1/messages", json=ASKED | more)

    assert answer.headers["x-dropped"] == "thinking, metadata, output_config.format"


async def test_a_server_that_is_silent_is_not_waited_for_to_count(tmp_path, upstream):
    upstream.count_s = 60
    settings = {"anthropic_base_url": upstream.url.removesuffix("/v1"), "first_token_timeout_s": 0.1}
    async with serving(tmp_path, **settings) as api, api.http() as client:
        answer = await client.post("/v1/messages/count_tokens", json=ASKED)

    assert answer.headers["x-estimated"] == "true"


@pytest.mark.parametrize("content", [{"a": 1}, 7, [7]])
async def test_a_result_of_a_tool_that_is_none_is_said_by_its_place(vllm, content):
    message = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": content}]}
    async with vllm.http() as client:
        answer = await client.post("/v1/messages", json=ASKED | {"messages": [message]})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("messages[0]")


async def test_letters_of_another_code_and_brackets_without_end_are_no_json(vllm):
    async with vllm.http() as client:
        for body in (b'{"model": "\xff"}', b"[" * 100_000):
            assert (await client.post("/v1/messages", content=body)).status_code == 400
