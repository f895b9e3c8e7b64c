"""Work in the background: one row for each, held by one worker at a time. A worker that dies loses it by the clock."""

from __future__ import annotations

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import jobs


class JobStore:
    """Reads and writes jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, kind: str, key: str, holder: str, lease_ms: int) -> bool:
        """Hold a job for so long from now on, or go on holding it.

        Returns:
            Whether it is the holder's.
        """
        at = now_ms()
        free = or_(jobs.c.holder == holder, jobs.c.lease_until < at)
        mine = update(jobs).where(jobs.c.kind == kind, jobs.c.key == key, free)
        try:
            async with self._database.write() as connection:
                if (await connection.execute(mine.values(holder=holder, lease_until=at + lease_ms))).rowcount:
                    return True
                there = select(jobs.c.id).where(jobs.c.kind == kind, jobs.c.key == key)
                if (await connection.execute(there)).first() is None:
                    row = {"id": new_id(), "created_at": at, "kind": kind, "key": key}
                    await connection.execute(insert(jobs), [row | {"holder": holder, "lease_until": at + lease_ms}])
                    return True
        except IntegrityError:  # another worker has made it at this moment, and holds it
            return False
        return False

    async def forget(self, kind: str, key: str, holder: str) -> None:
        """Forget a job that is the holder's."""
        mine = (jobs.c.kind == kind, jobs.c.key == key, jobs.c.holder == holder)
        async with self._database.write() as connection:
            await connection.execute(delete(jobs).where(*mine))
