"""Keeps calls away from a deployment that fails again and again, and finds out when it is well."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from chat_app.errors import ModelError

State = Literal["closed", "open", "probing"]


class Breaker:
    """Of one deployment. Closed, calls go through; open, none does; after a rest one goes as a probe.

    Args:
        failures: So many in a row open it.
        rest_s: How long it stays open before a probe.
        clock: Seconds that only grow.
    """

    def __init__(self, *, failures: int, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rest_s, self._clock = failures, rest_s, clock
        self._failures = 0
        self._until = 0.0
        self._why: ModelError | None = None

    @property
    def state(self) -> State:
        """What it would do with a call now."""
        if self._failures < self._most:
            return "closed"
        return "open" if self._clock() < self._until else "probing"

    def admits(self) -> bool:
        """Whether a call may go; one that may, and is a probe, keeps the others away until it tells how it went."""
        state = self.state
        if state != "probing":
            return state == "closed"
        self._until = self._clock() + self._rest_s  # a probe that never tells is given up after another rest
        return True

    def why(self) -> ModelError | None:
        """What its last failure was, to raise."""
        return self._why and self._why.anew()

    def began(self) -> None:
        """A call has its first word: if it was a probe, others may come, and what fails next opens it again at once."""
        self._failures = min(self._failures, self._most - 1)

    def succeeded(self) -> None:
        """A call was answered."""
        self._failures, self._why = 0, None

    def failed(self, why: ModelError) -> None:
        """A call was not: the deployment's fault, not the caller's."""
        self._failures += 1
        self._why = why.anew()  # not itself, whose trace holds what was asked
        if self._failures >= self._most:
            self._until = self._clock() + self._rest_s
