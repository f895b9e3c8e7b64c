"""Writes down what every attempt took. Nobody waits for it: rows go to the database together, a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import structlog

from chat_app.errors import StoreUnavailable
from chat_app.store.database import to_the_end
from chat_app.store.usage import Used

log = structlog.get_logger(__name__)
_MOST_ROWS = 100_000


class Ledger:
    """Rows on their way to the database.

    Args:
        add: Stores them, all or none.
        every_s: How often; a killed process loses the rows of so long.
    """

    def __init__(self, add: Callable[[Sequence[Used]], Coroutine[None, None, None]], *, every_s: float) -> None:
        self._add, self._every_s = add, every_s
        self._rows: list[Used] = []

    def write(self, row: Used) -> None:
        """Take a row in."""
        if len(self._rows) < _MOST_ROWS:  # a database that is away for very long must not fill the memory
            self._rows.append(row)

    async def run(self) -> None:
        """Store what has gathered, again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.flush()

    async def flush(self) -> None:
        """Store what has gathered; while the database is away it stays."""
        if not self._rows:
            return
        rows = self._rows
        self._rows = []
        try:
            await to_the_end(self._add(rows))
        except StoreUnavailable as error:
            self._rows = [*rows, *self._rows]
            log.warning("ledger.postponed", rows=len(self._rows), error=error.detail)
        except Exception:  # a task boundary: a row that no database takes must not end the ledger
            log.exception("ledger.lost", rows=len(rows))
