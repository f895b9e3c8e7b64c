import pytest

from chat_app.errors import KeyRefused
from chat_app.messages import ChatRequest
from chat_app.providers.qwen import QwenProvider
from tests.upstream import Script


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"enable_thinking": True, "thinking_budget": 500}, {"enable_thinking": True, "thinking_budget": 500}),
        ({"reasoning_effort": "high"}, {"enable_thinking": True}),
        ({"reasoning_effort": "none"}, {"enable_thinking": False}),
        ({"reasoning_effort": "high", "enable_thinking": False}, {"enable_thinking": False}),
        ({"thinking_budget": 500}, {"enable_thinking": True, "thinking_budget": 500}),
        ({"thinking_budget": 500, "reasoning_effort": "low"}, {"enable_thinking": True, "thinking_budget": 500}),
        ({"thinking_budget": 500, "reasoning_effort": "none"}, {"enable_thinking": False}),
        ({}, {}),
    ],
)
async def test_whether_it_thinks_is_said_as_dashscope_has_it(asked, sent):
    provider = QwenProvider(server="Qwen", base_url="http://127.0.0.1:9/v1", api_key="sk-fake", connect_timeout_s=1)

    dropped = tuple(name for name in ("reasoning_effort", "thinking_budget") if name in asked and name not in sent)
    assert provider.parameters(ChatRequest("m", (), asked)) == (sent, dropped)
    assert provider.as_taken(asked) == (sent, dropped)  # a program's own body, which goes on as it is
    await provider.aclose()


async def test_a_region_that_lists_nothing_still_says_when_it_refuses_the_key(upstream):
    upstream.models_status = 404
    upstream.then(Script(status=401), Script(status=400, body={"error": {"message": "messages is empty"}}))
    provider = QwenProvider(server="Qwen", base_url=upstream.url, api_key="sk-fake", connect_timeout_s=1)
    with pytest.raises(KeyRefused):
        await provider.offers()
    offers = await provider.offers()
    await provider.aclose()

    assert offers == []
    assert [call.body["messages"] for call in upstream.calls if call.path.endswith("/chat/completions")] == [[], []]


async def test_what_it_has_no_use_for_is_dropped_and_said():
    provider = QwenProvider(server="Qwen", base_url="http://127.0.0.1:9/v1", api_key="sk-fake", connect_timeout_s=1)
    found = provider.parameters(ChatRequest("m", (), {"min_p": 0.1, "top_k": 3, "frequency_penalty": 1}))
    await provider.aclose()

    assert found == ({"top_k": 3}, ("min_p", "frequency_penalty"))
