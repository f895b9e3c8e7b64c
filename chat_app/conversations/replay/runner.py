"""Runs replays: a job that reads from the database what is not answered yet.

Nothing is queued, so that a process that is killed loses nothing but what was under way: whoever takes over asks for
that alone. An answer that is kept is never asked for again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from chat_app.conversations.replay.asking import Asking
from chat_app.conversations.replay.budget import Budget
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import checks_in
from chat_app.conversations.replay.sides import LOOKS, Rate, Side, Sides, decode_sides, estimated, verdict_tokens
from chat_app.errors import NotFound, StoreUnavailable
from chat_app.gateway.estimate import estimate_tokens
from chat_app.jobs import Jobs
from chat_app.store.database import to_the_end
from chat_app.store.prompts import Prompt, PromptStore
from chat_app.store.replays import JOB, ReplayRecord, ReplayStore, Status

log = structlog.get_logger(__name__)
_LOOK_S, _WATCH_S, _REST_S, _RETRY_S = 1.0, 1.0, 30.0, 2.0
_RESTS = 6
_MOST_AT_ONCE = 4
_MOST_FAULTS = 3  # of ours, in one replay
_MOST_FAILURES = 10  # one after the other, by the same side or judge


@dataclass(slots=True)
class _Lane:
    """A side or a judge: its calls under way, whether one has been good, what they cost, and failures since one was."""

    under_way: int = 0
    is_known: bool = False
    costs: list[int] = field(default_factory=list[int])
    failures: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """A call to make: in which lane, its expected cost in micro-dollars, and what makes it and keeps what it brings.

    That gives back (what it cost, whether it failed).
    """

    lane: _Lane
    expected: float
    do: Callable[[], Awaitable[tuple[int | None, bool]]]

    @property
    def cost(self) -> int | None:
        """What it may cost: what was reckoned, or what such calls have cost on the average, if that is more.

        None while that first one is under way which is to show it: what is reckoned knows nothing of how long a model
        thinks.
        """
        if self.lane.under_way and not self.lane.is_known:
            return None
        costs = self.lane.costs
        return round(max(self.expected, sum(costs) / len(costs) if costs else 0))


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
        self._under_way: dict[str, str] = {}  # id → whose: a person has one at a time
        self._faults = Counter[str]()
        self._new = asyncio.Event()

    def wake(self) -> None:
        """There may be a replay to run."""
        self._new.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    for replay_id, user_id in await to_the_end(self._store.running()):
                        if await self._takes(replay_id, user_id):
                            self._under_way[replay_id] = user_id
                            group.create_task(self._watched(replay_id, user_id))
                except StoreUnavailable as error:
                    log.warning("replay.postponed", error=error.detail)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._new.wait()
                self._new.clear()

    async def _takes(self, replay_id: str, user_id: str) -> bool:
        if replay_id in self._under_way or user_id in self._under_way.values():
            return False
        if len(self._under_way) == _MOST_AT_ONCE or not await self._is_alone(user_id, replay_id):
            return False
        if not await to_the_end(self._jobs.holds(JOB, replay_id)):
            return False
        if is_alone := await self._is_alone(user_id, replay_id):  # another worker may have begun at this moment
            return is_alone
        await to_the_end(self._jobs.let_go(JOB, replay_id))
        return False

    async def _is_alone(self, user_id: str, replay_id: str) -> bool:
        return await to_the_end(self._store.is_alone(user_id, replay_id))

    async def _watched(self, replay_id: str, user_id: str) -> None:
        """Take one up, and let it go when it has ended or is gone."""
        try:
            with suppress(NotFound):  # it was deleted at this moment
                await self._run(await to_the_end(self._store.one(user_id, replay_id)))
            standing = await to_the_end(self._store.standing(replay_id))
            if standing is None or standing[0] != "running":
                await to_the_end(self._jobs.let_go(JOB, replay_id))
        except StoreUnavailable as error:
            log.warning("replay.postponed", error=error.detail)
            await asyncio.sleep(_RETRY_S)
        finally:
            del self._under_way[replay_id]
            self._new.set()

    async def _run(self, record: ReplayRecord) -> None:
        """Run one while it is this worker's and is not ended by somebody."""
        try:
            async with asyncio.TaskGroup() as group:
                work = group.create_task(self._stages(record))
                while not work.done():
                    await asyncio.wait([work], timeout=_WATCH_S)
                    if not work.done() and not await self._is_ours(record):
                        work.cancel()  # once: another would cut short what it still has to write
                        await asyncio.wait([work])
        except Exception:  # a task boundary: a fault of ours in one must not end the others
            log.exception("replay.fault", replay_id=record.id)
            await self._rest(record)

    async def _rest(self, record: ReplayRecord) -> None:
        """After a fault of ours: it is tried again in a while, but not for ever, as each time costs."""
        self._faults[record.id] += 1
        for _ in range(_RESTS):
            await asyncio.sleep(_REST_S / _RESTS)
            # Held meanwhile, or another worker would begin to count its faults; and not longer than it is wanted.
            if not await self._is_ours(record):
                self._faults.pop(record.id, None)
                return
        if self._faults[record.id] >= _MOST_FAULTS:
            await self._end(record, "failing")

    async def _is_ours(self, record: ReplayRecord) -> bool:
        try:
            is_running = await to_the_end(self._store.standing(record.id)) == ("running", record.run)
            return is_running and await to_the_end(self._jobs.holds(JOB, record.id))
        except StoreUnavailable:
            return True  # as far as anybody knows; what two do is kept once

    async def _stages(self, record: ReplayRecord) -> None:
        try:
            await self._replay(record)
        except StoreUnavailable as error:  # what is to be asked cannot be read
            log.warning("replay.postponed", error=error.detail)
            await asyncio.sleep(_RETRY_S)

    async def _replay(self, record: ReplayRecord) -> None:
        budget = Budget(record.most_micros, record.spent_micros)
        prompts = await to_the_end(self._prompts.prompts(record.set_id))
        for stage in (self._answers, self._verdicts):
            status = await _done(await stage(record, prompts), record.at_once, budget)
            if status != "complete":
                await self._end(record, status)
                return
        await self._end(record, "complete")

    async def _end(self, record: ReplayRecord, status: Status) -> None:
        self._faults.pop(record.id, None)
        await self._kept(lambda: self._store.end(record.id, status, record.run))

    async def _answers(self, record: ReplayRecord, prompts: Sequence[Prompt]) -> list[_Work]:
        """What is to be asked of the sides."""
        sides, checks = decode_sides(record.sides), checks_in(record.checks)
        known = await to_the_end(self._store.answered(record.id))
        rates = [await self._sides.rate(side.model) for side in sides]
        lanes = [_Lane() for _ in sides]

        def made() -> list[_Work]:
            return [
                _Work(
                    lanes[number],
                    _cost(rates[number], self._sides.tokens(side, estimated(prompt))),
                    self._to_answer(record, prompt, side, number, checks),
                )
                for prompt in prompts
                for number, side in enumerate(sides)
                if (prompt.position, number) not in known
            ]

        return await asyncio.to_thread(made)

    def _to_answer(
        self, record: ReplayRecord, prompt: Prompt, side: Side, number: int, checks: tuple[Check, ...]
    ) -> Callable[[], Awaitable[tuple[int | None, bool]]]:
        async def do() -> tuple[int | None, bool]:
            answer = await self._asking.answer(record.user_id, prompt, side, number, checks)
            await self._kept(lambda: self._store.add_answer(record.id, answer))
            return answer.cost_micros, answer.error_code is not None

        return do

    async def _verdicts(self, record: ReplayRecord, prompts: Sequence[Prompt]) -> list[_Work]:
        """What is to be asked of the judges: of prompts that both sides have answered."""
        judges = [(str(at), check) for at, check in enumerate(checks_in(record.checks)) if check.kind == "judge"]
        if not judges:
            return []
        known = await to_the_end(self._store.judged(record.id))
        rates = {check.model: await self._sides.rate(check.model) for _, check in judges}
        lanes = {judge: _Lane() for judge, _ in judges}
        said: dict[int, list[str]] = {}
        for answer in await to_the_end(self._store.answers(record.id)):
            if answer.error_code is None:
                said.setdefault(answer.position, []).append(answer.text)

        def made() -> list[_Work]:
            works: list[_Work] = []
            for prompt in prompts:
                answers = said.get(prompt.position, [])
                for judge, check in judges:
                    if len(answers) > 1 and (prompt.position, judge) not in known:
                        tokens = estimated(prompt) + sum(map(estimate_tokens, answers))
                        cost = LOOKS * _cost(rates[check.model], verdict_tokens(check, tokens))
                        works.append(_Work(lanes[judge], cost, self._to_judge(record, prompt, answers, check, judge)))
            return works

        return await asyncio.to_thread(made)

    def _to_judge(
        self, record: ReplayRecord, prompt: Prompt, answers: list[str], check: Check, judge: str
    ) -> Callable[[], Awaitable[tuple[int | None, bool]]]:
        async def do() -> tuple[int | None, bool]:
            verdict, has_failed = await self._asking.verdict(record.user_id, prompt, answers, check, judge)
            await self._kept(lambda: self._store.judge(record.id, verdict))
            return verdict.cost_micros, has_failed  # one that cannot be read is told of, and stops nothing

        return do

    async def _kept(self, keep: Callable[[], Coroutine[None, None, None]]) -> None:
        """Keep something, however long that takes: it was paid for."""
        while True:
            try:
                await to_the_end(keep())
            except StoreUnavailable as error:
                log.warning("replay.unsaved", error=error.detail)
                await asyncio.sleep(_RETRY_S)
            else:
                return


def _cost(rate: Rate | None, tokens: tuple[int, int]) -> float:
    return rate.of(*tokens) if rate else 0


async def _done(works: Sequence[_Work], at_once: int, budget: Budget) -> Status:
    """Do it, so many at once; says what kept it from its end, the cost limit or one failure after the other."""
    left, ended = iter(works), list[Status]()

    async def end(status: Status) -> None:
        ended.append(status)
        await budget.close()

    async def some() -> None:
        for work in left:
            lane, cost = work.lane, None
            if (aside := await budget.admits(lambda work=work: work.cost)) is None:
                return await end("limited")
            lane.under_way += 1
            try:
                cost, has_failed = await work.do()
                lane.is_known |= not has_failed
                lane.costs += [] if cost is None else [cost]
                lane.failures = lane.failures + 1 if has_failed else 0
            finally:
                lane.under_way -= 1
                await budget.settle(aside, cost)
            if lane.failures >= _MOST_FAILURES:
                return await end("failing")
        return None

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(some())
    return ended[0] if ended else "complete"
