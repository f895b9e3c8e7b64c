"""Servers that were added on the page, and how everybody's list of models is arranged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec
from sqlalchemy import RowMapping, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import NotFound, ServerRefused
from chat_app.messages import Struct
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import servers, settings

ServerKind: TypeAlias = Literal["compatible", "vllm", "OpenAI", "Anthropic", "Qwen"]
"""What speaks Chat Completions, a vLLM, or a vendor, by its name."""
_ARRANGED = "models"
_BEGIN = text("INSERT INTO settings (key, value) VALUES (:key, '{}') ON CONFLICT (key) DO NOTHING")


@dataclass(frozen=True, slots=True)
class ServerContent:
    """A server as it is stored; `base_url` is empty for a vendor's usual one, `sealed_key` where it wants none."""

    name: str
    kind: ServerKind
    base_url: str
    sealed_key: str


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server that was added."""

    id: str
    content: ServerContent


class Arrangement(Struct, frozen=True):
    """How the list of models is arranged: `names` instead of the models' ids, and which come first, in which order.

    `served` is whose the models are that are called like a vendor's and are another server's: also once it is gone, no
    vendor is asked for them.
    """

    hidden: frozenset[str] = frozenset()
    names: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    order: tuple[str, ...] = ()
    served: dict[str, str] = msgspec.field(default_factory=dict[str, str])


_decode = msgspec.json.Decoder(Arrangement).decode


class ServerStore:
    """The table `servers`, and an entry of `settings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> tuple[list[ServerRecord], Arrangement]:
        """(every server, the oldest first, how the models are arranged)."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(servers).order_by(servers.c.id))).mappings()
            return [_record(row) for row in rows], await _arrangement(connection)

    async def add(self, content: ServerContent) -> ServerRecord:
        """Store one.

        Raises:
            ServerRefused: Another one has this name.
        """
        record = ServerRecord(new_id(), content)
        try:
            async with self._database.write() as connection:
                await connection.execute(
                    insert(servers), {"id": record.id, "created_at": now_ms(), **_columns(content)}
                )
        except IntegrityError as error:
            raise name_taken(content.name) from error
        return record

    async def change(self, server_id: str, content: ServerContent, *, keeps_key: bool = False) -> None:
        """Store it as it is now; the key that another worker has stored meanwhile stays, where it keeps it.

        Raises:
            NotFound: There is no such server.
            ServerRefused: Another one has this name.
        """
        try:
            async with self._database.write() as connection:
                columns = _columns(content)
                if keeps_key:
                    del columns["sealed_key"]
                statement = update(servers).where(servers.c.id == server_id).values(**columns)
                done = await connection.execute(statement)
        except IntegrityError as error:
            raise name_taken(content.name) from error
        if not done.rowcount:
            raise NotFound("There is no such server.")

    async def remove(self, server_id: str) -> None:
        """Forget one, and its key.

        Raises:
            NotFound: There is no such server.
        """
        async with self._database.write() as connection:
            done = await connection.execute(delete(servers).where(servers.c.id == server_id))
        if not done.rowcount:
            raise NotFound("There is no such server.")

    async def arrange(self, change: Callable[[Arrangement], Arrangement]) -> Arrangement:
        """Arrange the models anew, as nobody else does meanwhile.

        Args:
            change: From how they were arranged; may be called once only.
        """
        async with self._database.write() as connection:
            await connection.execute(_BEGIN, {"key": _ARRANGED})
            # For PostgreSQL, and by itself: what is read with a lock would be of before the wait for it.
            await connection.execute(select(settings.c.key).where(settings.c.key == _ARRANGED).with_for_update())
            arranged = change(await _arrangement(connection))
            value = msgspec.json.encode(arranged, order="sorted").decode()
            await connection.execute(update(settings).where(settings.c.key == _ARRANGED).values(value=value))
        return arranged


def name_taken(name: str) -> ServerRefused:
    """Two servers cannot have one name."""
    return ServerRefused(f"There is a server {name} already.", "name_taken", name=name)


def _columns(content: ServerContent) -> dict[str, str]:
    return {
        "name": content.name, "kind": content.kind, "base_url": content.base_url, "sealed_key": content.sealed_key,
    }  # fmt: skip


def _record(row: RowMapping) -> ServerRecord:
    return ServerRecord(row["id"], ServerContent(row["name"], row["kind"], row["base_url"], row["sealed_key"]))


async def _arrangement(connection: AsyncConnection) -> Arrangement:
    found = await connection.execute(select(settings.c.value).where(settings.c.key == _ARRANGED))
    value = found.scalar_one_or_none()
    return Arrangement() if value is None else _decode(value)
