import os
import subprocess
import sys
from contextlib import aclosing

import pytest

from chat_app.errors import LimitReached, ModelFailed
from chat_app.events import Finish, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.messages import ChatRequest, Limits, Usage
from tests.gateway.door import door_over
from tests.gateway.test_failover import Named


def _figures(door) -> dict[str, float]:
    body, kind = door.metrics.render()
    assert kind.startswith("text/plain")
    lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


async def test_calls_are_counted_by_how_they_ended_with_their_tokens_times_and_cost(tmp_path):
    toml = (
        '[models.m]\nprovider = "first"\nprice = { input = 1, output = 1 }\nfallback = "n"\n'
        '[models.n]\nprovider = "second"\n'
    )
    first = Named("first", TextDelta("a"), TextDelta("b"), Finish("stop", Usage(1000, 500)))
    door = await door_over(tmp_path, toml, first, Named("second"), failures=1)
    await door.ask()
    assert _figures(door)['chat_app_breaker_open{deployment="first/m"}'] == 0
    first.script = (ModelFailed("no"),)
    await door.ask()
    told = _figures(door)

    assert told['chat_app_requests_total{deployment="first/m",model="m",status="complete"}'] == 1
    assert told['chat_app_requests_total{deployment="first/m",model="m",status="model_failed"}'] == 1
    assert told['chat_app_requests_total{deployment="second/n",model="m",status="complete"}'] == 1
    assert told['chat_app_tokens_total{deployment="first/m",kind="input",model="m"}'] == 1000
    assert told['chat_app_cost_dollars_total{deployment="first/m",model="m"}'] == 0.0015
    assert told['chat_app_first_token_seconds_count{model="m"}'] == 2
    assert told['chat_app_inter_token_seconds_count{model="m"}'] == 1
    assert told['chat_app_open_streams{model="m"}'] == 0
    assert told['chat_app_breaker_open{deployment="first/m"}'] == 1


async def test_calls_that_nobody_was_asked_for_are_counted_by_why(tmp_path):
    first = Named("first", ModelFailed("no"))
    limits = Limits(requests_per_minute=2)
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', first, failures=1, rest_s=60, limits=limits)
    for _ in range(3):
        with pytest.raises((ModelFailed, LimitReached)):
            await door.ask()
    told = _figures(door)

    assert told['chat_app_requests_total{deployment="first/m",model="m",status="model_failed"}'] == 1
    assert told['chat_app_refused_total{code="model_failed",model="m"}'] == 1
    assert told['chat_app_refused_total{code="limit_reached",model="m"}'] == 1


async def test_what_is_open_is_open_until_it_ends(tmp_path):
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', Named("first"))
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local"))) as events:
        await anext(events)
        assert _figures(door)['chat_app_open_streams{model="m"}'] == 1

    assert _figures(door)['chat_app_open_streams{model="m"}'] == 0


def test_names_that_a_program_makes_up_do_not_grow_the_figures_without_end(tmp_path):
    from chat_app.gateway.metrics import Metrics

    metrics = Metrics()
    for number in range(1500):
        metrics.times(f"gpt-{number}")[0](1)
    told = metrics.render()[0].decode()

    assert told.count("first_token_seconds_count{") == 1001
    assert 'chat_app_first_token_seconds_count{model="other"} 500.0' in told


TWO_WORKERS = """
from pathlib import Path
from chat_app.gateway.metrics import Metrics
metrics = Metrics(Path({folder!r}))
metrics.opened("m")
metrics.times("m")[0](1)
if {last}:
    print(metrics.render()[0].decode())
metrics.close()
"""


def test_two_workers_tell_their_figures_together(tmp_path):
    told = ""
    for last in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", TWO_WORKERS.format(folder=str(tmp_path), last=last)],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        told = done.stdout

    assert 'chat_app_first_token_seconds_count{model="m"} 2.0' in told
    assert 'chat_app_open_streams{model="m"} 1.0' in told  # the first has ended, and has none open
