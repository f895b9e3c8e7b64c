"""What the index of texts lacks: messages that are not in it as they are now, and chunks without a vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Select, and_, case, func, literal, or_, select, text, update

from chat_app.entries import Unembedded
from chat_app.store.database import Database
from chat_app.store.deleted import below_deleted
from chat_app.store.tables import UNINDEXED, chunks, conversations, documents, messages
from chat_app.store.vectors import detach

_CONTEXT = 300
"""Characters of a question that its answer is embedded with: an answer is looked for in the words of its question."""
_UNINDEXED = text(UNINDEXED.replace("status", "messages.status"))


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A message that is not searched as it is now. `is_gone` says that it is deleted, or follows one that is."""

    id: str
    user_id: str
    conversation_id: str
    role: str
    model: str
    created_at: int
    revision: int
    text: str
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index is: how many of a person's messages and documents are not in it, and what it has of theirs."""

    unindexed: int
    unembedded: int
    chunks: int


class Backlog:
    """Reads what is to be done, and how much of it is done."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unindexed(self, limit: int) -> list[Unindexed]:
        """Messages of anybody's that are not searched as they are now, the newest first."""
        names = ("id", "user_id", "conversation_id", "role", "model", "created_at", "revision")
        is_gone = or_(messages.c.deleted_at.is_not(None), conversations.c.deleted_at.is_not(None))
        query = select(
            *(messages.c[name] for name in names), messages.c.search_text.label("text"), is_gone.label("is_gone")
        )
        query = query.join(conversations, conversations.c.id == messages.c.conversation_id).where(_UNINDEXED)
        async with self._database.read() as connection:
            rows = await connection.execute(query.order_by(messages.c.id.desc()).limit(limit))
            found = [Unindexed(**row) for row in rows.mappings()]
            below = await below_deleted(connection, [each.id for each in found if not each.is_gone])
        return [replace(each, is_gone=True) if each.id in below else each for each in found]

    async def unembedded(self, space: str, limit: int) -> list[Unembedded]:
        """Chunks of anybody's that have no vector of a space, the newest first."""
        question = messages.alias()
        context = case((chunks.c.role == "assistant", func.substr(question.c.search_text, 1, _CONTEXT)), else_="")
        columns = (chunks.c.user_id, chunks.c.ref, chunks.c.version, chunks.c.text, func.coalesce(context, ""))
        stands = chunks.outerjoin(messages, messages.c.id == chunks.c.message_id)
        stands = stands.outerjoin(question, question.c.id == messages.c.parent_id)
        query = select(*columns).select_from(stands).order_by(chunks.c.at.desc()).limit(limit)
        async with self._database.read() as connection:
            # One other space at a time: the index serves a space by time, where an inequality would sort all that wait.
            for within in (chunks.c.space < space, chunks.c.space > space):
                other = await connection.scalar(select(func.min(chunks.c.space)).where(within))
                if other is not None:
                    rows = await connection.execute(query.where(chunks.c.space == other))
                    return [Unembedded(*row) for row in rows]
        return []

    async def progress(self, user_id: str, space: str) -> Progress:
        """How far the index of a person's texts is."""
        # Said so that SQLite reads those that wait, and not all of a person's by the index that their id leads.
        mine, of = func.coalesce(messages.c.user_id, "") == user_id, chunks.c.user_id == user_id
        theirs = and_(documents.c.user_id == user_id, documents.c.blob_id.is_not(None))
        counts = (
            select(func.count()).select_from(messages).where(mine, _UNINDEXED),
            select(func.count()).select_from(documents).where(theirs, ~documents.c.is_indexed),
            select(func.count()).select_from(chunks).where(of, chunks.c.space != space, literal(bool(space))),
            select(func.count()).select_from(chunks).where(of),
        )
        unread, uncut, unembedded, all_chunks = await self._counted(counts)
        return Progress(unread + uncut, unembedded, all_chunks)

    async def contents(self, user_id: str) -> tuple[int, int]:
        """(messages, documents) that a person can find; reads all of their chunks."""
        counts = (
            select(func.count(chunks.c.message_id.distinct())).where(chunks.c.user_id == user_id),
            select(func.count()).select_from(documents).where(documents.c.user_id == user_id, documents.c.is_indexed),
        )
        of_messages, of_documents = await self._counted(counts)
        return of_messages, of_documents

    async def _counted(self, counts: Sequence[Select[int]]) -> Sequence[int]:
        """What some queries count, at one moment."""
        async with self._database.read() as connection:
            return (await connection.execute(select(*(each.scalar_subquery() for each in counts)))).one()

    async def start_over(self, user_id: str) -> None:
        """Let all of a person's messages be indexed, and all of their vectors be made, anew."""
        theirs = (documents.c.user_id == user_id, documents.c.blob_id.is_not(None))
        async with self._database.write() as connection:
            await detach(connection, user_id)
            await connection.execute(
                update(messages).where(messages.c.user_id == user_id).values(indexed_revision=None)
            )
            await connection.execute(update(documents).where(*theirs).values(is_indexed=False))
