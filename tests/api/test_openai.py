"""OpenAI's own client, unmodified, against the API, over every wire."""

import asyncio
import json

import openai
import pytest

from chat_app.messages import Limits
from tests.api.programs import serving
from tests.upstream import Script
from tests.waiting import until

HI = [{"role": "user", "content": "hi"}]


async def test_an_answer_streams_to_its_end_with_its_usage(api, upstream):
    upstream.then(Script(["Hel", "lo"]))
    async with api.openai() as client:
        stream = await client.chat.completions.create(
            model="echo", messages=HI, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]

    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens, chunks[-1].choices) == (7, 2, [])
    assert len({chunk.id for chunk in chunks if chunk.id}) == 1


async def test_usage_that_was_not_asked_for_does_not_come(api, upstream):
    async with api.openai() as client:
        stream = await client.chat.completions.create(model="echo", messages=HI, stream=True)
        chunks = [chunk async for chunk in stream]

    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


async def test_an_answer_comes_all_at_once(api, upstream):
    upstream.then(Script(["Hel", "lo"]))
    async with api.openai() as client:
        answer = await client.chat.completions.create(model="echo", messages=HI)

    assert api.wire != "qwen" or upstream.chats[-1].body["stream"] is True  # some of its models only stream
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("Hello", "stop")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 2)


@pytest.mark.parametrize("stream", [True, False])
async def test_what_a_server_does_not_take_is_said_in_its_words_with_the_parameter_named(api, upstream, stream):
    upstream.then(Script(status=400, body={"error": {"message": "no such k", "param": "k"}}))
    async with api.openai() as client:
        with pytest.raises(openai.BadRequestError, match="no such k") as raised:
            await client.chat.completions.create(model="echo", messages=HI, stream=stream)

    assert raised.value.param == "k"


async def test_a_stream_that_is_cut_ends_in_an_error_and_never_in_a_silent_end(api, upstream):
    upstream.then(Script(["half"], ending="cut"))
    async with api.openai() as client:
        stream = await client.chat.completions.create(model="echo", messages=HI, stream=True)
        assert (await anext(stream)).choices[0].delta.content == "half"
        with pytest.raises(openai.APIError, match="broke off"):
            await anext(stream)
    upstream.then(Script(["half"], ending="cut"))
    async with api.http() as client:
        raw = (await client.post("/v1/chat/completions", json={"model": "echo", "messages": HI, "stream": True})).text
    assert "[DONE]" not in raw
    assert json.loads(raw.strip().rpartition("data: ")[2])["error"]["code"] == "answer_broken"


@pytest.mark.parametrize("path", ["chat/completions", "messages"])
@pytest.mark.parametrize("when", ["headers", "stream", "whole"])
async def test_a_caller_who_leaves_is_left_upstream(api, upstream, when, path):
    script = Script(["a"] * 1000, pace_s=0.02) if when == "stream" else Script(first_s=30)
    upstream.then(script)
    body = {"model": "echo", "messages": HI, "max_tokens": 9, "stream": when != "whole"}
    async with api.http() as client:
        task = asyncio.ensure_future(client.post(f"/v1/{path}", json=body))

        async def is_asked() -> bool:
            return bool(upstream.chats) and (when != "stream" or len(upstream.chats[-1].sent) > 2)

        await until(is_asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def is_gone() -> bool:
        return upstream.chats[-1].state == "gone"

    await until(is_gone)


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"nope", 400, None),
        (b"[]", 400, None),
        (b'{"messages": []}', 400, "model"),
        (b'{"model": "echo", "messages": [{"content": "x"}]}', 400, "messages[0].role"),
        (b'{"model": "echo", "messages": []}', 400, "messages"),
        (b'{"model": "echo", "messages": [{"role": "boss", "content": "x"}]}', 400, "messages[0].role"),
        (
            b'{"model": "echo", "messages": [{"role": "user", "content": "x"}], "temperature": "hot"}',
            400,
            "temperature",
        ),
        (b'{"model": "echo", "messages": [{"role": "user", "content": "x"}], "n": 2}', 400, "n"),
        (
            b'{"model": "echo", "messages": [{"role": "user", "content": "x"}], "max_tokens": -1000000}',
            400,
            "max_tokens",
        ),
        (b'{"model": "%b", "messages": [{"role": "user", "content": "x"}]}' % (b"x" * 301), 400, "model"),
        (b'{"model": "nobody", "messages": [{"role": "user", "content": "x"}]}', 404, None),
        (b'{"model": "echo", "messages": "' + b"x" * 3000 + b'"}', 413, None),
    ],
)
async def test_what_cannot_be_used_is_said_in_their_shape_with_the_parameter_named(
    tmp_path, upstream, body, status, param
):
    async with serving(tmp_path, vllm_base_url=(upstream.url,), max_request_bytes=2000) as api, api.http() as client:
        answer = await client.post("/v1/chat/completions", content=body)
    error = answer.json()["error"]

    assert (answer.status_code, error["param"], error["type"]) == (status, param, "invalid_request_error")
    assert error["message"].endswith((".", "`"))
    assert answer.headers["x-request-id"]
    assert upstream.chats == []


async def test_without_a_good_key_nothing_is_answered_and_guessing_has_an_end(tmp_path, upstream):
    async with serving(tmp_path, vllm_base_url=(upstream.url,), limit_requests=3) as api, api.openai("sk-no") as client:
        for _ in range(3):
            with pytest.raises(openai.AuthenticationError) as raised:
                await client.models.list()
            assert raised.value.code == "invalid_api_key"
        with pytest.raises(openai.RateLimitError) as refused:
            await client.models.list()
    assert refused.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert 1 <= int(refused.value.response.headers["retry-after"]) <= 60
    assert upstream.chats == []


async def test_a_key_reaches_the_models_it_is_for_and_to_it_there_are_no_others(vllm, upstream):
    upstream.models.append({"id": "other"})
    await vllm.services.catalogue.refresh()
    async with vllm.openai(await vllm.made("ot*")) as client:
        assert [model.id async for model in client.models.list()] == ["other"]
        assert (await client.models.retrieve("other")).owned_by.startswith("vLLM")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("echo")
        with pytest.raises(openai.NotFoundError) as raised:
            await client.chat.completions.create(model="echo", messages=HI)

    assert raised.value.code == "model_not_found"


async def test_models_say_what_is_known_of_them(tmp_path, upstream):
    (tmp_path / "models.toml").write_text(
        '[models.able]\nprovider = "vllm"\nmodel = "echo"\ncapabilities = ["text", "image", "tools"]\noutput_tokens = 500\n'
    )
    upstream.models.append({"id": "adapter", "parent": "echo"})
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as api, api.http() as client:
        listed = {model["id"]: model for model in (await client.get("/v1/models")).json()["data"]}

    assert listed["echo"]["context_window"] == 8192
    assert listed["adapter"]["parent"] == "echo"
    assert listed["able"]["capabilities"] == ["image", "text", "tools"]
    assert listed["able"]["max_output_tokens"] == 500


async def test_a_limit_of_a_key_is_told_in_headers_and_then_in_an_error_of_their_shape(vllm):
    key = await vllm.made(limits=Limits(requests_per_minute=2))
    async with vllm.openai(key) as client:
        left = []
        for _ in range(2):
            answer = await client.chat.completions.with_raw_response.create(model="echo", messages=HI)
            left.append(
                (answer.headers["x-ratelimit-limit-requests"], answer.headers["x-ratelimit-remaining-requests"])
            )
        with pytest.raises(openai.RateLimitError) as raised:
            await client.chat.completions.create(model="echo", messages=HI)

    assert left == [("2", "1"), ("2", "0")]
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert raised.value.response.headers["x-ratelimit-reset-requests"] == "60s"
    assert raised.value.code == "rate_limit_exceeded"
    assert 1 <= int(raised.value.response.headers["retry-after"]) <= 60


async def test_every_call_is_in_the_ledger_under_its_key(vllm):
    record, key = await vllm.services.keys.make("local", "counted")
    async with vllm.openai(key) as client:
        await client.chat.completions.create(model="echo", messages=HI)

    async def rows() -> list:
        return [row async for row in vllm.services.usage.rows("local", 0) if row.key_id == record.id]

    (row,) = await until(rows)
    assert (row.model, row.status, row.purpose, row.usage.input_tokens) == ("echo", "complete", "api", 7)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_same_request_can_have_the_same_answer_again(vllm, upstream, stream):
    upstream.then(Script(["Hel", "lo"]))
    body = {"model": "echo", "messages": HI, "stream": stream}
    async with vllm.http() as client:
        told = [await client.post("/v1/chat/completions", json=body, headers={"x-cache-ttl": "60"}) for _ in range(2)]
        wrong = await client.post("/v1/chat/completions", json=body, headers={"x-cache-ttl": "long"})

    assert [answer.headers["x-cache"] for answer in told] == ["miss", "hit"]
    assert told[0].text == told[1].text
    assert len(upstream.chats) == 1
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "x-cache-ttl")


@pytest.mark.parametrize("stream", [True, False])
async def test_a_failure_after_the_head_and_before_the_first_word_has_its_own_status(api, upstream, stream):
    upstream.then(Script([], ending="close"))
    if not stream and api.wire in ("vllm", "openai"):
        upstream.scripts[-1].whole = {"choices": []}
    async with api.openai() as client:
        with pytest.raises(openai.InternalServerError) as raised:
            await client.chat.completions.create(model="echo", messages=HI, stream=stream)

    assert (raised.value.status_code, raised.value.code) == (502, "answer_broken")


async def test_a_fault_of_our_own_is_told_in_their_shape_and_without_its_words(vllm, monkeypatch):
    def broken(_raw: bytes) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr("chat_app.api.openai.read_chat", broken)
    async with vllm.openai() as client:
        with pytest.raises(openai.InternalServerError) as raised:
            await client.chat.completions.create(model="echo", messages=HI)

    assert (raised.value.status_code, raised.value.code, "secret" in str(raised.value)) == (500, "error", False)


async def test_a_model_of_any_name_answers(vllm, upstream):
    upstream.models.append({"id": "odd\r\nx-evil: 1\u4e2d"})
    await vllm.services.catalogue.refresh()
    async with vllm.http() as client:
        body = {"model": "odd\r\nx-evil: 1\u4e2d", "messages": HI}
        answer = await client.post("/v1/chat/completions", json=body)

    assert answer.status_code == 200
    assert "x-evil" not in answer.headers
    assert answer.headers["x-deployment"].endswith("odd  x-evil: 1?")


async def test_what_this_application_has_no_name_for_reaches_a_server_of_the_same_wire(vllm, upstream):
    own = {
        "tools": [{"type": "custom", "custom": {"name": "shell"}}],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
        "metadata": {"run": "7"},
        "logprobs": True,
    }
    earlier = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "custom", "custom": {}}]}
    async with vllm.openai() as client:
        await client.chat.completions.create(model="echo", messages=[*HI, earlier], **own)

    assert upstream.chats[-1].body == own | {"model": "echo", "messages": [*HI, earlier]}


async def test_what_means_other_things_on_another_wire_is_left_out_there(tmp_path, upstream):
    where = upstream.url.removesuffix("/v1")
    async with serving(tmp_path, anthropic_base_url=where) as api, api.openai() as client:
        await client.chat.completions.create(
            model="echo", messages=HI, metadata={"run": "7"}, service_tier="default", temperature=0.5
        )

    assert not {"metadata", "service_tier", "temperature"} & upstream.chats[-1].body.keys()


async def test_what_a_folded_stream_cannot_give_is_named(tmp_path, upstream):
    async with serving(tmp_path, dashscope_base_url=upstream.url) as api, api.http() as client:
        body = {"model": "echo", "messages": HI, "logprobs": True}
        answers = [await client.post("/v1/chat/completions", json=body | {"stream": each}) for each in (False, True)]

    assert [answer.headers.get("x-dropped") for answer in answers] == ["logprobs", None]


REASONS = {
    "length": ("length", "max_tokens"), "tool_calls": ("tool_calls", "tool_use"),
    "content_filter": ("content_filter", "refusal"),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "anthropics"), REASONS.values(), ids=REASONS.keys())
@pytest.mark.parametrize("stream", [True, False])
async def test_why_an_answer_ended_is_told_to_both_clients_by_their_names(api, upstream, reason, anthropics, stream):
    upstream.default = Script(["a"], ending=anthropics if api.wire == "anthropic" else reason)
    body = {"model": "echo", "messages": HI, "max_tokens": 9}
    async with api.openai() as client:
        answer = await client.chat.completions.create(**body, stream=stream)
        reasons = [c.choices[0].finish_reason async for c in answer if c.choices] if stream else []
    async with api.anthropic() as client:
        if stream:
            async with client.messages.stream(**body) as events:
                message = await events.get_final_message()
        else:
            message = await client.messages.create(**body)

    assert (reasons[-1] if stream else answer.choices[0].finish_reason) == reason
    assert message.stop_reason == anthropics


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_by_a_fallback_says_which_model_spoke(tmp_path, upstream, stream):
    servers = f'[servers.down]\nbase_url = "http://127.0.0.1:9/v1"\n[servers.up]\nbase_url = "{upstream.url}"\n'
    (tmp_path / "models.toml").write_text(
        servers
        + '[models.asked]\nprovider = "down"\nfallback = "other"\n[models.other]\nprovider = "up"\nmodel = "echo"\n'
    )
    async with serving(tmp_path) as api, api.http() as client:
        body = {"model": "asked", "messages": HI, "stream": stream}
        answer = await client.post("/v1/chat/completions", json=body)

    assert (answer.status_code, answer.headers["x-deployment"]) == (200, "up/echo")
    assert answer.headers["x-model"] == "other"


async def test_the_shape_of_an_answer_is_asked_for_as_each_wire_has_it(api, upstream):
    shape = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": shape, "strict": True}}
    async with api.openai() as client:
        await client.chat.completions.create(model="echo", messages=HI, response_format=wanted)
    sent = upstream.chats[-1].body

    if api.wire == "anthropic":
        assert sent["output_config"] == {"format": {"type": "json_schema", "schema": shape}}
    else:
        assert sent["response_format"] == wanted
