"""Tools and signed thoughts go both ways, by OpenAI's own client."""

import json

import pytest

from tests.api.programs import serving
from tests.upstream import Script
from tests.upstream_wires import grew, said, sse

HI = [{"role": "user", "content": "hi"}]
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "d", "parameters": {"type": "object", "properties": {}}},
}


async def test_tools_go_out_and_their_calls_come_back_in_both_ways(api, upstream):
    if api.wire == "anthropic":
        block = said("content_block_start", index=1, content_block={"type": "tool_use", "id": "t1", "name": "weather"})
        pieces = [block, grew("partial_json", '{"at"', 1), grew("partial_json", ': "x"}', 1)]
        script = Script(pieces, ending="tool_use")
    else:
        first = {"index": 0, "id": "t1", "type": "function", "function": {"name": "weather", "arguments": '{"at"'}}
        rest = {"index": 0, "function": {"arguments": ': "x"}'}}
        pieces = [sse({"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [c]}}]}) for c in (first, rest)]
        script = Script(pieces, ending="tool_calls")
    upstream.then(script)
    earlier = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "t0", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "t0", "content": "rain"},
    ]  # fmt: skip
    async with api.openai() as client:
        stream = await client.chat.completions.create(
            model="echo", messages=earlier, tools=[WEATHER], tool_choice="required", stream=True
        )
        calls = [c.choices[0].delta.tool_calls[0] async for c in stream if c.choices and c.choices[0].delta.tool_calls]
    sent = upstream.chats[-1].body

    assert [call.index for call in calls] == [0] * len(calls)
    assert (calls[0].id, calls[0].function.name) == ("t1", "weather")
    assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"at": "x"}
    if api.wire == "anthropic":
        assert sent["tool_choice"] == {"type": "any"}
        assert sent["messages"][-1]["content"][0]["tool_use_id"] == "t0"
    else:
        assert (sent["messages"], sent["tools"]) == (earlier, [WEATHER])


@pytest.mark.parametrize("stream", [True, False])
async def test_claudes_signed_thoughts_come_and_go_back_with_the_tool_that_was_called(tmp_path, upstream, stream):
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"}, {"type": "redacted_thinking", "data": "c2Vj"},
    ]  # fmt: skip
    tool = {"type": "tool_use", "id": "t1", "name": "weather"}
    pieces = [
        grew("thinking", "", 1),
        grew("thinking", "h", 1), grew("thinking", "m", 1), grew("signature", "c2ln", 1),
        said("content_block_start", index=2, content_block=thoughts[1]),
        said("content_block_start", index=3, content_block=tool), grew("partial_json", "{}", 3),
    ]  # fmt: skip
    upstream.then(Script(pieces, ending="tool_use"))
    asked = {"model": "echo", "tools": [WEATHER], "reasoning_effort": "low"}
    where = upstream.url.removesuffix("/v1")
    async with serving(tmp_path, anthropic_base_url=where) as api, api.openai() as client:
        answer = await client.chat.completions.create(**asked, messages=HI, stream=stream)
        if stream:
            deltas = [chunk.choices[0].delta.model_extra or {} async for chunk in answer if chunk.choices]
            blocks = [block for delta in deltas for block in delta.get("thinking_blocks", ())]
            call = {"id": "t1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call], "thinking_blocks": blocks}
        else:
            message = answer.choices[0].message.model_dump()
        result = {"role": "tool", "tool_call_id": "t1", "content": "rain"}
        await client.chat.completions.create(**asked, messages=[*HI, message, result])

    assert message["thinking_blocks"] == thoughts
    assert upstream.chats[-1].body["messages"][1]["content"][:2] == thoughts
