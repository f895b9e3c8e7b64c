"""What people and conversations say of parameters: a layer of values each, with who the person is to a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import NotFound
from chat_app.messages import Json
from chat_app.parameters import Layer
from chat_app.store.database import Database
from chat_app.store.tables import conversations, users

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Said:
    """What one person and one conversation say; `leaf_message_id` is where the conversation's next message follows."""

    name: str = ""
    locale: str = ""
    time_zone: str = ""
    person: Layer = field(default_factory=dict[str, Json])
    conversation: Layer = field(default_factory=dict[str, Json])
    leaf_message_id: str | None = None


class LayerStore:
    """The columns `users.preferences` and `conversations.parameters`, each a layer as JSON."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, user_id: str, conversation_id: str | None) -> Said:
        """What a person says, and a conversation where there is one.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        async with self._database.read() as connection:
            return await _read(connection, user_id, conversation_id)

    async def change(self, user_id: str, conversation_id: str | None, change: Callable[[Said], Layer]) -> Said:
        """Change a conversation's layer, or the person's where none is named, as nobody else does meanwhile.

        Args:
            user_id: Whose.
            conversation_id: Which.
            change: From what was said to the new layer; may be called once only.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        async with self._database.write() as connection:
            # For PostgreSQL, and by itself: what is read with a lock would be of before the wait for it.
            await connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())
            said = await _read(connection, user_id, conversation_id)
            layer = _encode(change(said)).decode()
            if conversation_id is None:
                statement = update(users).where(users.c.id == user_id).values(preferences=layer)
            else:
                statement = update(conversations).where(conversations.c.id == conversation_id).values(parameters=layer)
            await connection.execute(statement)
            return await _read(connection, user_id, conversation_id)

    async def place(self, user_id: str, *, locale: str, time_zone: str) -> None:
        """Note which language a person reads, and where their clock is."""
        async with self._database.write() as connection:
            statement = update(users).where(users.c.id == user_id)
            await connection.execute(statement.values(locale=locale, time_zone=time_zone))

    async def rename(self, user_id: str, name: str) -> None:
        """Note what a person is called."""
        async with self._database.write() as connection:
            await connection.execute(update(users).where(users.c.id == user_id).values(name=name))


def _decode(text: str) -> Layer:
    layer: Layer = msgspec.json.decode(text)
    return layer


async def _read(connection: AsyncConnection, user_id: str, conversation_id: str | None) -> Said:
    person = [users.c[name] for name in ("name", "locale", "time_zone", "preferences")]
    query = select(*person, conversations.c.id, conversations.c.parameters, conversations.c.leaf_message_id)
    mine = and_(
        conversations.c.user_id == users.c.id,
        conversations.c.id == (conversation_id or ""),
        conversations.c.deleted_at.is_(None),
    )
    query = query.select_from(users.outerjoin(conversations, mine)).where(users.c.id == user_id)
    row = (await connection.execute(query)).one_or_none()
    if conversation_id is not None and (row is None or row.id is None):
        raise NotFound("There is no such conversation here.")
    if row is None:
        return Said()
    own = _decode(row.parameters) if row.parameters else Layer()
    return Said(row.name, row.locale or "", row.time_zone or "", _decode(row.preferences), own, row.leaf_message_id)
