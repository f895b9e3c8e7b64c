"""Each wait for an event is bounded, and nothing else is."""

import asyncio

import pytest

from chat_app.gateway.silence import Silence

SOON_S, LONG_S = 0.02, 30


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _wait(*waits: tuple[float, float]) -> None:
    """(how long it may take, how long it takes), one after the other."""
    with Silence() as silence:
        for bound_s, takes_s in waits:
            silence.begin(_in(bound_s))
            await asyncio.sleep(takes_s)
            silence.end()


async def test_a_wait_that_takes_too_long_is_given_up():
    with pytest.raises(TimeoutError):
        await _wait((SOON_S, LONG_S))


async def test_a_wait_that_ends_before_another_begins_bounds_neither_that_nor_what_is_between():
    with Silence() as silence:
        for _ in range(3):
            silence.begin(_in(SOON_S))
            silence.end()
            await asyncio.sleep(SOON_S * 2)  # looked at for longer than any wait may take
        silence.begin(_in(LONG_S))
        await asyncio.sleep(SOON_S * 2)


async def test_a_shorter_wait_after_a_longer_one_ends_when_it_is_due():
    with pytest.raises(TimeoutError):
        await _wait((LONG_S, 0), (SOON_S, LONG_S))


async def test_waits_that_are_each_in_time_may_take_longer_together():
    await _wait(*((1, 0.3) for _ in range(4)))


async def test_who_is_cancelled_from_outside_is_not_told_of_a_silence():
    task = asyncio.create_task(_wait((LONG_S, LONG_S)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_cancelled_while_the_time_is_up_ends_as_cancelled():
    task = asyncio.create_task(_wait((-1, LONG_S)))
    await asyncio.sleep(0)  # the timer is armed, and due
    asyncio.get_running_loop().call_later(0, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_after_a_silence_the_task_can_be_used_on():
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await _wait((SOON_S, LONG_S))
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
