"""Work in the background that several workers could do: one does it, and another when that one dies.

What is to be done is always read from what is stored, never remembered: a worker that is killed leaves nothing behind
but its lease, and what was done twice by two that both thought they held it is the same as if it was done once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

_LEASE_MS = 10_000

Claim = Callable[[str, str, str, int], Awaitable[bool]]
Forget = Callable[[str, str, str], Awaitable[None]]


class Jobs:
    """One worker's share in the jobs.

    Args:
        claim: Holds a job for a holder, for so many milliseconds; says whether it is the holder's.
        holder: Who this worker is. One that works alone is the same after a restart, and waits for no lease.
        forget: Forgets a job of a holder's that is done.
    """

    def __init__(self, claim: Claim, holder: str, forget: Forget | None = None) -> None:
        self._claim, self._holder, self._forget = claim, holder, forget

    async def holds(self, kind: str, key: str = "") -> bool:
        """Whether a job is this worker's, from now on for ten seconds; ask again before each step of it.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        return await self._claim(kind, key, self._holder, _LEASE_MS)

    async def let_go(self, kind: str, key: str) -> None:
        """A job that comes once is done.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        if self._forget is not None:
            await self._forget(kind, key, self._holder)
