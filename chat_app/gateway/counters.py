"""Counting what is asked for, in windows of time: for one worker here, for several in `redis_counters.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

_FORGET_EVERY_S = 60


@dataclass(frozen=True, slots=True)
class Window:
    """A limit, and what a call takes of it.

    A window is `slots` stretches of `slot_s` seconds, the last of which is the one that now is in. Without `slot_s` it
    holds what is open, and is given back. `key` is where it is counted; one that is seeded is begun by `Counters.seed`
    alone.
    """

    key: str
    limit: int
    amount: int
    slot_s: int = 1
    slots: int = 60
    is_seeded: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a call may go: `refused` is the first window that is full, and `wait_s` when it has room for the call.

    `used` is what each window holds, this call counted in where it goes; `slots` is where it was counted.
    """

    used: tuple[int, ...]
    slots: tuple[int, ...] = ()
    refused: int | None = None
    wait_s: float = 0.0


class Counters(Protocol):
    """Counts."""

    async def take(self, windows: Sequence[Window], call_id: str) -> Verdict:
        """Count a call in all windows, or in none where one is full."""
        ...

    def settle(self, windows: Sequence[Window], call_id: str, slots: Sequence[int], amounts: Sequence[int]) -> None:
        """Put right what a call took, now that it is known, and give back what it held open.

        What was reserved too much is given back where it was; what was taken beyond that counts from now on, or an
        answer longer than its window would count nowhere.
        """
        ...

    async def seed(self, window: Window, read: Callable[[], Awaitable[int]]) -> None:
        """Begin a window that nobody has counted in with what is known from elsewhere."""
        ...

    async def run(self) -> None:
        """Whatever goes on beside, until cancelled."""
        ...

    async def aclose(self) -> None:
        """Let go of what is open."""
        ...


class MemoryCounters:
    """Counts of one worker. Nothing is awaited between the look and the count, so that nobody comes between.

    Args:
        clock: Seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._counts: dict[str, dict[int, int]] = {}
        self._until: dict[str, float] = {}  # when a key's last count leaves its window
        self._open: dict[str, set[str]] = {}

    async def take(self, windows: Sequence[Window], call_id: str) -> Verdict:
        """See `Counters.take`."""
        now = self._clock()
        used = [self._used(window, now) for window in windows]
        for number, window in enumerate(windows):
            if used[number] + window.amount > window.limit:
                return Verdict(tuple(used), (), number, self._wait_s(window, now, used[number]))
        slots: list[int] = []
        for number, window in enumerate(windows):
            slot = int(now // window.slot_s) if window.slot_s else 0
            if window.slot_s:
                self._add(window, slot, window.amount)
            else:
                self._open.setdefault(window.key, set()).add(call_id)
            slots.append(slot)
            used[number] += window.amount
        return Verdict(tuple(used), tuple(slots))

    def settle(self, windows: Sequence[Window], call_id: str, slots: Sequence[int], amounts: Sequence[int]) -> None:
        """See `Counters.settle`."""
        for window, slot, amount in zip(windows, slots, amounts, strict=True):
            if not window.slot_s:
                self._open[window.key].discard(call_id)
                if not self._open[window.key]:
                    del self._open[window.key]
            elif amount > window.amount:
                self._add(window, int(self._clock() // window.slot_s), amount - window.amount)
            elif slot in (counts := self._counts.get(window.key, {})):
                counts[slot] += amount - window.amount

    def _add(self, window: Window, slot: int, amount: int) -> None:
        counts = self._counts.setdefault(window.key, {})
        counts[slot] = counts.get(slot, 0) + amount
        self._until[window.key] = (slot + window.slots) * window.slot_s

    async def seed(self, window: Window, read: Callable[[], Awaitable[int]]) -> None:
        """See `Counters.seed`."""
        if window.key not in self._counts:
            known = await read()
            slot = int(self._clock() // window.slot_s)
            self._counts.setdefault(window.key, {slot: known})
            self._until[window.key] = (slot + window.slots) * window.slot_s

    async def run(self) -> None:
        """See `Counters.run`: windows in which nothing is left are forgotten."""
        while True:
            await asyncio.sleep(_FORGET_EVERY_S)
            self.forget()

    async def aclose(self) -> None:
        """See `Counters.aclose`: nothing is."""

    def forget(self) -> None:
        """Drop windows whose last count has left them: addresses come and go without end."""
        now = self._clock()
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key]
            self._counts.pop(key, None)

    def _used(self, window: Window, now: float) -> int:
        if not window.slot_s:
            return len(self._open.get(window.key, ()))
        counts = self._counts.get(window.key)
        if counts is None:
            return 0
        first = int(now // window.slot_s) - window.slots + 1
        for slot in [slot for slot in counts if slot < first]:
            del counts[slot]
        return sum(counts.values())

    def _wait_s(self, window: Window, now: float, used: int) -> float:
        if not window.slot_s:
            return 1.0
        over = used + window.amount - window.limit
        for slot, amount in sorted(self._counts.get(window.key, {}).items()):
            over -= amount
            if over <= 0:
                return (slot + window.slots) * window.slot_s - now
        return float(window.slots * window.slot_s)
