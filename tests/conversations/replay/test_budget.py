"""A cost limit that several share."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.replay.budget import Budget
from chat_app.conversations.replay.runner import _done, _Lane, _Work


@given(st.integers(0, 100), st.lists(st.integers(0, 30), max_size=20))
def test_what_is_begun_never_goes_over_the_limit_when_it_costs_what_was_expected(most: int, costs: list[int]):
    async def spend() -> tuple[int, bool]:
        budget, spent, left, was_refused = Budget(most, 0), 0, iter(costs), False

        async def some() -> None:
            nonlocal spent, was_refused
            for cost in left:
                if await budget.admits(lambda cost=cost: cost) is None:
                    was_refused = True
                    return
                await asyncio.sleep(0)
                spent += cost
                await budget.settle(cost, cost)

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(some())
        return spent, was_refused

    spent, was_refused = asyncio.run(spend())
    assert spent <= most
    assert was_refused or spent == sum(costs)


async def test_without_a_limit_and_without_a_price_nothing_is_refused():
    budget = Budget(None, 10**12)
    assert await budget.admits(lambda: 10**12) == 10**12
    known = Budget(5, 4)
    assert await known.admits(lambda: 1) == 1
    await known.settle(1, None)
    assert await known.admits(lambda: 1) == 1
    await known.settle(1, 1)
    assert await known.admits(lambda: 1) is None


@given(
    st.integers(1, 200),
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=30),
)
def test_a_run_ends_whatever_its_calls_cost_and_however_many_fail(
    most: int, at_once: int, calls: list[tuple[int, int, bool]]
):
    async def run() -> tuple[str, int]:
        spent, lane = 0, _Lane()

        def call(cost: int, *, has_failed: bool):
            async def do() -> tuple[int, bool]:
                nonlocal spent
                await asyncio.sleep(0)
                spent += cost
                return cost, has_failed

            return do

        works = [_Work(lane, expected, call(cost, has_failed=failed)) for expected, cost, failed in calls]
        async with asyncio.timeout(60):
            return await _done(works, at_once, Budget(most, 0)), spent

    status, spent = asyncio.run(run())
    assert status in ("complete", "limited", "failing")
    assert status != "complete" or spent == sum(cost for _, cost, _ in calls)


async def test_one_that_waits_for_room_is_let_go_when_nobody_is_admitted_any_more():
    budget = Budget(100, 0)
    assert await budget.admits(lambda: 80) == 80
    waiting = asyncio.ensure_future(budget.admits(lambda: 60))
    await asyncio.sleep(0)
    await budget.close()
    assert await waiting is None
    await budget.settle(80, 10)
    assert await budget.admits(lambda: 1) is None


@pytest.mark.parametrize(("most", "at_once"), [(100, 1), (None, 8)])
async def test_under_a_limit_one_call_shows_what_such_calls_cost_before_others_begin(most: int | None, at_once: int):
    running, together, lane = 0, 0, _Lane()

    async def do() -> tuple[int, bool]:
        nonlocal running, together
        running += 1
        together = max(together, running)
        await asyncio.sleep(0)
        running -= 1
        return 100, False

    async def fail() -> tuple[int, bool]:
        return 0, True

    works = [_Work(lane, 4, fail), *(_Work(lane, 4, do) for _ in range(20))]  # a failure shows nothing
    status = await _done(works, 8, Budget(most, 0))
    assert together == at_once
    assert (status, len(lane.costs)) == (("limited", 2) if most else ("complete", 21))
