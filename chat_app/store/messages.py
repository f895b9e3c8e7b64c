"""The messages of a conversation: a tree in SQL, one row each. Every query goes through its owner.

While an answer runs, `answers.py` writes to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import Conflict, NotFound
from chat_app.messages import Json, Parts
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.feedback import note
from chat_app.store.records import (
    NOTHING,
    Asked,
    Details,
    MessageRecord,
    NewTurn,
    StoredMessage,
    Turn,
    Words,
)
from chat_app.store.tables import conversations, messages
from chat_app.store.tree import (
    RECORD,
    STORED,
    WHOLE,
    asked_columns,
    details_of,
    id_of_key,
    insert_turn,
    insert_version,
    latest_leaf,
    one,
    path_up,
    reply_row,
    show,
    siblings_of,
    stored,
    to_json,
    turn_of_key,
    words,
)
from chat_app.store.vectors import follow_message, next_version

_ANY_DEPTH = 2**31 - 1
_MOST_BESIDE = 8


class MessageStore:
    """Reads and writes messages."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- reading -------------------------------------------------------------------------------------------------

    async def page(self, user_id: str, leaf_id: str, limit: int) -> list[MessageRecord]:
        """The last `limit` messages of the branch that ends in `leaf_id`, oldest first, without their words."""
        async with self._database.read() as connection:
            rows = (await connection.execute(path_up(user_id, leaf_id, limit, RECORD))).mappings().all()
            siblings = await siblings_of(connection, rows)
        return [MessageRecord(**row, siblings=siblings[row["id"]]) for row in reversed(rows)]

    async def beside(self, user_id: str, records: Sequence[MessageRecord]) -> dict[str, list[MessageRecord]]:
        """Of answers that have others beside them: each by its id with the latest of all, itself among them."""
        asked = {each.id: _latest(each) for each in records if each.role == "assistant" and len(each.siblings) > 1}
        if not asked:
            return {}
        ids = {sibling for latest in asked.values() for sibling in latest}
        query = select(*RECORD).where(messages.c.id.in_(ids), messages.c.user_id == user_id)
        async with self._database.read() as connection:
            found = {row["id"]: row for row in (await connection.execute(query)).mappings()}
        siblings = {record.id: record.siblings for record in records}
        return {
            of: [MessageRecord(**found[each], siblings=siblings[of]) for each in latest if each in found]
            for of, latest in asked.items()
        }

    async def side_by_side(self, user_id: str, beside: Mapping[str, Sequence[MessageRecord]]) -> frozenset[str]:
        """Of what `beside` gave: the questions whose answers are shown side by side."""
        if not beside:
            return frozenset()
        asked = {record.parent_id for each in beside.values() for record in each}
        wanted = (messages.c.id.in_(asked), messages.c.user_id == user_id, messages.c.is_side_by_side)
        async with self._database.read() as connection:
            return frozenset((await connection.execute(select(messages.c.id).where(*wanted))).scalars())

    async def history(self, user_id: str, leaf_id: str, limit: int) -> list[StoredMessage]:
        """The last `limit` messages of the branch that ends in `leaf_id`, newest first, with their words."""
        async with self._database.read() as connection:
            rows = (await connection.execute(path_up(user_id, leaf_id, limit, STORED))).mappings().all()
        return [stored(row) for row in rows]

    async def depth(self, user_id: str, leaf_id: str) -> int:
        """How many messages the branch that ends in `leaf_id` has."""
        path = path_up(user_id, leaf_id, _ANY_DEPTH, [messages.c.id]).order_by(None).subquery()
        async with self._database.read() as connection:
            return (await connection.execute(select(func.count()).select_from(path))).scalar_one()

    async def is_on_path(self, user_id: str, message_id: str, leaf_id: str) -> bool:
        """Whether a message stands on the branch that ends in `leaf_id`."""
        path = path_up(user_id, leaf_id, _ANY_DEPTH, [messages.c.id]).order_by(None).subquery()
        async with self._database.read() as connection:
            return (await connection.execute(select(path).where(path.c.id == message_id))).first() is not None

    async def all_of(self, user_id: str, conversation_id: str) -> list[StoredMessage]:
        """Every message of a conversation, all branches, oldest first, but what was deleted and what followed it."""
        # By the conversation's owner: with a user in it, SQLite reads all that the person has, for each conversation.
        mine = select(conversations.c.id).where(conversations.c.user_id == user_id)
        owned = (messages.c.conversation_id == conversation_id, literal(conversation_id).in_(mine))
        query = select(*WHOLE).where(*owned).order_by(messages.c.id)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).mappings().all()
        gone: set[str | None] = set()
        for row in rows:
            if row["deleted_at"] is not None or row["parent_id"] in gone:
                gone.add(row["id"])
        return [stored(row) for row in rows if row["id"] not in gone]

    async def words(self, user_id: str, ids: Sequence[str]) -> list[Words]:
        """The words of some messages; ids that are unknown or someone else's are left out."""
        async with self._database.read() as connection:
            return [Words(**row) for row in (await connection.execute(words(user_id, ids))).mappings()]

    async def details(self, user_id: str, message_id: str) -> Details:
        """How an answer came about.

        Raises:
            NotFound: No such message, or someone else's.
        """
        query = select(messages).where(messages.c.id == message_id, messages.c.user_id == user_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such message here.")
        return details_of(row)

    async def record(self, user_id: str, message_id: str) -> MessageRecord:
        """One message without its words.

        Raises:
            NotFound: No such message, or someone else's.
        """
        async with self._database.read() as connection:
            rows = (await connection.execute(path_up(user_id, message_id, 1, RECORD))).mappings().all()
            siblings = await siblings_of(connection, rows)
        if not rows:
            raise NotFound("There is no such message here.")
        return MessageRecord(**rows[0], siblings=siblings[message_id])

    async def shown(self, user_id: str, message_id: str) -> MessageRecord:
        """One message without its words; neither it nor its conversation is deleted, nor does it follow one that is.

        Raises:
            NotFound: No such message, someone else's, or a deleted one's.
        """
        path = path_up(user_id, message_id, _ANY_DEPTH, [messages.c.deleted_at])
        where = select(messages.c.conversation_id).where(messages.c.id == message_id).scalar_subquery()
        whole = select(conversations.c.deleted_at).where(conversations.c.id == where)
        async with self._database.read() as connection:
            for query in (path, whole):
                if any((await connection.execute(query)).scalars()):
                    raise NotFound("This message was deleted.")
        return await self.record(user_id, message_id)

    async def running(self, user_id: str) -> dict[str, str]:
        """The running answers of a person: message id → conversation id."""
        query = select(messages.c.id, messages.c.conversation_id).where(
            messages.c.status == "streaming", messages.c.user_id == user_id
        )
        async with self._database.read() as connection:
            return {row.id: row.conversation_id for row in await connection.execute(query)}

    # -- turns ---------------------------------------------------------------------------------------------------

    async def add_turn(self, user_id: str, turn: NewTurn) -> Turn:
        """Store a question and its empty, running answer; the same idempotency key gives the same turn again.

        Raises:
            NotFound: No such conversation, or no such message to follow, or someone else's.
        """
        try:
            async with self._database.write() as connection:
                known = await turn_of_key(connection, user_id, turn.idempotency_key)
                return known or await insert_turn(connection, user_id, turn)
        except IntegrityError:  # two workers, the same key, the same moment: the other one won
            known = await self.known_turn(user_id, turn.idempotency_key)
            if known is None:
                raise
            return known

    async def known_turn(self, user_id: str, idempotency_key: str) -> Turn | None:
        """The turn that a send with this key made, if there was one."""
        async with self._database.read() as connection:
            return await turn_of_key(connection, user_id, idempotency_key)

    async def known_reply(self, user_id: str, idempotency_key: str) -> Turn | None:
        """The turn of the answer that was asked for with this key, if there was one.

        Raises:
            Conflict: The key is that of something else.
        """
        async with self._database.read() as connection:
            known = await id_of_key(connection, user_id, idempotency_key)
        if known is None:
            return None
        record = await self.record(user_id, known)
        if record.role != "assistant":
            raise Conflict("This key is that of something else.")
        return Turn(record.conversation_id, record.parent_id or "", known, "", False)

    async def add_reply(
        self,
        user_id: str,
        question_id: str,
        model: str,
        key: str,
        asked: Asked = NOTHING,
        *,
        instead_of: str = "",
        is_shown: bool = True,
        notes: Mapping[str, Json] | None = None,
    ) -> Turn:
        """Store one more running answer beside those a question already has.

        Args:
            user_id: Whose.
            question_id: Which question's.
            model: Who answers.
            key: The idempotency key.
            asked: With what.
            instead_of: One that did not do.
            is_shown: Whether it comes into view.
            notes: What it is made of; then the conversation keeps its model.

        Raises:
            NotFound: No such question, or someone else's.
        """
        try:
            async with self._database.write() as connection:
                question = await one(connection, user_id, question_id)
                turn = Turn(question["conversation_id"], question_id, new_id(), new_id(), True)
                if known := await id_of_key(connection, user_id, key):
                    return replace(turn, reply_id=known, generation_id="", is_new=False)
                row = reply_row(user_id, turn, model, asked) | {"idempotency_key": key, "notes": to_json(notes or {})}
                await connection.execute(insert(messages), [row])
                if instead_of:
                    await note(connection, user_id, "regenerate", instead_of, others=[turn.reply_id])
                if is_shown:
                    shown = "" if notes else model
                    await show(connection, turn.conversation_id, turn.reply_id, model=shown)
        except IntegrityError:  # as in `add_turn`
            known = await self._id_of_key(user_id, key)
            return Turn((await self.record(user_id, known)).conversation_id, question_id, known, "", False)
        return turn

    async def _id_of_key(self, user_id: str, key: str) -> str:
        async with self._database.read() as connection:
            known = await id_of_key(connection, user_id, key)
        if known is None:
            raise NotFound("What had this key is gone.")
        return known

    async def reopen(self, user_id: str, message_id: str, asked: Asked = NOTHING) -> Turn:
        """Let a stopped, interrupted or failed answer run again, under a new generation.

        Raises:
            NotFound: No such message, or someone else's.
            Conflict: It is running, or complete.
        """
        generation_id = new_id()
        async with self._database.write() as connection:
            row = await one(connection, user_id, message_id)
            done = await connection.execute(
                update(messages)
                .where(messages.c.id == message_id, messages.c.status.in_(("stopped", "interrupted", "failed")))
                .values(status="streaming", generation_id=generation_id, heartbeat_at=now_ms(), error_code=None,
                        error_text="", error_detail="", revision=messages.c.revision + 1, **asked_columns(asked))
            )  # fmt: skip
            if done.rowcount != 1:
                raise Conflict("This answer is already running or complete.")
            await show(connection, row["conversation_id"], None)
        return Turn(row["conversation_id"], row["parent_id"] or "", message_id, generation_id, True)

    async def select_branch(self, user_id: str, message_id: str) -> str:
        """Bring the branch of a message into view: the path through it down to its latest descendant.

        Returns:
            The new leaf's id.

        Raises:
            NotFound: No such message, or someone else's.
        """
        async with self._database.write() as connection:
            row = await one(connection, user_id, message_id)
            leaf = await latest_leaf(connection, row["conversation_id"], message_id)
            await self._turn_to(connection, row["conversation_id"], leaf)
        return leaf

    async def set_deleted(self, user_id: str, message_id: str, *, deleted: bool) -> None:
        """Delete a message with all that follows it, or bring it back; the branch in view becomes one that is left.

        Raises:
            NotFound: No such message, or someone else's.
        """
        async with self._database.write() as connection:
            await next_version(connection, user_id)
            row = await one(connection, user_id, message_id)
            if deleted:
                siblings = (await siblings_of(connection, [row]))[message_id]
                shown = max((other for other in siblings if other != message_id), default=None)
            else:
                shown = message_id
            mark = update(messages).where(messages.c.id == message_id)
            await connection.execute(mark.values(deleted_at=now_ms() if deleted else None))
            leaf = await latest_leaf(connection, row["conversation_id"], shown) if shown else row["parent_id"]
            await self._turn_to(connection, row["conversation_id"], leaf)
            await follow_message(connection, user_id, message_id, deleted=deleted)

    async def add_version(self, user_id: str, message_id: str, parts: Parts, idempotency_key: str) -> str:
        """Store an answer in a person's own words, beside the one it was made from; the same key stores it once.

        Returns:
            The new message's id.

        Raises:
            NotFound: No such message, or someone else's.
        """
        new = new_id()
        try:
            async with self._database.write() as connection:
                row = await one(connection, user_id, message_id)
                if known := await id_of_key(connection, user_id, idempotency_key):
                    return known
                await insert_version(connection, user_id, row, new, parts, idempotency_key)
                await show(connection, row["conversation_id"], new)
        except IntegrityError:  # as in `add_turn`
            return await self._id_of_key(user_id, idempotency_key)
        return new

    async def show_side_by_side(self, user_id: str, question_id: str, is_on: bool) -> None:
        """Keep whether the answers to a question are shown side by side, or one of them.

        Raises:
            NotFound: No such question, or someone else's.
        """
        mine = (messages.c.id == question_id, messages.c.user_id == user_id, messages.c.role == "user")
        async with self._database.write() as connection:
            done = await connection.execute(update(messages).where(*mine).values(is_side_by_side=is_on))
        if not done.rowcount:
            raise NotFound("There is no such question here.")

    async def _turn_to(self, connection: AsyncConnection, conversation_id: str, leaf_id: str | None) -> None:
        statement = update(conversations).where(conversations.c.id == conversation_id)
        await connection.execute(statement.values(leaf_message_id=leaf_id))


def _latest(record: MessageRecord) -> tuple[str, ...]:
    """The latest of the answers that stand beside each other, and the one in view, oldest first."""
    latest = record.siblings[-_MOST_BESIDE:]
    return latest if record.id in latest else (record.id, *latest[1:])
