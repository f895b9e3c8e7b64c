"""Runs replays: a job that reads from the database what is not answered yet.

Nothing is queued, so that a process that is killed loses nothing but what was under way: whoever takes over asks for
that alone. An answer that is kept is never asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from chat_app.conversations.replay.asking import Asking
from chat_app.conversations.replay.budget import Budget
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import checks_in
from chat_app.conversations.replay.sides import Side, Sides, decode_sides
from chat_app.errors import StoreUnavailable
from chat_app.jobs import Jobs
from chat_app.store.database import to_the_end
from chat_app.store.prompts import Prompt, PromptStore
from chat_app.store.replays import ReplayRecord, ReplayStore

log = structlog.get_logger(__name__)
JOB = "replay"
_LOOK_S, _WATCH_S, _REST_S, _RETRY_S = 1.0, 1.0, 30.0, 2.0


@dataclass(frozen=True, slots=True)
class _Work:
    """A call to make: what it is expected to cost in micro-dollars, and what makes it, and keeps what it brings."""

    expected: int
    do: Callable[[], Awaitable[int | None]]


class Replayer:
    """The job.

    Args:
        store: The replays.
        prompts: Their sets.
        sides: Says what an answer costs.
        asking: Asks.
        jobs: Says which replays are this worker's.
    """

    def __init__(self, store: ReplayStore, prompts: PromptStore, sides: Sides, asking: Asking, jobs: Jobs) -> None:
        self._store, self._prompts, self._sides, self._asking, self._jobs = store, prompts, sides, asking, jobs
        self._under_way = set[str]()
        self._new = asyncio.Event()

    def wake(self) -> None:
        """There may be a replay to run."""
        self._new.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    for record in await to_the_end(self._store.running()):
                        if record.id not in self._under_way and await to_the_end(self._jobs.holds(JOB, record.id)):
                            self._under_way.add(record.id)
                            group.create_task(self._watched(record))
                except StoreUnavailable as error:
                    log.warning("replay.postponed", error=error.detail)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._new.wait()
                self._new.clear()

    async def _watched(self, record: ReplayRecord) -> None:
        """Run one while it is this worker's and is not ended by somebody."""
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._replay(record))
                while not work.done():
                    await asyncio.wait([work], timeout=_WATCH_S)
                    if not work.done() and not await self._is_ours(record.id):
                        work.cancel()
        except Exception:  # a task boundary: a fault of ours in one must not end the others
            log.exception("replay.fault", replay_id=record.id)
            await asyncio.sleep(_REST_S)
        finally:
            self._under_way.discard(record.id)

    async def _is_ours(self, replay_id: str) -> bool:
        try:
            is_running = await to_the_end(self._store.status(replay_id)) == "running"
            return is_running and await to_the_end(self._jobs.holds(JOB, replay_id))
        except StoreUnavailable:
            return True  # as far as anybody knows; what two do is kept once

    async def _replay(self, record: ReplayRecord) -> None:
        budget = Budget(record.most_micros, await to_the_end(self._store.spent_micros(record.id)))
        prompts = await to_the_end(self._prompts.prompts(record.set_id))
        for stage in (self._answers, self._verdicts):
            if not await _all_done([each async for each in stage(record, prompts)], record.at_once, budget):
                await self._kept(lambda: self._store.end(record.id, "limited"))
                return
        await self._kept(lambda: self._store.end(record.id, "complete"))

    async def _answers(self, record: ReplayRecord, prompts: Iterable[Prompt]) -> AsyncIterator[_Work]:
        """What is to be asked of the sides."""
        sides, checks = decode_sides(record.sides), checks_in(record.checks)
        known = await to_the_end(self._store.answered(record.id))
        for prompt in prompts:
            for number, side in enumerate(sides):
                if (prompt.position, number) not in known:
                    expected = await self._sides.price(side.model, *self._sides.tokens(side, prompt)) or 0
                    yield _Work(expected, self._to_answer(record, prompt, side, number, checks))

    def _to_answer(
        self, record: ReplayRecord, prompt: Prompt, side: Side, number: int, checks: tuple[Check, ...]
    ) -> Callable[[], Awaitable[int | None]]:
        async def do() -> int | None:
            answer = await self._asking.answer(record.user_id, prompt, side, number, checks)
            await self._kept(lambda: self._store.add_answer(record.id, answer))
            return answer.cost_micros

        return do

    async def _verdicts(self, record: ReplayRecord, prompts: Iterable[Prompt]) -> AsyncIterator[_Work]:
        """What is to be asked of the judges: of prompts that both sides have answered."""
        judges = [(str(at), check) for at, check in enumerate(checks_in(record.checks)) if check.kind == "judge"]
        if not judges:
            return
        known = await to_the_end(self._store.judged(record.id))
        said: dict[int, list[str]] = {}
        for answer in await to_the_end(self._store.answers(record.id)):
            if answer.error_code is None:
                said.setdefault(answer.position, []).append(answer.text)
        for prompt in prompts:
            answers = said.get(prompt.position, [])
            for judge, check in judges:
                if len(answers) > 1 and (prompt.position, judge) not in known:
                    expected = 2 * (await self._sides.verdict_price(check, answers) or 0)
                    yield _Work(expected, self._to_judge(record, prompt, answers, check, judge))

    def _to_judge(
        self, record: ReplayRecord, prompt: Prompt, answers: list[str], check: Check, judge: str
    ) -> Callable[[], Awaitable[int | None]]:
        async def do() -> int | None:
            verdict = await self._asking.verdict(record.user_id, prompt, answers, check, judge)
            await self._kept(lambda: self._store.judge(record.id, verdict))
            return verdict.cost_micros

        return do

    async def _kept(self, keep: Callable[[], Awaitable[None]]) -> None:
        """Keep something, however long that takes: it was paid for."""
        while True:
            try:
                await _whole(keep)
            except StoreUnavailable as error:
                log.warning("replay.unsaved", error=error.detail)
                await asyncio.sleep(_RETRY_S)
            else:
                return


async def _whole(keep: Callable[[], Awaitable[None]]) -> None:
    async def work() -> None:
        await keep()

    await to_the_end(work())


async def _all_done(work: list[_Work], at_once: int, budget: Budget) -> bool:
    """Do it, so many at once; False where the cost limit came before the end."""
    left, is_over = iter(work), False

    async def some() -> None:
        nonlocal is_over
        for each in left:
            if is_over or not await budget.admits(each.expected):
                is_over = True
                return
            cost: int | None = None
            try:
                cost = await each.do()
            finally:
                await budget.settle(each.expected, cost)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())
    return not is_over
