"""Which messages are still there: neither deleted, nor following a deleted one, nor in a deleted conversation."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import CTE, ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.store.tables import conversations, messages


def with_all_below(which: ColumnElement[bool]) -> CTE:
    """(id, conversation_id) of messages of which that is true, and of all that follow them."""
    top = select(messages.c.id, messages.c.conversation_id).where(which).cte(recursive=True)
    child = messages.alias()  # by its conversation, too, which its index begins with
    below = select(child.c.id, child.c.conversation_id).where(
        child.c.conversation_id == top.c.conversation_id, child.c.parent_id == top.c.id
    )
    return top.union(below)


async def revisions(connection: AsyncConnection, user_id: str, ids: Sequence[str]) -> dict[str, int]:
    """The revisions of those messages that are not deleted; message id → revision."""
    stands = messages.join(conversations, conversations.c.id == messages.c.conversation_id)
    query = select(messages.c.id, messages.c.revision).select_from(stands).where(
        messages.c.id.in_(ids), messages.c.user_id == user_id,
        messages.c.deleted_at.is_(None), conversations.c.deleted_at.is_(None),
    )  # fmt: skip
    found = {row.id: row.revision for row in await connection.execute(query)}
    below = await below_deleted(connection, list(found))
    return {message_id: revision for message_id, revision in found.items() if message_id not in below}


async def below_deleted(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Those of some messages that follow a deleted one; only conversations that have such are walked."""
    if not ids:
        return set()
    other = messages.alias()
    has_deleted = select(other.c.conversation_id).where(
        other.c.conversation_id.in_(select(messages.c.conversation_id).where(messages.c.id.in_(ids))),
        other.c.deleted_at.is_not(None),
    )
    start = select(messages.c.id, messages.c.parent_id, messages.c.deleted_at).where(
        messages.c.id.in_(ids), messages.c.conversation_id.in_(has_deleted)
    )
    path = start.cte(recursive=True)
    up = select(path.c.id, other.c.parent_id, other.c.deleted_at).join(path, other.c.id == path.c.parent_id)
    path = path.union_all(up)
    query = select(path.c.id).where(path.c.deleted_at.is_not(None)).distinct()
    return set((await connection.execute(query)).scalars())
