"""Who watches a person's library, and is woken when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager


class Changes:
    """Wakes whoever watches a person's library, once however many changes came meanwhile.

    Args:
        announce: Tells the other workers.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._watchers: dict[str, set[asyncio.Event]] = {}

    def tell(self, user_id: str) -> None:
        """Something changed for this person, on this worker."""
        self.wake(user_id)  # at once, also while the way to the others is cut
        self._announce(user_id)

    def wake(self, user_id: str) -> None:
        """Something changed for this person, on whichever worker."""
        for event in self._watchers.get(user_id, ()):
            event.set()

    def tell_all(self) -> None:
        """Something changed for everybody, such as the list of models."""
        for user_id in self._watchers:
            self.wake(user_id)

    @asynccontextmanager
    async def watch(self, user_id: str) -> AsyncGenerator[asyncio.Event]:
        """An event that is set at each change while the block runs, and at first; the watcher clears it.

        At first, since what the watcher read before it watched may have changed since then.
        """
        event = asyncio.Event()
        event.set()
        self._watchers.setdefault(user_id, set()).add(event)
        try:
            yield event
        finally:
            self._watchers[user_id].discard(event)
            if not self._watchers[user_id]:
                del self._watchers[user_id]
