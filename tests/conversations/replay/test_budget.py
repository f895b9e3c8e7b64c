"""A cost limit that several share."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.replay.budget import Budget


@given(st.integers(0, 100), st.lists(st.integers(0, 30), max_size=20))
def test_what_is_begun_never_goes_over_the_limit_when_it_costs_what_was_expected(most: int, costs: list[int]):
    async def spend() -> tuple[int, bool]:
        budget, spent, left, was_refused = Budget(most, 0), 0, iter(costs), False

        async def some() -> None:
            nonlocal spent, was_refused
            for cost in left:
                if not await budget.admits(cost):
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
    assert await budget.admits(10**12)
    known = Budget(5, 4)
    assert await known.admits(1)
    await known.settle(1, None)
    assert await known.admits(1)
    await known.settle(1, 1)
    assert not await known.admits(1)
