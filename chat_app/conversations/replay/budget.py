"""A cost limit that several share who spend at the same time: nobody begins what might go over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Budget:
    """Micro-dollars.

    Args:
        most: The limit; None is none.
        spent: What was spent before.
    """

    def __init__(self, most: int | None, spent: int) -> None:
        self._most, self._spent, self._pending, self._under_way, self._is_closed = most, spent, 0, 0, False
        self._changed = asyncio.Condition()

    async def admits(self, expected: Callable[[], int | None]) -> int | None:
        """What is set aside for something that may begin now, which is to be settled; None where it may not.

        Waits for what is under way to be known.

        Args:
            expected: What it may cost, as far as is known by then; None where that shows at the end of another.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_closed or self._under_way == 0 or self._fits(expected()))
            cost = expected()
            if self._is_closed or not self._fits(cost):
                return None
            self._pending += cost or 0
            self._under_way += 1
            return cost or 0

    async def settle(self, aside: int, cost: int | None) -> None:
        """It has ended, and has cost so much."""
        async with self._changed:
            self._pending -= aside
            self._under_way -= 1
            self._spent += cost or 0
            self._changed.notify_all()

    async def close(self) -> None:
        """Admit nothing any more, also of what waits."""
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _fits(self, cost: int | None) -> bool:
        return self._most is None or (cost is not None and self._spent + self._pending + cost <= self._most)
