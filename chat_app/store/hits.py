"""What was found, as it is shown: chunks with the names of what they stand in, and what is found by its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import and_, false, func, or_, select

from chat_app.entries import Kind
from chat_app.store.database import Database
from chat_app.store.tables import chunks, conversations, documents
from chat_app.store.vectors import of_person

_MOST_TITLES = 10_000


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """A chunk as it is shown: `title` is that of its conversation or document, `source` the message's id."""

    ref: str
    kind: Kind
    group: str
    source: str
    title: str
    text: str
    heading: str
    page: int
    role: str
    model: str
    at: int
    pinned: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """A conversation that was found by its title, or a document by its name."""

    id: str
    title: str
    updated_at: int
    pinned: bool
    is_document: bool = False


class HitStore:
    """Reads what is shown of what was found."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def found(self, user_id: str, refs: Sequence[str]) -> list[FoundChunk]:
        """Chunks as they are shown, in the order of their refs; those that are gone are left out."""
        columns = [
            chunks.c.ref, chunks.c.kind, chunks.c.group_id.label("group"),
            func.coalesce(chunks.c.message_id, chunks.c.group_id).label("source"),
            func.coalesce(conversations.c.title, documents.c.name).label("title"), chunks.c.text, chunks.c.heading,
            chunks.c.page, chunks.c.role, chunks.c.model, chunks.c.at,
            func.coalesce(conversations.c.pinned, false()).label("pinned"),
            conversations.c.archived_at.is_not(None).label("archived"),
        ]  # fmt: skip
        stands = chunks.outerjoin(conversations, conversations.c.id == chunks.c.group_id)
        stands = stands.outerjoin(documents, documents.c.id == chunks.c.group_id)
        is_there = or_(conversations.c.id.is_not(None), documents.c.id.is_not(None))
        mine = of_person(user_id, and_(chunks.c.ref.in_(refs), is_there))
        async with self._database.read() as connection:
            result = await connection.execute(select(*columns).select_from(stands).where(mine))
            rows = {row["ref"]: FoundChunk(**row) for row in result.mappings()}
        return [rows[ref] for ref in refs if ref in rows]

    async def subject(self, user_id: str, conversation_id: str, most: int) -> str:
        """What a person's conversation is about, in so many characters: its title, and how it begins."""
        title = select(conversations.c.title).where(
            conversations.c.id == conversation_id, conversations.c.user_id == user_id
        )
        first = select(chunks.c.text).where(of_person(user_id, chunks.c.group_id == conversation_id))
        async with self._database.read() as connection:
            name = (await connection.execute(title)).scalar_one_or_none() or ""
            begins = (await connection.execute(first.order_by(chunks.c.at, chunks.c.ref).limit(1))).scalar_one_or_none()
        return f"{name}\n{begins or ''}".strip()[:most]

    async def titled(
        self, user_id: str, words: Sequence[str], within: tuple[int | None, int | None], limit: int, *, pinned: bool
    ) -> list[TitleMatch]:
        """Conversations in whose titles all of some words stand, the latest first.

        Args:
            user_id: Whose.
            words: As they are written; where they begin and end in the title does not matter.
            within: The earliest time of the last change, and one later than the latest; None is any.
            limit: How many at most.
            pinned: Whether they are to be pinned.
        """
        after, before = within
        of = conversations.c
        where = [of.user_id == user_id, of.deleted_at.is_(None)]
        where += [of.pinned] if pinned else []
        where += [of.updated_at >= after] if after is not None else []
        where += [of.updated_at < before] if before is not None else []
        query = select(of.id, of.title, of.updated_at, of.pinned).where(*where).order_by(of.updated_at.desc())
        async with self._database.read() as connection:
            rows = await connection.execute(query.limit(_MOST_TITLES))
            named = (row for row in rows if _has_all(row.title, words))
            return [TitleMatch(*row) for row in islice(named, limit)]

    async def named(
        self, user_id: str, words: Sequence[str], within: tuple[int | None, int | None], limit: int
    ) -> list[TitleMatch]:
        """Documents in whose names all of some words stand, the latest first; as for `titled`."""
        after, before = within
        of = documents.c
        where = [of.user_id == user_id, of.blob_id.is_not(None)]
        where += [of.created_at >= after] if after is not None else []
        where += [of.created_at < before] if before is not None else []
        query = select(of.id, of.name, of.created_at).where(*where).order_by(of.created_at.desc()).limit(_MOST_TITLES)
        async with self._database.read() as connection:
            rows = await connection.execute(query)
            named = (row for row in rows if _has_all(row.name, words))
            return [TitleMatch(row.id, row.name, row.created_at, False, True) for row in islice(named, limit)]

    async def pinned(self, user_id: str) -> frozenset[str]:
        """The conversations that a person has pinned."""
        query = select(conversations.c.id).where(
            conversations.c.user_id == user_id, conversations.c.pinned, conversations.c.deleted_at.is_(None)
        )
        async with self._database.read() as connection:
            return frozenset((await connection.execute(query)).scalars())


def _has_all(title: str, words: Sequence[str]) -> bool:
    """Whether all words stand in it; here, as SQLite knows the capitals of ASCII alone."""
    return all(word.casefold() in title.casefold() for word in words)
