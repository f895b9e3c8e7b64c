import pytest

from chat_app.errors import ModelFailed, ModelUnreachable
from chat_app.messages import ChatRequest, Message, TextPart
from chat_app.providers.base import Load, TellsLoad
from chat_app.providers.vllm import VllmProvider

METRICS = """# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="tiny"} 3.0
vllm:num_requests_waiting{engine="1",model_name="tiny"} 1.0
vllm:num_requests_waiting_by_reason{engine="0",reason="x"} 9.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} NaN
"""


def _provider(url: str) -> VllmProvider:
    return VllmProvider(server="vLLM", base_url=url, api_key="", connect_timeout_s=2)


@pytest.mark.parametrize(
    "kind", ["text/plain; charset=hex", "text/plain; charset=undefined", "text/plain; charset=rot13"]
)
async def test_what_a_server_says_of_its_load_is_read_whatever_it_says_it_is_written_in(upstream, kind):
    upstream.metrics, upstream.metrics_kind = METRICS, kind
    provider = VllmProvider(server="v", base_url=upstream.url, api_key="", connect_timeout_s=1)
    assert (await provider.load()).waiting > 0
    upstream.metrics = "vllm:num_requests_waiting{} 1e308\nvllm:num_requests_waiting{} 1e308\n"
    assert (await provider.load()).waiting == 1_000_000
    await provider.aclose()


async def test_a_server_says_how_busy_it_is_over_all_its_engines(upstream):
    upstream.metrics = METRICS
    provider = _provider(upstream.url)
    assert isinstance(provider, TellsLoad)
    load = await provider.load()
    await provider.aclose()

    assert load == Load(4, 0.25)


async def test_one_that_has_no_such_figures_or_is_not_there_is_an_error(upstream):
    provider, nobody = _provider(upstream.url), _provider("http://127.0.0.1:9/v1")
    with pytest.raises(ModelFailed, match="does not say how busy"):
        await provider.load()
    with pytest.raises(ModelUnreachable):
        await nobody.load()
    await provider.aclose()
    await nobody.aclose()


async def test_every_parameter_of_its_own_goes_as_it_is_with_a_key_that_is_never_empty(upstream):
    extra = {
        "top_k": 5, "min_p": 0.1, "repetition_penalty": 1.1, "min_tokens": 2, "stop_token_ids": [7], "priority": 3,
        "structured_outputs": {"choice": ["a"]}, "chat_template_kwargs": {"enable_thinking": False},
    }  # fmt: skip
    provider = _provider(upstream.url)
    async for _ in provider.stream("m", ChatRequest("m", (Message("user", (TextPart("hi"),)),), extra)):
        pass
    await provider.offers()
    await provider.aclose()
    asked, listed = upstream.calls

    assert {name: asked.body[name] for name in extra} == extra
    assert asked.headers["authorization"] == listed.headers["authorization"] == "Bearer none"


async def test_a_budget_for_thoughts_goes_by_its_name_there():
    provider = _provider("http://127.0.0.1:9/v1")
    found = provider.parameters(ChatRequest("m", (), {"thinking_budget": 64}))
    await provider.aclose()

    assert found == ({"thinking_token_budget": 64}, ())
