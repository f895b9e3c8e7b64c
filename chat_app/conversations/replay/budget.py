"""A cost limit that several share who spend at the same time: nobody begins what might go over it."""

from __future__ import annotations

import asyncio


class Budget:
    """Micro-dollars.

    Args:
        most: The limit; None is none.
        spent: What was spent before.
    """

    def __init__(self, most: int | None, spent: int) -> None:
        self._most, self._spent, self._pending, self._is_closed = most, spent, 0, False
        self._changed = asyncio.Condition()

    async def admits(self, expected: int) -> bool:
        """Whether something may be begun that is expected to cost so much; waits for what is under way to be known.

        What was admitted is to be settled.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_closed or self._fits(expected) or self._pending == 0)
            if self._is_closed or not self._fits(expected):
                return False
            self._pending += expected
            return True

    async def settle(self, expected: int, cost: int | None) -> None:
        """It has ended, and has cost so much."""
        async with self._changed:
            self._pending -= expected
            self._spent += cost or 0
            self._changed.notify_all()

    async def close(self) -> None:
        """Admit nothing any more, also of what waits."""
        async with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _fits(self, expected: int) -> bool:
        return self._most is None or self._spent + self._pending + expected <= self._most
