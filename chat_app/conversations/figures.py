"""Which models and versions of recipes do well: what was counted of their answers, in all and period by period."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import groupby

from chat_app.conversations.intervals import Share, share
from chat_app.conversations.recipes import Recipes
from chat_app.store.figures import Behind, FigureLine, FigureStore, Slice

PAGE = 30
"""How many answers behind a figure come at once."""
_COUNTS = [field.name for field in fields(FigureLine) if field.name not in ("day", "model", "recipe_version_id")]


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts of some `FigureLine`s together, and what is derived of them: None where nothing was counted."""

    counts: dict[str, int]

    @property
    def liked(self) -> Share | None:
        """The share of thumbs that are up."""
        return share(self.counts["up"], self.counts["up"] + self.counts["down"])

    @property
    def first_token_ms(self) -> float | None:
        """The mean time to the first token."""
        return _mean(self.counts["first_token_ms"], self.counts["first_tokens"])

    @property
    def tokens_per_s(self) -> float | None:
        """After the first one."""
        return _mean(self.counts["tokens"] * 1000, self.counts["speaking_ms"])

    @property
    def cost_micros(self) -> float | None:
        """Of an answer, in micro-dollars, where prices are known."""
        return _mean(self.counts["cost_micros"], self.counts["priced"])


@dataclass(frozen=True, slots=True)
class Period(Counted):
    """Some days, of which `day` is the first."""

    day: int


@dataclass(frozen=True, slots=True)
class Figures(Counted):
    """Of a model by a version of a recipe, in all and by periods, the newest first.

    `recipe` is what the version is called, empty where there was none.
    """

    model: str
    recipe_version_id: str | None
    recipe: str
    periods: tuple[Period, ...]


class FeedbackFigures:
    """Use cases."""

    def __init__(self, store: FigureStore, recipes: Recipes) -> None:
        self._store, self._recipes = store, recipes

    async def behind(self, user_id: str, part: Slice, before: str = "") -> tuple[list[Behind], bool]:
        """The answers that a figure counts, the newest first: a page of them, and whether there are more.

        Args:
            user_id: Whose.
            part: Which.
            before: The id of the last one seen.
        """
        found = await self._store.behind(user_id, part, PAGE + 1, before)
        return found[:PAGE], len(found) > PAGE

    async def of(
        self, user_id: str, since_ms: int, offset_ms: int = 0, *, today: int = 0, every: int = 1
    ) -> list[Figures]:
        """A person's since then, those with most answers first.

        Args:
            user_id: Whose.
            since_ms: From when on.
            offset_ms: As for `FigureStore.lines`.
            today: The last day of the last period.
            every: How many days are one period.
        """
        lines = await self._store.lines(user_id, since_ms, offset_ms)
        made: list[Figures] = []
        for (model, version_id), theirs in groupby(sorted(lines, key=_key), key=_key):
            days = list(theirs)
            recipe = await self._recipes.called(version_id)
            periods = tuple(_periods(days, today, every))
            made.append(Figures(_together(days), model, version_id or None, recipe, periods))
        return sorted(made, key=lambda each: (-each.counts["answers"], each.model, each.recipe))


def _key(line: FigureLine) -> tuple[str, str]:
    return line.model, line.recipe_version_id or ""


def _periods(newest_first: Sequence[FigureLine], today: int, every: int) -> Iterator[Period]:
    for back, days in groupby(newest_first, key=lambda line: (today - line.day) // every):
        yield Period(_together(list(days)), today - (back + 1) * every + 1)


def _together(days: Sequence[FigureLine]) -> dict[str, int]:
    return {name: sum(getattr(day, name) for day in days) for name in _COUNTS}


def _mean(whole: int, parts: int) -> float | None:
    return whole / parts if parts else None
