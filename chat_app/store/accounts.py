"""What people may do."""

from __future__ import annotations

from sqlalchemy import select

from chat_app.store.database import Database
from chat_app.store.tables import users

_ADMIN = "admin"


class AccountStore:
    """The table `users`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def is_admin(self, user_id: str) -> bool:
        """Whether a person may change what is everybody's."""
        async with self._database.read() as connection:
            role = (await connection.execute(select(users.c.role).where(users.c.id == user_id))).scalar_one_or_none()
        return role == _ADMIN
