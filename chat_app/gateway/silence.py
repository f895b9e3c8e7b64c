"""Bounds every wait of one answer for its next event."""

from __future__ import annotations

import asyncio
import math
from types import TracebackType


class Silence:
    """Turns a wait that takes too long into `TimeoutError`; a context manager around all the waits of one task.

    There is one timer for a whole answer, which looks again when it rings. `asyncio.timeout` for each event would arm
    and disarm one every time: a seventh of the CPU of a stream.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def begin(self, until: float) -> None:
        """A wait begins; `until` is by the loop's clock."""
        self._until = until
        if self._timer is None or self._timer.when() > until:
            self._arm(until)

    def end(self) -> None:
        """It is over: how long the event is looked at is no silence."""
        self._until = math.inf

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._until <= self._loop.time():
            self._is_over = True
            self._task.cancel()
        elif self._until < math.inf:
            self._arm(self._until)

    def __enter__(self) -> Silence:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 # whoever runs in a loop is one
        self._task, self._cancelling = task, task.cancelling()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_over:
            return
        is_ours = self._task.uncancel() <= self._cancelling  # somebody else may want the task to end, too
        if is_ours and kind is asyncio.CancelledError:
            raise TimeoutError from error
