"""Replays in SQL: what two answer to each prompt of a set, which answer is better, and what all of it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from chat_app.errors import Conflict, NotFound
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.replay_tables import prompt_sets, prompts, replay_answers, replay_verdicts, replays
from chat_app.store.tables import jobs

Status: TypeAlias = Literal["running", "complete", "cancelled", "limited", "failing"]
"""`limited` has come to its cost limit, `failing` failed again and again. Whatever is not complete can go on."""
JOB = "replay"
"""The kind of the job that is under way with a replay, whose key is its id."""
PERSON = "person"
"""The judge of a verdict that a person has given."""
_MISSING = "There is no such replay here."
_TRIES = 2


@dataclass(frozen=True, slots=True)
class NewReplay:
    """A replay to begin. `sides` and `checks` are JSON."""

    set_id: str
    sides: str
    checks: str
    at_once: int
    key: str
    most_micros: int | None = None


@dataclass(frozen=True, slots=True)
class ReplayRecord:
    """A replay, and how far it has come: of `prompts` each has two `answers`; a worker may be `under_way` with it."""

    id: str
    user_id: str
    created_at: int
    set_id: str
    set_name: str
    sides: str
    checks: str
    status: Status
    at_once: int
    most_micros: int | None
    spent_micros: int
    run: int
    ended_at: int | None
    prompts: int
    answers: int
    under_way: bool

    @property
    def is_waiting(self) -> bool:
        """Whether it runs, and no worker is under way with it."""
        return self.status == "running" and not self.under_way


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side, 0 or 1, answered to a prompt. `checks` is JSON; times are milliseconds; None is unknown.

    `error_detail` is what its server said of why there is none.
    """

    position: int
    side: int
    text: str
    duration_ms: int
    checks: str = "[]"
    error_code: str | None = None
    error_detail: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_micros: int | None = None
    first_token_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which answer to a prompt is better: `score` is 1 for the second, 0 for the first, None where nobody can say."""

    position: int
    judge: str
    score: float | None
    note: str = ""
    cost_micros: int | None = None


class ReplayStore:
    """Reads and writes them. What a person asks for goes through the owner; the job reads everybody's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, user_id: str, new: NewReplay) -> str:
        """Begin one; the same key begins one.

        Returns:
            Its id.

        Raises:
            NotFound: No such set, or someone else's.
        """
        replay_id = new_id()
        mine = select(prompt_sets.c.id).where(prompt_sets.c.id == new.set_id, prompt_sets.c.user_id == user_id)
        row = {"id": replay_id, "created_at": now_ms(), "user_id": user_id, "status": "running"}
        try:
            async with self._database.write() as connection:
                if (await connection.execute(mine)).first() is None:
                    raise NotFound("There is no such set of prompts here.")
                await connection.execute(insert(replays), [row | asdict(new) | {"spent_micros": 0, "run": 0}])
        except IntegrityError:
            if (known := await self.of_key(user_id, new.key)) is None:
                raise NotFound("There is no such set of prompts here.") from None
            return known
        return replay_id

    async def of_key(self, user_id: str, key: str) -> str | None:
        """The replay that was begun by a key."""
        same = select(replays.c.id).where(replays.c.user_id == user_id, replays.c.key == key)
        async with self._database.read() as connection:
            return (await connection.execute(same)).scalar_one_or_none()

    async def of(self, user_id: str) -> list[ReplayRecord]:
        """A person's, the newest first."""
        return await self._records(replays.c.user_id == user_id)

    async def one(self, user_id: str, replay_id: str) -> ReplayRecord:
        """One of them.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        found = await self._records(and_(replays.c.user_id == user_id, replays.c.id == replay_id))
        if not found:
            raise NotFound(_MISSING)
        return found[0]

    async def running(self) -> list[tuple[str, str]]:
        """(id, whose) of everybody's that is to go on, the oldest first."""
        query = select(replays.c.id, replays.c.user_id).where(replays.c.status == "running").order_by(replays.c.id)
        async with self._database.read() as connection:
            return [(row.id, row.user_id) for row in await connection.execute(query)]

    async def is_alone(self, user_id: str, replay_id: str) -> bool:
        """Whether no worker is under way with another replay of its person."""
        others = select(replays.c.id).where(replays.c.user_id == user_id, replays.c.id != replay_id)
        async with self._database.read() as connection:
            return (await connection.execute(select(jobs.c.id).where(*_leased(others)))).first() is None

    async def standing(self, replay_id: str) -> tuple[Status, int] | None:
        """(how it stands, which run it is in); None where it is gone."""
        query = select(replays.c.status, replays.c.run).where(replays.c.id == replay_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else (row.status, row.run)

    async def end(self, replay_id: str, status: Status, run: int) -> None:
        """Note that a run of it has ended, unless somebody has ended it before."""
        of = (replays.c.id == replay_id, replays.c.status == "running", replays.c.run == run)
        async with self._database.write() as connection:
            await connection.execute(update(replays).where(*of).values(status=status, ended_at=now_ms()))

    async def cancel(self, user_id: str, replay_id: str) -> None:
        """Let it go no further; what was answered stays.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        await self.one(user_id, replay_id)
        of = (replays.c.id == replay_id, replays.c.user_id == user_id, replays.c.status == "running")
        async with self._database.write() as connection:
            await connection.execute(update(replays).where(*of).values(status="cancelled", ended_at=now_ms()))

    async def go_on(self, user_id: str, replay_id: str, *, most_micros: int | None, retry: bool) -> None:
        """Let it go on, under a cost limit that may be another.

        Args:
            user_id: Whose.
            replay_id: Which.
            most_micros: The limit in micro-dollars; None is none.
            retry: Whether what failed is asked again.

        Raises:
            Conflict: It is running.
            NotFound: No such replay, or someone else's.
        """
        await self.one(user_id, replay_id)
        of = replay_answers.c
        ended = (replays.c.id == replay_id, replays.c.user_id == user_id, replays.c.status != "running")
        values = {"status": "running", "ended_at": None, "most_micros": most_micros, "run": replays.c.run + 1}
        async with self._database.write() as connection:
            if not (await connection.execute(update(replays).where(*ended).values(**values))).rowcount:
                raise Conflict("This replay is running.")
            if retry:
                failed = (of.replay_id == replay_id, of.error_code.is_not(None))
                about = replay_verdicts.c.position.in_(select(of.position).where(*failed))  # they were about another
                await connection.execute(delete(replay_verdicts).where(replay_verdicts.c.replay_id == replay_id, about))
                await connection.execute(delete(replay_answers).where(*failed))
                unread = (replay_verdicts.c.score.is_(None), replay_verdicts.c.judge != PERSON)
                await connection.execute(
                    delete(replay_verdicts).where(replay_verdicts.c.replay_id == replay_id, *unread)
                )

    async def remove(self, user_id: str, replay_id: str) -> None:
        """Delete it for good.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        mine = (replays.c.id == replay_id, replays.c.user_id == user_id)
        async with self._database.write() as connection:
            if (await connection.execute(delete(replays).where(*mine))).rowcount != 1:
                raise NotFound(_MISSING)

    async def answered(self, replay_id: str) -> set[tuple[int, int]]:
        """(position, side) of every answer there is."""
        query = select(replay_answers.c.position, replay_answers.c.side).where(replay_answers.c.replay_id == replay_id)
        async with self._database.read() as connection:
            return {(row.position, row.side) for row in await connection.execute(query)}

    async def judged(self, replay_id: str) -> set[tuple[int, str]]:
        """(position, judge) of every verdict there is."""
        of = replay_verdicts.c
        query = select(of.position, of.judge).where(of.replay_id == replay_id)
        async with self._database.read() as connection:
            return {(row.position, row.judge) for row in await connection.execute(query)}

    async def add_answer(self, replay_id: str, answer: Answer) -> None:
        """Keep an answer, and what it cost; one that there is already stays. Of a gone replay none is."""
        row = asdict(answer) | {"replay_id": replay_id, "created_at": now_ms()}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(replay_answers), [row])
                await _spend(connection, replay_id, answer.cost_micros)
        except IntegrityError:
            async with self._database.write() as connection:  # it was paid for all the same
                await _spend(connection, replay_id, answer.cost_micros)

    async def judge(self, replay_id: str, verdict: Verdict) -> None:
        """Keep a verdict in place of the judge's earlier one, and what it cost; nothing of a replay that is gone."""
        of = replay_verdicts.c
        same = (of.replay_id == replay_id, of.position == verdict.position, of.judge == verdict.judge)
        row = asdict(verdict) | {"replay_id": replay_id, "created_at": now_ms()}
        for _ in range(_TRIES):
            try:
                async with self._database.write() as connection:
                    await connection.execute(delete(replay_verdicts).where(*same))
                    await connection.execute(insert(replay_verdicts), [row])
                    await _spend(connection, replay_id, verdict.cost_micros)
            except IntegrityError:  # another came at the same moment, or the replay is gone
                continue
            return

    async def unvote(self, replay_id: str, position: int) -> None:
        """Take a person's verdict back."""
        of = replay_verdicts.c
        mine = (of.replay_id == replay_id, of.position == position, of.judge == PERSON)
        async with self._database.write() as connection:
            await connection.execute(delete(replay_verdicts).where(*mine))

    async def answers(
        self, replay_id: str, positions: Sequence[int] | None = None, *, has_texts: bool = True
    ) -> list[Answer]:
        """Those to some prompts, or to all, in their order; their texts are most of what there is to read."""
        of = replay_answers.c
        texts = ("text", "error_detail")
        names = [of[field] for field in Answer.__dataclass_fields__ if field not in texts]
        query = (
            select(*names, *(of[field] if has_texts else literal("").label(field) for field in texts))
            .where(of.replay_id == replay_id)
            .order_by(of.position, of.side)
        )
        if positions is not None:
            query = query.where(of.position.in_(positions))
        async with self._database.read() as connection:
            return [Answer(**row) for row in (await connection.execute(query)).mappings()]

    async def verdicts(
        self, replay_id: str, positions: Sequence[int] | None = None, *, has_notes: bool = True
    ) -> list[Verdict]:
        """Those of some prompts, or of all, in their order; their notes are most of what there is to read."""
        of = replay_verdicts.c
        names = [of[field] for field in Verdict.__dataclass_fields__ if field != "note"]
        query = (
            select(*names, of.note if has_notes else literal("").label("note"))
            .where(of.replay_id == replay_id)
            .order_by(of.position, of.judge)
        )
        if positions is not None:
            query = query.where(of.position.in_(positions))
        async with self._database.read() as connection:
            return [Verdict(**row) for row in (await connection.execute(query)).mappings()]

    async def _records(self, where: ColumnElement[bool]) -> list[ReplayRecord]:
        own = [name for name in ReplayRecord.__dataclass_fields__ if name in replays.c]
        asked = select(func.count()).where(prompts.c.set_id == replays.c.set_id).scalar_subquery()
        answered = select(func.count()).where(replay_answers.c.replay_id == replays.c.id).scalar_subquery()
        query = (
            select(
                *(replays.c[name] for name in own), prompt_sets.c.name.label("set_name"), asked.label("prompts"),
                answered.label("answers"), exists(jobs.c.id).where(*_leased(replays.c.id)).label("under_way"),
            )
            .join(prompt_sets, prompt_sets.c.id == replays.c.set_id)
            .where(where)
            .order_by(replays.c.id.desc())
        )  # fmt: skip
        async with self._database.read() as connection:
            return [ReplayRecord(**row) for row in (await connection.execute(query)).mappings()]


def _leased(ids: ColumnElement[str] | Select[tuple[str]]) -> tuple[ColumnElement[bool], ...]:
    """The jobs of some replays that a worker is under way with."""
    of = jobs.c
    which = of.key.in_(ids) if isinstance(ids, Select) else of.key == ids
    return of.kind == JOB, which, of.lease_until > now_ms()


async def _spend(connection: AsyncConnection, replay_id: str, micros: int | None) -> None:
    more = update(replays).where(replays.c.id == replay_id)
    await connection.execute(more.values(spent_micros=replays.c.spent_micros + (micros or 0)))
