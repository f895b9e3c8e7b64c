"""The log in memory, for one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from itertools import count

from chat_app.streams.base import KEEP_S, Batch, Began, Ended, Entry, Newest, fold

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(slots=True)
class _Log:
    epoch: str
    entries: list[Entry] = field(default_factory=list[Entry])
    running: dict[str, None] = field(default_factory=dict[str, None])
    newest: Newest = field(default_factory=Newest)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    touched_at: float = 0.0


class _Feed:
    """Strings to whoever listens now; a listener that falls behind loses none."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str]] = set()

    def put(self, item: str) -> None:
        for queue in self._queues:
            queue.put_nowait(item)

    async def follow(self) -> AsyncGenerator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)


class MemoryLog:
    """Logs as lists; a follower reads by index, so nothing can slip between a look and a wait."""

    def __init__(self) -> None:
        self._logs: dict[str, _Log] = {}
        self._epochs = count(time.time_ns() // 1_000_000)
        self._stops = _Feed()
        self._announcements = _Feed()

    async def check(self) -> None:
        """See `StreamLog.check`: it is always there."""

    def append(self, conversation_id: str, entry: Entry) -> None:
        """See `StreamLog.append`."""
        log = self._logs.get(conversation_id)
        if log is None or (isinstance(entry, Began) and not log.running):
            if log is not None:
                log.changed.set()
            log = self._logs[conversation_id] = _Log(_base36(next(self._epochs)))
        if not log.newest.counts(entry):
            return
        if isinstance(entry, Began):
            log.running[entry.message_id] = None
        elif isinstance(entry, Ended):
            log.running.pop(entry.message_id, None)
        log.entries.append(entry)
        log.touched_at = time.monotonic()
        log.changed.set()
        log.changed = asyncio.Event()

    async def follow(self, conversation_id: str, after: str | None) -> AsyncGenerator[Batch]:
        """See `StreamLog.follow`."""
        log = self._logs.get(conversation_id) or self._begin(conversation_id)
        epoch, _, index = (after or "").partition(".")
        seen = int(index) if epoch == log.epoch and index.isdecimal() else -1
        is_fresh = not 0 <= seen <= len(log.entries)
        seen, is_first = 0 if is_fresh else seen, True
        while True:
            changed = log.changed
            placed = tuple((f"{log.epoch}.{at}", entry) for at, entry in enumerate(log.entries[seen:], seen + 1))
            if placed or is_first:
                seen += len(placed)
                yield Batch(f"{log.epoch}.{seen}", placed, is_fresh, tuple(log.running))
                is_fresh = is_first = False
            if changed is log.changed and seen == len(log.entries):
                await changed.wait()
            newer = self._logs.get(conversation_id) or self._begin(conversation_id)
            if newer is not log and seen == len(log.entries):
                log, seen, is_fresh, is_first = newer, 0, True, True

    def _begin(self, conversation_id: str) -> _Log:
        log = self._logs[conversation_id] = _Log(_base36(next(self._epochs)), touched_at=time.monotonic())
        return log

    def begin_anew(self, conversation_id: str, message_id: str) -> None:
        """See `StreamLog.begin_anew`."""
        log = self._logs.get(conversation_id)
        own = [entry for entry in log.entries if entry.message_id == message_id] if log else []
        if own:
            parts = fold(own)[message_id].parts
            self.append(conversation_id, Began(message_id, parts, generation=own[-1].generation))

    def request_stop(self, message_id: str) -> None:
        """See `StreamLog.request_stop`."""
        self._stops.put(message_id)

    def stop_requests(self) -> AsyncGenerator[str]:
        """See `StreamLog.stop_requests`."""
        return self._stops.follow()

    def announce(self, user_id: str) -> None:
        """See `StreamLog.announce`."""
        self._announcements.put(user_id)

    def announcements(self) -> AsyncGenerator[str]:
        """See `StreamLog.announcements`."""
        return self._announcements.follow()

    async def run(self) -> None:
        """Forget logs whose answers have all ended a while ago."""
        while True:
            await asyncio.sleep(KEEP_S / 4)
            old = time.monotonic() - KEEP_S
            for key in [k for k, log in self._logs.items() if not log.running and log.touched_at < old]:
                self._logs.pop(key).changed.set()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits
