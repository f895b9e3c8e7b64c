"""The API over a scripted server of each wire."""

from collections.abc import AsyncIterator

import pytest

from tests.api.programs import Api, serving
from tests.upstream import Upstream


@pytest.fixture(params=["vllm", "openai", "qwen", "anthropic"])
async def api(request: pytest.FixtureRequest, tmp_path, upstream: Upstream) -> AsyncIterator[Api]:
    where = {
        "vllm": {"vllm_base_url": (upstream.url,)},
        "openai": {"openai_base_url": upstream.url},
        "qwen": {"dashscope_base_url": upstream.url},
        "anthropic": {"anthropic_base_url": upstream.url.removesuffix("/v1")},
    }
    async with serving(tmp_path, **where[request.param]) as made:
        made.wire = request.param
        yield made


@pytest.fixture
async def vllm(tmp_path, upstream: Upstream) -> AsyncIterator[Api]:
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as made:
        yield made
