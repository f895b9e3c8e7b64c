"""The API over a scripted server of each wire."""

from collections.abc import AsyncIterator

import pytest

from tests.api.programs import WIRES, Api, reached_by, serving
from tests.upstream import Upstream


@pytest.fixture(params=WIRES)
async def api(request: pytest.FixtureRequest, tmp_path, upstream: Upstream) -> AsyncIterator[Api]:
    async with serving(tmp_path, **reached_by(request.param, upstream)) as made:
        made.wire = request.param
        yield made


@pytest.fixture
async def vllm(tmp_path, upstream: Upstream) -> AsyncIterator[Api]:
    async with serving(tmp_path, vllm_base_url=(upstream.url,)) as made:
        yield made
