"""The gateway before a real vLLM, asked by the vendors' own clients."""

import asyncio
import re
from collections.abc import AsyncIterator

import openai
import pytest

from tests.api.programs import Api, serving
from tests.vllm.conftest import Vllm
from tests.waiting import until

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
SCHEMA = {
    "type": "object", "properties": {"capital": {"type": "string", "maxLength": 8}},
    "required": ["capital"], "additionalProperties": False,
}  # fmt: skip


@pytest.fixture
async def api(vllm: Vllm, tmp_path) -> AsyncIterator[Api]:
    async with serving(tmp_path, vllm_base_url=(f"{vllm.url}/v1",)) as made:
        await made.services.catalogue.refresh()
        yield made


async def test_it_answers_streamed_and_at_once_with_its_own_count_of_tokens(api):
    async with api.openai() as client:
        whole = await client.chat.completions.create(model="tiny", messages=QUESTION, temperature=0)
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                model="tiny", messages=QUESTION, temperature=0, stream=True, stream_options={"include_usage": True}
            )
        ]
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    assert "Paris" in words
    assert words == whole.choices[0].message.content
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens > 5
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


async def test_its_own_parameters_reach_it(api):
    async with api.openai() as client:
        seeded = [
            await client.chat.completions.create(
                model="tiny", messages=QUESTION, temperature=1.5, seed=7, max_tokens=12,
                extra_body={"top_k": 50, "min_p": 0.01, "repetition_penalty": 1.1, "ignore_eos": True},
            )
            for _ in range(2)
        ]  # fmt: skip
        greedy = await client.chat.completions.create(
            model="tiny", messages=QUESTION, temperature=2, extra_body={"top_k": 1}
        )
        shaped = await client.chat.completions.create(
            model="tiny",
            messages=QUESTION,
            max_tokens=200,
            temperature=0,
            extra_body={"structured_outputs": {"choice": ["Rome", "Lisbon"]}},
        )
        thinking = await client.chat.completions.create(
            model="tiny",
            messages=QUESTION,
            max_tokens=5,
            extra_body={"chat_template_kwargs": {"enable_thinking": True}},
        )
        formed = await client.chat.completions.create(
            model="tiny", messages=QUESTION, max_tokens=200, temperature=0,
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
        )  # fmt: skip
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(model="tiny", messages=QUESTION, extra_body={"top_k": "many"})

    assert seeded[0].choices[0].message.content == seeded[1].choices[0].message.content
    assert seeded[0].usage.completion_tokens == 12  # it went on over its end
    assert "Paris" in greedy.choices[0].message.content  # of one word to choose from it is always that
    assert shaped.choices[0].message.content in ("Rome", "Lisbon")
    assert thinking.usage.prompt_tokens != greedy.usage.prompt_tokens  # its template leaves the empty thought out
    assert re.match(
        r'\s*\{\s*"capital"\s*:\s*"', formed.choices[0].message.content
    )  # the tiny model may not find its end
    assert "top_k" in str(raised.value)


async def test_anthropics_client_reaches_it_and_its_tokens_are_counted_as_it_counts_them(api):
    async with api.anthropic() as client:
        message = await client.messages.create(model="tiny", max_tokens=40, messages=QUESTION)
        async with client.messages.stream(model="tiny", max_tokens=40, messages=QUESTION) as stream:
            streamed = await stream.get_final_message()
        counted = await client.messages.count_tokens(model="tiny", messages=QUESTION)

    assert "Paris" in message.content[0].text
    assert "Paris" in streamed.content[0].text
    assert counted.input_tokens == message.usage.input_tokens == streamed.usage.input_tokens


async def test_a_caller_who_leaves_is_left_in_mid_stream_and_where_all_is_wanted_at_once(api, vllm):
    endless = {"model": "tiny", "messages": QUESTION, "max_tokens": 20_000, "ignore_eos": True}

    async def more(than: float) -> bool:
        return await asyncio.to_thread(vllm.generated) > than + 20

    async def left(times: int) -> bool:
        return await asyncio.to_thread(vllm.aborted) == before + times

    before, made = vllm.aborted(), vllm.generated()
    async with api.http() as client:
        async with client.stream("POST", "/v1/chat/completions", json=endless | {"stream": True}) as answer:
            pieces = answer.aiter_bytes()  # held: closed, it would leave
            await anext(pieces)
            await until(lambda: more(made))
        await until(lambda: left(1))
        made = vllm.generated()
        asking = asyncio.create_task(client.post("/v1/chat/completions", json=endless))
        await until(lambda: more(made))
        asking.cancel()
        await until(lambda: left(2))
    rows = api.services.usage

    async def cancelled() -> bool:
        return [row.status async for row in rows.rows("local", 0)] == ["cancelled", "cancelled"]

    await until(cancelled)


async def test_it_says_how_busy_it_is(api):
    (provider,) = [server for server in api.services.catalogue._configured if server.kind == "vllm"]
    load = await provider.load()

    assert (load.waiting, 0 <= load.cache_usage < 1) == (0, True)


async def test_a_prompt_over_its_context_is_refused_with_its_numbers(api):
    async with api.openai() as client:
        with pytest.raises(openai.BadRequestError) as raised:
            await client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x " * 40_000}])

    assert raised.value.code == "context_length_exceeded"
    assert "32768" in str(raised.value)
