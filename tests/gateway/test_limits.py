"""Limits are kept to the last request, on one worker and over two, and say when there is room again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chat_app.errors import LimitReached, ModelFailed
from chat_app.events import Finish, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.gateway.counters import Counters, MemoryCounters, Window
from chat_app.gateway.limits import Limiter
from chat_app.gateway.redis_counters import RedisCounters
from chat_app.messages import ChatRequest, Limits, Rate, Usage
from chat_app.services import usual_limits
from tests.conftest import REDIS, make_settings, needs_redis
from tests.gateway.door import door_over
from tests.gateway.test_failover import Named
from tests.waiting import until

EITHER = ["memory", pytest.param("redis", marks=needs_redis)]


@pytest.fixture(params=EITHER)
async def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Counters]]:
    """The counters of two workers that count together; in memory there is one worker."""
    if request.param == "memory":
        yield [MemoryCounters()] * 2
        return
    monkeypatch.setattr("chat_app.gateway.redis_counters._PATIENCE_S", 60)
    made = [RedisCounters(REDIS), RedisCounters(REDIS)]
    for each in made:
        each._redis.connection_pool.connection_kwargs["socket_connect_timeout"] = 60
    await made[0]._redis.flushdb()
    yield made
    for each in made:
        await each.aclose()


async def _nothing(_subject: str, _id: str, _since: int) -> int:
    return 0


def _limiters(workers: list[Counters], limits: Limits = Limits(), spent=_nothing) -> list[Limiter]:  # noqa: B008
    return [Limiter(counters, limits, spent) for counters in workers]


async def _told(workers: list[Counters]) -> None:
    """What was settled is known to all."""
    for each in workers:
        if isinstance(each, RedisCounters):
            await each.tell()


async def _try(limiter: Limiter, caller: Caller, tokens: int = 0, micros: int = 0) -> str:
    try:
        async with limiter.admitted(caller, tokens, micros):
            await asyncio.sleep(0.01)
    except LimitReached as reached:
        return reached.limit
    return ""


async def test_of_two_hundred_requests_at_once_on_two_workers_as_many_as_may_are_let_in(workers):
    limiters = _limiters(workers, Limits(requests_per_minute=100))
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(_try(limiters[number % 2], Caller("a"))) for number in range(200)]
    said = [each.result() for each in tries]

    assert (said.count(""), said.count("requests_per_minute")) == (100, 100)
    assert await _try(limiters[0], Caller("b")) == ""


async def test_so_many_answers_at_the_same_time_and_no_more_and_room_again_when_one_ends(workers):
    limiters = _limiters(workers, Limits(streams=5))
    async with AsyncExitStack() as stack:
        for number in range(5):
            await stack.enter_async_context(limiters[number % 2].admitted(Caller("a"), 0, 0))
        async with asyncio.TaskGroup() as group:
            tries = [group.create_task(_try(limiters[number % 2], Caller("a"))) for number in range(200)]
        assert {each.result() for each in tries} == {"streams"}
    await _told(workers)

    assert await _try(limiters[1], Caller("a")) == ""


async def test_of_two_hundred_answers_begun_at_once_on_two_workers_so_many_run_and_no_more(workers):
    limiters = _limiters(workers, Limits(streams=5))
    asked, running, may_end = 0, 0, asyncio.Event()

    async def answer(limiter: Limiter, number: int) -> str:
        nonlocal asked, running
        try:
            async with limiter.admitted(Caller("a", request_id=f"call {number}"), 0, 0):
                asked, running = asked + 1, running + 1
                await may_end.wait()
        except LimitReached as reached:
            asked += 1
            return reached.limit
        return ""

    async def all_have_asked() -> bool:
        return asked == 200

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(answer(limiters[number % 2], number)) for number in range(200)]
        await until(all_have_asked)
        assert running == 5
        may_end.set()

    assert [each.result() for each in tries].count("streams") == 195


async def test_a_month_that_is_used_up_says_when_the_next_begins(workers):
    limiter = _limiters(workers, Limits(dollars_per_month=1))[0]
    async with limiter.admitted(Caller("a"), 0, 1_000_000):
        with pytest.raises(LimitReached, match="The limit of 1 dollars a month is reached") as reached:
            async with limiter.admitted(Caller("a"), 0, 10):
                pass
    now = datetime.now(UTC)
    next_month = now.replace(
        year=now.year + now.month // 12, month=now.month % 12 + 1, day=1, hour=0, minute=0, second=0
    )

    assert abs(reached.value.retry_after_s - (next_month - now).total_seconds()) < 60


def test_each_setting_of_a_limit_is_the_limit_of_its_name(tmp_path):
    settings = make_settings(
        tmp_path, limit_requests=1, limit_tokens=2, limit_streams=3, limit_dollars_day=4, limit_dollars_month=5
    )

    assert usual_limits(settings) == Limits(
        requests_per_minute=1, tokens_per_minute=2, streams=3, dollars_per_day=4, dollars_per_month=5
    )


async def test_tokens_are_reserved_by_estimate_and_put_right_at_the_end(workers):
    limiters = _limiters(workers, Limits(tokens_per_minute=1000))
    async with limiters[0].admitted(Caller("a"), 900, 0) as admission:
        assert await _try(limiters[1], Caller("a"), tokens=200) == "tokens_per_minute"
        admission.tokens = 100
    await _told(workers)

    assert await _try(limiters[1], Caller("a"), tokens=900) == ""


async def test_what_an_answer_takes_beyond_its_estimate_counts_from_its_end_and_what_it_left_where_it_began(workers):
    window = Window("user:a:tokens", 10_000, 100)
    verdict = await workers[0].take([window], "call")
    (now,) = verdict.slots
    workers[0].settle([window], "call", [now - 100], [600])  # it began before all that now counts
    workers[0].settle([window], "call", [now - 100], [0])
    await _told(workers)
    (used,) = (await workers[1].take([replace(window, amount=0)], "look")).used

    assert used == 100 + 500


async def test_a_call_that_is_larger_than_the_limit_goes_when_nothing_else_does(workers):
    limiters = _limiters(workers, Limits(tokens_per_minute=1000))

    assert await _try(limiters[0], Caller("a"), tokens=5000) == ""


async def test_money_is_counted_from_what_the_ledger_knows_and_says_when_the_day_ends(workers):
    asked: list[tuple] = []

    async def spent(subject: str, subject_id: str, since_ms: int) -> int:
        asked.append((subject, subject_id, since_ms))
        return 900_000

    limiters = _limiters(workers, Limits(dollars_per_day=1, dollars_per_month=50), spent)
    async with limiters[0].admitted(Caller("a"), 0, 50_000) as admission:
        admission.micros = 100_000
    await _told(workers)
    with pytest.raises(LimitReached, match="The limit of 1 dollars a day is reached") as reached:
        async with limiters[1].admitted(Caller("a"), 0, 10):
            pass
    now = datetime.now(UTC)

    assert 0 < reached.value.retry_after_s <= 86_400
    assert asked == [
        ("user", "a", int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)),
        ("user", "a", int(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)),
    ]


async def test_a_key_has_its_own_limits_besides_the_persons(workers):
    limiters = _limiters(workers, Limits(requests_per_minute=3))
    key = Caller("a", key_id="k", address="1.1.1.1", limits=Limits(requests_per_minute=1))
    assert await _try(limiters[0], key) == ""
    assert await _try(limiters[1], Caller("a", key_id="k", limits=key.limits)) == "requests_per_minute"
    assert [await _try(limiters[0], Caller("a")) for _ in range(3)] == ["", "", "requests_per_minute"]


async def test_without_a_key_the_address_counts_too_whoever_is_said_to_ask(workers):
    limiters = _limiters(workers, Limits(requests_per_minute=2))

    said = [await _try(limiters[0], Caller(f"person {number}", address="1.1.1.1")) for number in range(3)]
    assert said == ["", "", "requests_per_minute"]


async def test_a_second_try_of_the_same_request_counts_for_nobody(workers):
    limiter = _limiters(workers, Limits(requests_per_minute=1))[0]
    caller = Caller("a", address="10.0.0.1")
    again = replace(caller, is_counted=False)

    assert [await _try(limiter, each) for each in (caller, again, again)] == ["", "", ""]
    assert await _try(limiter, caller) == "requests_per_minute"


async def test_whoever_is_not_known_can_knock_so_often_and_no_more(workers):
    limiters = _limiters(workers, Limits(requests_per_minute=2))
    await limiters[0].knock(Caller("", address="1.1.1.1"))
    await limiters[1].knock(Caller("", address="1.1.1.1"))
    with pytest.raises(LimitReached):
        await limiters[0].knock(Caller("", address="1.1.1.1"))


async def test_what_is_refused_is_not_counted_anywhere(workers):
    limiters = _limiters(workers, Limits(requests_per_minute=10, tokens_per_minute=100))
    async with limiters[0].admitted(Caller("a"), 100, 0) as admission:
        assert {await _try(limiters[1], Caller("a"), tokens=10) for _ in range(20)} == {"tokens_per_minute"}
        with pytest.raises(LimitReached) as reached:
            async with limiters[1].admitted(Caller("a"), 100, 0):
                pass
        assert 1 <= reached.value.retry_after_s <= 60
        admission.tokens = 30
    await _told(workers)
    rates: list[Rate] = []
    async with limiters[1].admitted(Caller("a", on_rates=rates.extend), 0, 0):
        assert [(rate.name, rate.limit, rate.left) for rate in rates] == [("requests", 10, 8), ("tokens", 100, 70)]


async def test_a_window_moves_on():
    now = [1000.0]
    counters = MemoryCounters(lambda: now[0])
    window = Window("k", 2, 1)
    for at in (1000.2, 1030.7):
        now[0] = at
        assert (await counters.take([window], "c")).refused is None
    verdict = await counters.take([window], "c")
    assert (verdict.refused, verdict.wait_s) == (0, pytest.approx(1060 - 1030.7))
    now[0] = 1060.0
    assert (await counters.take([window], "c")).refused is None
    assert (await counters.take([window], "c")).refused == 0
    now[0] = 1200.0
    counters.forget()
    assert counters._counts == {}


@needs_redis
async def test_what_a_killed_worker_held_open_is_given_back_when_its_lease_ends():
    made = RedisCounters(REDIS)
    await made._redis.flushdb()
    window = Window("k", 1, 1, slot_s=0)
    await made.take([window], "of the dead")
    assert (await made.take([window], "b")).refused == 0
    await made.tell(is_renewing=True)
    assert await made._redis.ttl("chat_app:limit:k") > 25
    await made._redis.zadd("chat_app:limit:k", {"of the dead": 1})  # its lease ended long ago
    assert (await made.take([window], "b")).refused is None
    await made.aclose()


async def test_while_redis_is_away_each_worker_counts_for_itself():
    made = RedisCounters("redis://127.0.0.1:9/0")
    (limiter,) = _limiters([made], Limits(requests_per_minute=2, streams=1))

    assert [await _try(limiter, Caller("a")) for _ in range(3)] == ["", "", "requests_per_minute"]
    await limiter.knock(Caller("", address="1.1.1.1"))
    assert made._taken_alone == set()  # or its counts of today would be those of another day
    await made.aclose()


@needs_redis
async def test_a_window_that_redis_lost_while_a_call_was_open_is_begun_anew_from_the_ledger():
    made = RedisCounters(REDIS)
    await made._redis.flushdb()

    async def spent(*_: object) -> int:
        return 900_000

    (limiter,) = _limiters([made], Limits(dollars_per_day=1), spent)
    async with limiter.admitted(Caller("a"), 0, 10) as admission:
        await made._redis.flushdb()
        admission.micros = 20
    await made.tell()
    assert await made._redis.keys("*") == []
    async with limiter.admitted(Caller("a"), 0, 99_000):
        with pytest.raises(LimitReached):
            async with limiter.admitted(Caller("a"), 0, 99_000):
                pass
    await made.aclose()


@needs_redis
async def test_what_was_counted_while_redis_was_away_is_of_that_time_alone():
    now = [0.0]
    made = RedisCounters(REDIS, lambda: now[0])
    await made._redis.flushdb()
    (limiter,) = _limiters([made], Limits(requests_per_minute=1))
    made._away_until = 10
    assert [await _try(limiter, Caller("a")) for _ in range(2)] == ["", "requests_per_minute"]
    now[0] = 11
    assert [await _try(limiter, Caller("a")) for _ in range(2)] == ["", "requests_per_minute"]
    made._away_until = 20
    assert await _try(limiter, Caller("a")) == ""
    await made.aclose()


async def test_a_call_over_the_limit_reaches_no_model_and_one_that_ends_gives_its_place_back(tmp_path):
    provider = Named("first", TextDelta("a"), Finish("stop", Usage(10, 5)))
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', provider, limits=Limits(streams=1))
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local"))) as events:
        await anext(events)
        with pytest.raises(LimitReached):
            await door.ask()
    assert (await door.ask())[1] == "a"
    provider.script = (ModelFailed("no"),)
    for _ in range(2):
        with pytest.raises(ModelFailed):
            await door.ask()

    assert len(provider.requests) == 4


async def test_a_call_takes_the_tokens_it_took(tmp_path):
    provider = Named("first", TextDelta("a"), Finish("stop", Usage(600, 300)))
    toml = '[models.m]\nprovider = "first"\nprice = { input = 1000, output = 1000 }\n'
    door = await door_over(tmp_path, toml, provider, limits=Limits(tokens_per_minute=1500, dollars_per_day=2))
    rates: list[Rate] = []
    await door.ask()
    caller = Caller("local", on_rates=rates.extend)
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), caller)) as events:
        _ = [event async for event in events]

    assert [(rate.name, rate.left) for rate in rates] == [("tokens", 1500 - 900 - 500)]
    with pytest.raises(LimitReached) as reached:
        await door.ask()
    assert reached.value.limit == "tokens_per_minute"
