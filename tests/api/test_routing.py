"""Where calls of programs go, over real connections: the less busy of equal servers, and one for each conversation."""

from collections import Counter

import pytest

from tests.api.programs import serving
from tests.upstream import Upstream
from tests.waiting import until

HI = [{"role": "user", "content": "hi"}]
BUSY = 'vllm:num_requests_waiting{model_name="echo"} %d\nvllm:kv_cache_usage_perc{model_name="echo"} 0.1\n'


@pytest.fixture
def second():
    with Upstream().serve() as server:
        yield server


async def test_calls_go_to_the_replica_whose_own_figures_say_that_fewer_wait_and_move_when_that_changes(
    tmp_path, upstream, second
):
    upstream.metrics, second.metrics = BUSY % 9, BUSY % 0
    both = (upstream, second)
    places = {"vllm_base_url": tuple(server.url for server in both), "load_refresh_s": 0.2, "limit_requests": 0}
    async with serving(tmp_path, **places) as api, api.openai() as client:

        async def goes_to(server: Upstream) -> bool:
            before = [len(each.chats) for each in both]
            for _ in range(5):
                await client.chat.completions.create(model="echo", messages=HI)
            return [len(each.chats) - was for each, was in zip(both, before, strict=True)] == [
                5 if each is server else 0 for each in both
            ]

        await until(lambda: goes_to(second))
        upstream.metrics, second.metrics = BUSY % 0, BUSY % 9
        await until(lambda: goes_to(upstream))


async def test_calls_of_one_conversation_go_to_one_place_and_others_to_others(tmp_path, upstream, second):
    (tmp_path / "models.toml").write_text(
        f'[servers.one]\nbase_url = "{upstream.url}"\n[servers.two]\nbase_url = "{second.url}"\n'
        '[models.m]\ndeployments = [{ provider = "one", model = "echo" }, { provider = "two", model = "echo" }]\n'
    )
    went: Counter[frozenset[str]] = Counter()
    async with serving(tmp_path) as api, api.openai() as client:
        for number in range(20):
            spoke = [
                await client.chat.completions.with_raw_response.create(
                    model="m", messages=HI, extra_headers={"x-conversation-id": f"conversation {number}"}
                )
                for _ in range(3)
            ]
            went[frozenset(answer.headers["x-deployment"] for answer in spoke)] += 1

    assert set(went) == {frozenset({"one/echo"}), frozenset({"two/echo"})}
