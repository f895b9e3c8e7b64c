import pytest

from chat_app.gateway.prices import cost_micros, is_public
from chat_app.gateway.route import Deployment
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from chat_app.providers.passages import PassagesProvider


def _deployment(base_url: str, model: str) -> Deployment:
    provider = FakeProvider()
    provider.base_url = base_url
    return Deployment("d", provider, model)


@pytest.mark.parametrize(
    ("base_url", "model", "micros"),
    [
        ("https://api.openai.com/v1", "gpt-4o", 1000 * 2.5 + 100 * 10),
        ("https://api.anthropic.com", "claude-3-opus-20240229", 1000 * 15 + 100 * 75),
        ("https://api.openai.com/v1", "no-such-model", None),
        ("https://nobody.example/v1", "gpt-4o", None),
        ("http://127.0.0.1:8000/v1", "gpt-4o", None),
    ],
)
def test_a_vendors_price_is_the_lists_and_one_that_is_not_there_is_unknown(base_url, model, micros):
    assert cost_micros(Usage(1000, 100), _deployment(base_url, model)) == micros


def test_what_came_from_the_cache_is_cheaper():
    deployment = _deployment("https://api.openai.com/v1", "gpt-4o")

    assert cost_micros(Usage(1000, 0, cached_tokens=1000), deployment) == 1250


def test_without_tokens_there_is_no_cost():
    assert cost_micros(Usage(), _deployment("https://api.openai.com/v1", "gpt-4o")) is None


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://localhost:8000/v1", False),
        ("http://vllm:8000/v1", False),
        ("http://10.0.0.3/v1", False),
        ("http://[::1]:8000/v1", False),
        ("", False),
        ("https://api.openai.com/v1", True),
        ("http://8.8.8.8/v1", True),
    ],
)
def test_only_what_may_be_a_vendor_is_looked_up(url, public):
    assert is_public(url) is public


def test_the_built_in_search_costs_nothing_whatever_it_says():
    deployment = Deployment("Passages", PassagesProvider(lambda _: ()), "Passages")

    assert cost_micros(Usage(36, 993), deployment) == 0
