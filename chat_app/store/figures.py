"""How answers did: per day, model and version of a recipe, counted from messages and what was thought of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from chat_app.store.database import Database, total
from chat_app.store.deleted import with_all_below
from chat_app.store.tables import conversations, feedback_events, messages

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class FigureLine:
    """What was counted of one day's answers of a model by a version of a recipe, or by none.

    Args:
        day: Days since 1970 in the reader's time.
        model: Who answered.
        recipe_version_id: By which version.
        answers: How many, however they ended.
        stopped: Of these, stopped by the person.
        failed: Of these, failed or broken off.
        up: Thumbs up.
        down: Thumbs down.
        regenerated: Asked for anew though they were complete.
        edited: Edited by the person.
        preferred: Preferred to others.
        first_tokens: Of how many the time to the first token is known.
        first_token_ms: Those times, together.
        tokens: Tokens of answers whose time after the first one is known.
        speaking_ms: Those times, together.
        priced: Of how many the cost is known.
        cost_micros: Those, together, in micro-dollars.
    """

    day: int
    model: str
    recipe_version_id: str | None
    answers: int
    stopped: int
    failed: int
    up: int
    down: int
    regenerated: int
    edited: int
    preferred: int
    first_tokens: int
    first_token_ms: int
    tokens: int
    speaking_ms: int
    priced: int
    cost_micros: int


class FigureStore:
    """Counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lines(self, user_id: str, since_ms: int, offset_ms: int = 0) -> list[FigureLine]:
        """A person's answers since then that are still there, the newest day first.

        Args:
            user_id: Whose.
            since_ms: From when on.
            offset_ms: How far the reader's clock is ahead of UTC: days begin where they are.
        """
        async with self._database.read() as connection:
            rows = (await connection.execute(_lines(user_id, since_ms, offset_ms))).mappings()
            return [FigureLine(**row) for row in rows]


def _lines(user_id: str, since_ms: int, offset_ms: int) -> Select[tuple[object, ...]]:
    of, events = messages.c, feedback_events.c
    day = (of.created_at + offset_ms) // _DAY_MS
    noted = (
        select(
            events.message_id,
            *(func.count(case((events.kind == kind, 1))).label(name) for name, kind in _KINDS.items()),
        )
        .where(events.user_id == user_id)
        .group_by(events.message_id)
        .subquery()
    )
    speaking = and_(of.output_tokens.is_not(None), of.duration_ms > of.first_token_ms)
    counted: dict[str, ColumnElement[int]] = {
        "answers": func.count(),
        "stopped": _count(of.status == "stopped"),
        "failed": _count(of.status.in_(("failed", "interrupted"))),
        **{name: total(noted.c[name]) for name in _KINDS},
        "first_tokens": func.count(of.first_token_ms),
        "first_token_ms": total(of.first_token_ms),
        "tokens": total(case((speaking, of.output_tokens))),
        "speaking_ms": total(case((speaking, of.duration_ms - of.first_token_ms))),
        "priced": func.count(of.cost_micros),
        "cost_micros": total(of.cost_micros),
    }
    stands = messages.join(conversations, conversations.c.id == of.conversation_id)
    stands = stands.outerjoin(noted, noted.c.message_id == of.id)
    gone = select(with_all_below(and_(of.user_id == user_id, of.deleted_at.is_not(None))).c.id)
    was_asked = or_(of.duration_ms.is_not(None), of.error_code.is_not(None))  # not written by a person, nor imported
    return (
        select(day.label("day"), of.model, of.recipe_version_id, *(each.label(name) for name, each in counted.items()))
        .select_from(stands)
        .where(
            of.user_id == user_id, of.role == "assistant", of.created_at >= since_ms, was_asked,
            of.status != "streaming", of.id.not_in(gone), conversations.c.deleted_at.is_(None),
        )
        .group_by(day, of.model, of.recipe_version_id)
        .order_by(day.desc(), of.model, of.recipe_version_id)
    )  # fmt: skip


_KINDS = {"up": "up", "down": "down", "regenerated": "regenerate", "edited": "edit", "preferred": "prefer"}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))
