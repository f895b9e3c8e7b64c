"""The library: a person's conversations without their messages. Every query goes through the owner."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import NotFound
from chat_app.store.database import Database, now_ms
from chat_app.store.deleted import with_all_below
from chat_app.store.imports import BATCH, Imported, find_files, imported_rows
from chat_app.store.records import ConversationRecord
from chat_app.store.replay_tables import prompt_sets
from chat_app.store.tables import chunks, conversations, messages, users
from chat_app.store.vectors import follow_conversation, forget, next_version

_NAMES = [
    "id",
    "title",
    "title_source",
    "model",
    "leaf_message_id",
    "pinned",
    "created_at",
    "updated_at",
    "read_at",
    "archived_at",
    "deleted_at",
    "import_key",
]
_COLUMNS = [*(conversations.c[name] for name in _NAMES), (conversations.c.parameters != "{}").label("is_tuned")]


class ConversationStore:
    """Reads and changes conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def cost_micros(self, user_id: str, conversation_id: str) -> int | None:
        """What the answers of a conversation have cost, on every branch; None where no price is known."""
        owned = (messages.c.conversation_id == conversation_id, messages.c.user_id == user_id)
        async with self._database.read() as connection:
            total = await connection.scalar(select(func.sum(messages.c.cost_micros)).where(*owned))
        return None if total is None else int(total)

    async def get(self, user_id: str, conversation_id: str) -> ConversationRecord:
        """One conversation.

        Raises:
            NotFound: No such conversation, deleted, or someone else's.
        """
        query = select(*_COLUMNS).where(
            conversations.c.id == conversation_id,
            conversations.c.user_id == user_id,
            conversations.c.deleted_at.is_(None),
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such conversation here.")
        return ConversationRecord(**row)

    async def library(
        self, user_id: str, *, limit: int, before: tuple[int, str] | None = None, pinned: bool = False,
        archived: bool = False,
    ) -> list[ConversationRecord]:  # fmt: skip
        """A page of the sidebar, the latest first.

        Args:
            user_id: Whose.
            limit: How many at most.
            before: (updated_at, id) of the last one seen.
            pinned: The pinned ones, or the others.
            archived: The archived ones, or the others.
        """
        where: list[ColumnElement[bool]] = [
            conversations.c.user_id == user_id,
            conversations.c.deleted_at.is_(None),
            conversations.c.archived_at.is_not(None) if archived else conversations.c.archived_at.is_(None),
        ]
        if not archived:
            where.append(conversations.c.pinned.is_(pinned))
        if before is not None:
            where.append(tuple_(conversations.c.updated_at, conversations.c.id) < before)
        return await self._select(where, limit)

    async def deleted(self, user_id: str, limit: int) -> list[ConversationRecord]:
        """Conversations that can still be brought back."""
        return await self._select([conversations.c.user_id == user_id, conversations.c.deleted_at.is_not(None)], limit)

    async def all_ids(self, user_id: str) -> list[str]:
        """Every conversation that is not deleted, oldest first."""
        query = select(conversations.c.id).where(
            conversations.c.user_id == user_id, conversations.c.deleted_at.is_(None)
        )
        async with self._database.read() as connection:
            return list((await connection.execute(query.order_by(conversations.c.id))).scalars())

    async def leaves(self, user_id: str) -> list[str]:
        """The last message in view of every conversation that is not deleted, the oldest conversation first."""
        of = conversations.c
        mine = (of.user_id == user_id, of.deleted_at.is_(None), of.leaf_message_id.is_not(None))
        async with self._database.read() as connection:
            return list((await connection.execute(select(of.leaf_message_id).where(*mine).order_by(of.id))).scalars())

    async def rename(self, user_id: str, conversation_id: str, title: str, *, source: str) -> bool:
        """Give a title. A person's own is final: no other source replaces it.

        Returns:
            Whether it was changed.
        """
        where = [conversations.c.id == conversation_id, conversations.c.user_id == user_id]
        if source != "person":
            where.append(conversations.c.title_source != "person")
        return await self._update(where, title=title, title_source=source) == 1

    async def set_pinned(self, user_id: str, conversation_id: str, *, pinned: bool) -> None:
        """Pin it, or let it go."""
        await self._change(user_id, conversation_id, pinned=pinned)

    async def set_archived(self, user_id: str, conversation_id: str, *, archived: bool) -> None:
        """Put it away, or take it back."""
        await self._change(user_id, conversation_id, archived_at=now_ms() if archived else None)

    async def set_deleted(self, user_id: str, conversation_id: str, *, deleted: bool) -> None:
        """Delete it, or undo that."""
        owned = (conversations.c.id == conversation_id, conversations.c.user_id == user_id)
        statement = update(conversations).where(*owned).values(deleted_at=now_ms() if deleted else None)
        async with self._database.write() as connection:
            await next_version(connection, user_id)
            if (await connection.execute(statement)).rowcount != 1:
                raise NotFound("There is no such conversation here.")
            await follow_conversation(connection, user_id, conversation_id, deleted=deleted)

    async def set_model(self, user_id: str, conversation_id: str, model: str) -> None:
        """Choose the model of its next answers."""
        await self._change(user_id, conversation_id, model=model)

    async def mark_read(self, user_id: str, conversation_id: str) -> None:
        """Note that its last answer was seen."""
        await self._change(user_id, conversation_id, read_at=now_ms())

    async def delete_everything(self, user_id: str) -> None:
        """Delete every conversation of a person, and what was made of them for trials, at once and for good."""
        async with self._database.write() as connection:
            await forget(connection, user_id, chunks.c.kind == "message")
            await connection.execute(delete(conversations).where(conversations.c.user_id == user_id))
            await connection.execute(delete(prompt_sets).where(prompt_sets.c.user_id == user_id))

    async def purge(self, deleted_before_ms: int) -> None:
        """Forget for good what was deleted before then."""
        async with self._database.write() as connection:
            await connection.execute(delete(conversations).where(conversations.c.deleted_at < deleted_before_ms))
            gone = with_all_below(messages.c.deleted_at < deleted_before_ms)
            await connection.execute(delete(messages).where(messages.c.id.in_(select(gone.c.id))))

    async def add_imported(self, user_id: str, entries: Iterable[Imported]) -> tuple[int, int, int]:
        """Add conversations from a file, all or none.

        Those whose key is known already are passed over, or brought back where they are deleted.

        Args:
            user_id: Whose they become.
            entries: What they are, read in another thread.

        Returns:
            (how many were added or brought back, how many were passed over, how many of their files are not there).
        """
        # In full before the transaction: SQLite's one writer is to hold its lock for the inserts alone.
        count, made = await asyncio.to_thread(imported_rows, user_id, entries)
        async with self._database.write() as connection:
            known = await _known_keys(connection, user_id)
            new = [made[key] for key in made if key not in known]
            back = [{"b_id": known[key][0]} for key in made if key in known and known[key][1]]
            if new:
                await connection.execute(insert(conversations), [entry.conversation for entry in new])
            files = await find_files(connection, user_id, new)
            rows = [row for entry in new for row in entry.messages]
            for start in range(0, len(rows), BATCH):  # between batches others have the event loop
                await connection.execute(insert(messages), rows[start : start + BATCH])
            await files.store(connection)
            if back:
                bring_back = update(conversations).where(conversations.c.id == bindparam("b_id"))
                await connection.execute(bring_back.values(deleted_at=None), back)
            for each in back:
                await follow_conversation(connection, user_id, each["b_id"], deleted=False)
        added = len(new) + len(back)
        return added, count - added, files.missing

    async def import_keys(self, user_id: str) -> frozenset[str]:
        """The keys of all that a person has."""
        async with self._database.read() as connection:
            return frozenset(await _keys(connection, user_id))

    async def counts(self, user_id: str) -> tuple[int, int]:
        """How many conversations and messages a person has, what is deleted but not gone among them."""
        mine = conversations.c.user_id == user_id
        query = select(
            select(func.count()).select_from(conversations).where(mine).scalar_subquery(),
            select(func.count()).select_from(messages).where(messages.c.user_id == user_id).scalar_subquery(),
        )
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one()
        return int(row[0]), int(row[1])

    async def has_others(self, user_id: str) -> bool:
        """Whether there is anybody but this person."""
        async with self._database.read() as connection:
            query = select(users.c.id).where(users.c.id != user_id).limit(1)
            return (await connection.execute(query)).first() is not None

    async def _select(self, where: list[ColumnElement[bool]], limit: int) -> list[ConversationRecord]:
        query = select(*_COLUMNS).where(*where).limit(limit)
        query = query.order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
        async with self._database.read() as connection:
            return [ConversationRecord(**row) for row in (await connection.execute(query)).mappings()]

    async def _change(self, user_id: str, conversation_id: str, **values: object) -> None:
        where = [conversations.c.id == conversation_id, conversations.c.user_id == user_id]
        if await self._update(where, **values) != 1:
            raise NotFound("There is no such conversation here.")

    async def _update(self, where: list[ColumnElement[bool]], **values: object) -> int:
        async with self._database.write() as connection:
            return (await connection.execute(update(conversations).where(*where).values(**values))).rowcount


async def _known_keys(connection: AsyncConnection, user_id: str) -> dict[str, tuple[str, bool]]:
    """What a person has: import key → (id, whether it is deleted). Their other imports wait for this transaction."""
    mine = select(users.c.id).where(users.c.id == user_id)
    await connection.execute(mine.with_for_update(key_share=True))  # PostgreSQL's; SQLite has one writer anyway
    return await _keys(connection, user_id)


async def _keys(connection: AsyncConnection, user_id: str) -> dict[str, tuple[str, bool]]:
    query = select(
        conversations.c.id, conversations.c.import_key, conversations.c.deleted_at.is_not(None).label("is_deleted")
    )
    rows = await connection.execute(query.where(conversations.c.user_id == user_id))
    return {row.import_key or f"chat_app:{row.id}": (row.id, row.is_deleted) for row in rows}
