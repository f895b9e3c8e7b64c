"""The ledger: one row for each attempt to get an answer from a deployment, kept whatever became of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from sqlalchemy import RowMapping, Select, case, distinct, func, insert, select, tuple_

from chat_app.messages import UNKNOWN, Usage, storable
from chat_app.store.database import Database, new_id, total
from chat_app.store.tables import usage

_DAY_MS = 24 * 3600 * 1000
_PAGE = 1000
Subject = Literal["user", "key"]


@dataclass(frozen=True, slots=True)
class Used:
    """What one attempt took.

    `status` is `complete`, `cancelled` by whoever asked, or an error's code. `is_cached` says that an earlier answer
    was given again; `is_estimated` that the tokens are ours to guess, as the provider never counted them.
    """

    created_at: int
    request_id: str
    attempt: int
    user_id: str
    key_id: str | None
    purpose: str
    model: str
    deployment: str
    status: str
    duration_ms: int
    first_token_ms: int | None = None
    usage: Usage = UNKNOWN
    cost_micros: int | None = None
    is_cached: bool = False
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class UsageLine:
    """Calls of one day, model and key together.

    `day` counts days since 1970 where the reader is. A call may be several `attempts`. `cost_micros` sums what is
    known, and `unpriced` counts the attempts that took tokens whose cost is not. `first_token_ms` is the sum over
    `first_tokens` attempts, `duration_ms` that over all: means of several lines are to be had from sums alone.
    """

    day: int
    model: str
    key_id: str | None
    calls: int
    attempts: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost_micros: int
    unpriced: int
    first_token_ms: int
    first_tokens: int
    duration_ms: int


class UsageStore:
    """The table `usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rows: Sequence[Used]) -> None:
        """Store what was used.

        Raises:
            StoreUnavailable: Nothing was stored.
        """
        async with self._database.write() as connection:
            await connection.execute(insert(usage), [_row(each) for each in rows])

    async def spent(self, subject: Subject, subject_id: str, since_ms: int) -> int:
        """What a person or a key has cost since then, in micro-dollars, as far as prices are known."""
        column = usage.c.user_id if subject == "user" else usage.c.key_id
        query = select(func.coalesce(func.sum(usage.c.cost_micros), 0))
        query = query.where(column == subject_id, usage.c.created_at >= since_ms)
        async with self._database.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def summary(self, user_id: str, since_ms: int, offset_ms: int = 0) -> list[UsageLine]:
        """A person's calls since then, by day, model and key; the newest day first.

        Args:
            user_id: Whose.
            since_ms: From when on.
            offset_ms: How far the reader's clock is ahead of UTC: days begin where they are.
        """
        async with self._database.read() as connection:
            rows = (await connection.execute(_summary(user_id, since_ms, offset_ms))).mappings()
            return [UsageLine(**row) for row in rows]

    async def rows(self, user_id: str, since_ms: int) -> AsyncGenerator[Used]:
        """Every row of a person since then, the oldest first. Read in pages: whoever takes them may be slow."""
        at = tuple_(usage.c.created_at, usage.c.id)
        last = (since_ms, "")
        while True:
            query = select(usage).where(usage.c.user_id == user_id, at > tuple_(*last))
            query = query.order_by(usage.c.created_at, usage.c.id).limit(_PAGE)
            async with self._database.read() as connection:
                page = (await connection.execute(query)).mappings().all()
            for row in page:
                yield _used(row)
            if len(page) < _PAGE:
                return
            last = (page[-1]["created_at"], page[-1]["id"])


def _summary(user_id: str, since_ms: int, offset_ms: int) -> Select[*tuple[Any, ...]]:
    day = (usage.c.created_at + offset_ms) // _DAY_MS
    is_unpriced = usage.c.cost_micros.is_(None) & usage.c.input_tokens.is_not(None)
    is_failure = usage.c.status.not_in(("complete", "cancelled"))
    return (
        select(
            day.label("day"),
            usage.c.model,
            usage.c.key_id,
            func.count(distinct(usage.c.request_id)).label("calls"),
            func.count().label("attempts"),
            func.count(case((is_failure, 1))).label("failures"),
            func.count(case((is_unpriced, 1))).label("unpriced"),
            func.count(usage.c.first_token_ms).label("first_tokens"),
            *(
                total(usage.c[name]).label(name)
                for name in ("input_tokens", "output_tokens", "cost_micros", "first_token_ms", "duration_ms")
            ),
        )
        .where(usage.c.user_id == user_id, usage.c.created_at >= since_ms)
        .group_by(day, usage.c.model, usage.c.key_id)
        .order_by(day.desc(), usage.c.model, usage.c.key_id)
    )


def _row(each: Used) -> dict[str, Any]:
    """As every database takes it: names are programs' to make up, and counts are servers'."""
    row = {name: getattr(each, name) for name in Used.__dataclass_fields__ if name != "usage"}
    row |= {"model": storable(each.model), "deployment": storable(each.deployment), "id": new_id()}
    row["cost_micros"] = _fitting(each.cost_micros, 63)
    return row | {name: _fitting(count, 31) for name, count in msgspec.structs.asdict(each.usage).items()}


def _fitting(count: int | None, bits: int) -> int | None:
    """A count, or None where it is none or its column is too small for it."""
    return count if count is not None and 0 <= count < 1 << bits else None


def _used(row: RowMapping) -> Used:
    own = {name: row[name] for name in Used.__dataclass_fields__ if name != "usage"}
    return Used(**own, usage=Usage(**{name: row[name] for name in Usage.__struct_fields__}))
