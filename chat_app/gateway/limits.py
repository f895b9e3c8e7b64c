"""How much a key, a person or an address may ask for.

A call is let in as a whole or not at all. Requests and streams are exact; tokens and cost are reserved by an estimate
when it comes in, and put right when it has ended.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from chat_app.errors import LimitReached
from chat_app.gateway.caller import Caller
from chat_app.gateway.counters import Counters, Verdict, Window
from chat_app.messages import NO_LIMITS, Limits, Rate
from chat_app.store.usage import Subject, Used

_DAY_S, _MONTH_S = 24 * 3600, 31 * 24 * 3600
_MICROS = 1_000_000
_WORDS = {
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
    "streams": "answers at the same time",
    "dollars_per_day": "dollars a day",
    "dollars_per_month": "dollars a month",
}
Spent = Callable[[Subject, str, int], Awaitable[int]]
"""(whose, its id, since when in ms) → what was spent since then, in micro-dollars."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """A window with what it is about: `name` is the limit's, `spender` whose money, `since_ms` from when on."""

    name: str
    window: Window
    spender: tuple[Subject, str] | None = None
    since_ms: int = 0


@dataclass(slots=True)
class Admission:
    """A call that was let in: what it takes."""

    tokens: int = 0
    micros: int = 0

    def add(self, used: Used) -> None:
        """One of its attempts has ended."""
        self.tokens += (used.usage.input_tokens or 0) + (used.usage.output_tokens or 0)
        self.micros += used.cost_micros or 0


class Limiter:
    """Lets calls in.

    Args:
        counters: Where it is counted.
        usual: What every person and every address may ask for; a key has its own limits besides.
        spent: What was spent before, where nobody has counted yet.
    """

    def __init__(self, counters: Counters, usual: Limits, spent: Spent) -> None:
        self._counters, self._usual, self._spent = counters, usual, spent

    @asynccontextmanager
    async def admitted(self, caller: Caller, tokens: int, micros: int) -> AsyncGenerator[Admission]:
        """Let a call in, for as long as the block runs.

        Args:
            caller: Whose it is.
            tokens: What it will take, about.
            micros: What it will cost, about, in micro-dollars.

        Raises:
            LimitReached: There is no room for it now.
        """
        limits = list(self._limits(caller, tokens, micros))
        for limit in limits:
            if limit.spender is not None:
                await self._counters.seed(limit.window, lambda at=limit: self._spent(*_spender(at), at.since_ms))
        windows = [limit.window for limit in limits]
        verdict = await self._counters.take(windows, caller.request_id)
        caller.on_rates(tuple(_rates(limits, verdict)))
        if verdict.refused is not None:
            raise _reached(limits[verdict.refused], verdict)
        admission = Admission()
        try:
            yield admission
        finally:
            actual = {"tokens_per_minute": admission.tokens, "dollars_per_day": admission.micros}
            actual["dollars_per_month"] = admission.micros
            amounts = [actual.get(limit.name, limit.window.amount) for limit in limits]
            self._counters.settle(windows, caller.request_id, verdict.slots, amounts)

    async def knock(self, caller: Caller) -> None:
        """Count a request that nobody was known to make by its address: keys cannot be guessed without end.

        Raises:
            LimitReached: There were too many from this address.
        """
        limit = self._usual.requests_per_minute
        if limit is not None:
            found = _Limit("requests_per_minute", Window(f"address:{caller.address}:unknown", limit, 1))
            verdict = await self._counters.take([found.window], "")
            caller.on_rates(tuple(_rates([found], verdict)))
            if verdict.refused is not None:
                raise _reached(found, verdict)
            self._counters.settle([found.window], "", verdict.slots, [1])

    def _limits(self, caller: Caller, tokens: int, micros: int) -> Iterable[_Limit]:
        usual = self._usual
        if not caller.is_counted:
            usual = msgspec.structs.replace(usual, requests_per_minute=None, streams=None)
        yield from _of(f"user:{caller.user_id}", usual, tokens, micros, ("user", caller.user_id))
        if caller.key_id is not None:
            yield from _of(f"key:{caller.key_id}", caller.limits, tokens, micros, ("key", caller.key_id))
        elif caller.address:
            yield from _of(f"address:{caller.address}", usual, tokens, micros, None)


def _of(
    subject: str, limits: Limits, tokens: int, micros: int, spender: tuple[Subject, str] | None
) -> Iterable[_Limit]:
    if limits == NO_LIMITS:
        return
    if (most := limits.requests_per_minute) is not None:
        yield _Limit("requests_per_minute", Window(f"{subject}:requests", most, 1))
    if (most := limits.tokens_per_minute) is not None:
        yield _Limit("tokens_per_minute", Window(f"{subject}:tokens", most, min(tokens, most)))
    if (most := limits.streams) is not None:
        yield _Limit("streams", Window(f"{subject}:streams", most, 1, slot_s=0))
    if spender is None:  # an address has no ledger
        return
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for dollars, name, since, slot_s in (
        (limits.dollars_per_day, "dollars_per_day", today, _DAY_S),
        (limits.dollars_per_month, "dollars_per_month", today.replace(day=1), _MONTH_S),
    ):
        if dollars is not None:
            # Named by its first day: it ends as the calendar does, not by moving on.
            key, most = f"{subject}:{name}:{since:%Y-%m-%d}", int(dollars * _MICROS)
            window = Window(key, most, max(micros, 1), slot_s, 2, is_seeded=True)
            yield _Limit(name, window, spender, int(since.timestamp() * 1000))


def _spender(limit: _Limit) -> tuple[Subject, str]:
    assert limit.spender is not None  # noqa: S101 # asked only of those that have one
    return limit.spender


def _reached(limit: _Limit, verdict: Verdict) -> LimitReached:
    wait_s = verdict.wait_s
    if limit.spender is not None:
        wait_s = max(1.0, _ends_at(limit) - datetime.now(UTC).timestamp())
    most = limit.window.limit / _MICROS if limit.spender is not None else limit.window.limit
    return LimitReached(f"The limit of {most:g} {_WORDS[limit.name]} is reached.", limit.name, math.ceil(wait_s))


def _ends_at(limit: _Limit) -> float:
    began = datetime.fromtimestamp(limit.since_ms / 1000, UTC)
    if limit.name == "dollars_per_day":
        return began.timestamp() + _DAY_S
    return began.replace(year=began.year + began.month // 12, month=began.month % 12 + 1).timestamp()


def _rates(limits: Iterable[_Limit], verdict: Verdict) -> Iterable[Rate]:
    """The tightest of each kind that the OpenAI API has headers for."""
    found: dict[str, Rate] = {}
    for limit, used in zip(limits, verdict.used, strict=False):  # after a full one none was looked at
        name = {"requests_per_minute": "requests", "tokens_per_minute": "tokens"}.get(limit.name)
        if name is None:
            continue
        window = limit.window
        rate = Rate(name, window.limit, max(0, window.limit - used), float(window.slots * window.slot_s))
        if name not in found or rate.left < found[name].left:
            found[name] = rate
    return found.values()
