"""Programs' keys: what may be done with each, never the key itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import RowMapping, insert, select, update

from chat_app.errors import NotFound
from chat_app.messages import NO_LIMITS, Limits
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import api_keys

_models = msgspec.json.Decoder(tuple[str, ...]).decode
_limits = msgspec.json.Decoder(Limits).decode


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key. `prefix` is how its owner tells it apart; no `models` means every one. Times are in ms; None is never."""

    id: str
    user_id: str
    name: str
    prefix: str
    sha256: str
    created_at: int
    models: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    expires_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None

    def is_good(self, at_ms: int) -> bool:
        """Whether it opens anything then."""
        return self.revoked_at is None and (self.expires_at is None or at_ms < self.expires_at)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored; `sha256` is in hexadecimal."""

    name: str
    prefix: str
    sha256: str
    models: tuple[str, ...] = ()
    limits: Limits = NO_LIMITS
    expires_at: int | None = None


class KeyStore:
    """The table `api_keys`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: str, new: NewKey) -> KeyRecord:
        """Store a key.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        row: dict[str, Any] = {
            "id": new_id(), "created_at": now_ms(), "user_id": user_id, "name": new.name, "prefix": new.prefix,
            "sha256": new.sha256, "models": msgspec.json.encode(new.models).decode(),
            "limits": msgspec.json.encode(new.limits).decode(), "expires_at": new.expires_at,
        }  # fmt: skip
        async with self._database.write() as connection:
            await connection.execute(insert(api_keys), row)
            found = await connection.execute(select(api_keys).where(api_keys.c.id == row["id"]))
            return _record(found.mappings().one())

    async def find(self, sha256: str) -> KeyRecord | None:
        """The key of this hash, be it good or not."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(api_keys).where(api_keys.c.sha256 == sha256))).mappings().first()
        return None if row is None else _record(row)

    async def of(self, user_id: str) -> list[KeyRecord]:
        """A person's keys, the newest first, without those that were revoked."""
        query = select(api_keys).where(api_keys.c.user_id == user_id, api_keys.c.revoked_at.is_(None))
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(api_keys.c.id.desc()))).mappings()
            return [_record(row) for row in rows]

    async def names(self, user_id: str) -> dict[str, str]:
        """The names of all keys that a person ever had, by id."""
        query = select(api_keys.c.id, api_keys.c.name).where(api_keys.c.user_id == user_id)
        async with self._database.read() as connection:
            return {row.id: row.name for row in await connection.execute(query)}

    async def revoke(self, user_id: str, key_id: str) -> None:
        """Let it open nothing any more.

        Raises:
            NotFound: No such key, or someone else's.
        """
        where = (api_keys.c.id == key_id, api_keys.c.user_id == user_id)
        async with self._database.write() as connection:
            done = await connection.execute(update(api_keys).where(*where).values(revoked_at=now_ms()))
        if not done.rowcount:
            raise NotFound("There is no such key here.")

    async def used(self, key_id: str) -> None:
        """Note that it was used just now."""
        async with self._database.write() as connection:
            await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now_ms()))


def _record(row: RowMapping) -> KeyRecord:
    own = {name: row[name] for name in KeyRecord.__dataclass_fields__ if name not in ("models", "limits")}
    return KeyRecord(**own, models=_models(row["models"]), limits=_limits(row["limits"]))
