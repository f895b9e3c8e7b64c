"""Replays as a person asks for them: begun, ended, gone on with, voted on, and reported."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType

from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.report import (
    SIDES,
    CheckFigures,
    Only,
    SideFigures,
    Wins,
    chosen,
    figures_of,
    held_to,
    wins_by_checks,
    wins_of,
)
from chat_app.conversations.replay.sets import checks_in
from chat_app.conversations.replay.sides import Estimate, Side, Sides, decode_sides
from chat_app.conversations.trials import Column
from chat_app.errors import BadRequest
from chat_app.messages import Principal
from chat_app.store.database import new_id
from chat_app.store.prompts import Prompt, PromptStore
from chat_app.store.replays import PERSON, Answer, NewReplay, ReplayRecord, ReplayStore, Verdict

PAGE = 20
MOST_AT_ONCE = 16
_MOST_MICROS = 10**12
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay has come to: `sides` and `figures` in the same order, `checks` with what each side met of them.

    `wins` has who was better by each judge: "person", "checks", or the number of a judging check. Of `to_judge`
    verdicts, each judge's on each prompt that may get one, there are `judged`.
    """

    record: ReplayRecord
    sides: tuple[Side, Side]
    checks: tuple[Check, ...]
    figures: tuple[SideFigures, SideFigures]
    held: tuple[CheckFigures, ...]
    wins: dict[str, Wins]
    judged: int
    to_judge: int


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt with what the sides said, as far as they have, and what judges think of it.

    Where it `is_flipped`, the second side stands first.
    """

    prompt: Prompt
    answers: tuple[Answer | None, Answer | None]
    verdicts: tuple[Verdict, ...]
    is_flipped: bool = False


class Replays:
    """Use cases.

    Args:
        store: The replays.
        prompts: Their sets.
        sides: Makes what is asked.
        wake: Tells the job that there may be something to do.
    """

    def __init__(self, store: ReplayStore, prompts: PromptStore, sides: Sides, wake: Callable[[], None]) -> None:
        self.store = store
        self._prompts, self._sides, self._wake = prompts, sides, wake

    async def estimate(self, who: Principal, set_id: str, columns: Sequence[Column], model: str) -> Estimate:
        """What a replay would take.

        Raises:
            BadRequest: There are not two sides, or one is a search.
            NotFound: No such set, or someone else's.
            ModelUnknown: Nobody serves a model.
            RecipeGone: A recipe is not there any more.
        """
        of = await self._prompts.one(who.user_id, set_id)
        sides = await self._sides.of(who, columns, model)
        return await self._sides.estimate(sides, await self._prompts.prompts(set_id), checks_in(of.checks))

    async def begin(
        self,
        who: Principal,
        set_id: str,
        columns: Sequence[Column],
        model: str,
        *,
        at_once: int,
        most_micros: int | None,
        key: str = "",
    ) -> str:
        """Begin one.

        Args:
            who: Who asks.
            set_id: Which prompts.
            columns: The two sides.
            model: Who answers where neither a side nor its recipe names a model.
            at_once: How many calls at the same time, 1 to `MOST_AT_ONCE`.
            most_micros: What it may cost in micro-dollars; None is without limit.
            key: The idempotency key.

        Returns:
            Its id.

        Raises:
            BadRequest: A number is out of its range; or as for `estimate`.
            ModelUnknown: Nobody serves a side's model, or a judge.
        """
        _check_limits(at_once, most_micros)
        if key and (known := await self.store.of_key(who.user_id, key)):
            return known
        of = await self._prompts.one(who.user_id, set_id)
        sides = await self._sides.of(who, columns, model)
        await self._sides.judges(checks_in(of.checks))  # before anything is asked
        new = NewReplay(set_id, _encode(sides).decode(), of.checks, at_once, key or new_id(), most_micros)
        replay_id = await self.store.add(who.user_id, new)
        self._wake()
        return replay_id

    async def go_on(
        self, who: Principal, replay_id: str, *, retry: bool, most_micros: int | UnsetType | None = UNSET
    ) -> None:
        """Let one go on that has ended before all was answered, or ask again for what failed.

        Args:
            who: Who asks.
            replay_id: Which.
            retry: Whether what failed is asked again.
            most_micros: Another cost limit; None is none.

        Raises:
            BadRequest: The limit is out of its range.
            Conflict: It is running.
            NotFound: No such replay, or someone else's.
        """
        record = await self.store.one(who.user_id, replay_id)
        most = record.most_micros if isinstance(most_micros, UnsetType) else most_micros
        _check_limits(1, most)
        await self.store.go_on(who.user_id, replay_id, most_micros=most, retry=retry)
        self._wake()

    async def report(self, who: Principal, replay_id: str) -> Report:
        """What it has come to so far.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        record = await self.store.one(who.user_id, replay_id)
        answers = await self.store.answers(replay_id, has_texts=False)
        verdicts = await self.store.verdicts(replay_id, has_notes=False)
        return await asyncio.to_thread(_reported, record, answers, verdicts)  # of a large set it takes a while

    async def page(
        self, who: Principal, replay_id: str, *, first: int = 0, only: Only | None = None, is_blind: bool = False
    ) -> tuple[list[Pair], int]:
        """(what was said to some of the prompts, how many there are of these).

        Args:
            who: Who asks.
            replay_id: Which.
            first: How many come before.
            only: Which prompts; None is all. See `report.chosen`.
            is_blind: Whether the sides change places by chance, the same way at each look.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        record = await self.store.one(who.user_id, replay_id)
        positions: Sequence[int] = range(record.prompts)
        if only is not None:
            answers = await self.store.answers(replay_id, has_texts=False)
            verdicts = await self.store.verdicts(replay_id, has_notes=False)
            found = await asyncio.to_thread(chosen, only, checks_in(record.checks), answers, verdicts)
            positions = sorted(found)
        shown = positions[first : first + PAGE]
        return await self.pairs(who, replay_id, positions=shown, is_blind=is_blind), len(positions)

    async def pairs(
        self, who: Principal, replay_id: str, *, positions: Sequence[int] | None = None, is_blind: bool = False
    ) -> list[Pair]:
        """What was said to the prompts at some positions; None are all.

        Raises:
            NotFound: No such replay, or someone else's.
        """
        record = await self.store.one(who.user_id, replay_id)
        prompts = await self._prompts.prompts(record.set_id, positions=positions)
        answers = {(a.position, a.side): a for a in await self.store.answers(replay_id, positions)}
        verdicts: dict[int, list[Verdict]] = {}
        for verdict in await self.store.verdicts(replay_id, positions):
            verdicts.setdefault(verdict.position, []).append(verdict)
        made: list[Pair] = []
        for prompt in prompts:
            at = prompt.position
            flipped = is_blind and is_flipped(replay_id, at)
            left, right = (answers.get((at, side)) for side in (SIDES[::-1] if flipped else SIDES))
            made.append(Pair(prompt, (left, right), tuple(verdicts.get(at, ())), flipped))
        return made

    async def vote(self, who: Principal, replay_id: str, position: int, better: str, *, is_blind: bool) -> None:
        """Say which answer to a prompt is better.

        Args:
            who: Who says it.
            replay_id: Of which replay.
            position: The prompt's.
            better: "left", "right", "tie", or "" to take it back.
            is_blind: Whether the sides had changed places by chance.

        Raises:
            BadRequest: There are no two answers to that prompt.
            NotFound: No such replay, or someone else's.
        """
        await self.store.one(who.user_id, replay_id)
        if not better:
            await self.store.unvote(replay_id, position)
            return
        answers = await self.store.answers(replay_id, [position])
        if len([each for each in answers if each.error_code is None]) != len(SIDES):
            raise BadRequest("There are no two answers to this prompt.", detail="position")
        score = {"left": 0.0, "tie": 0.5, "right": 1.0}[better]
        if is_blind and is_flipped(replay_id, position):
            score = 1 - score
        await self.store.judge(replay_id, Verdict(position, PERSON, score))


def _reported(record: ReplayRecord, answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> Report:
    checks = checks_in(record.checks)
    figures = [figures_of([each for each in answers if each.side == side]) for side in SIDES]
    judges = sorted({each.judge for each in verdicts})
    wins = {judge: wins_of(each for each in verdicts if each.judge == judge) for judge in judges}
    if (by_checks := wins_by_checks(checks, answers)) is not None:
        wins["checks"] = by_checks
    held = tuple(held_to(number, answers) for number in range(len(checks)))
    by_models = [each for each in verdicts if each.judge != PERSON]
    alone = {each.position for each in answers if each.error_code is not None}
    to_judge = sum(check.kind == "judge" for check in checks) * (record.prompts - len(alone))
    return Report(
        record, decode_sides(record.sides), checks, (figures[0], figures[1]), held, wins, len(by_models), to_judge
    )


def is_flipped(replay_id: str, position: int) -> bool:
    """Whether the sides change places in a blind view of a prompt: by chance, but always the same."""
    return bool(hashlib.sha256(f"{replay_id}:{position}".encode()).digest()[0] & 1)


def _check_limits(at_once: int, most_micros: int | None) -> None:
    if not 1 <= at_once <= MOST_AT_ONCE:
        raise BadRequest(f"Ask 1 to {MOST_AT_ONCE} at once.", detail="at_once")
    if most_micros is not None and not 0 <= most_micros <= _MOST_MICROS:
        raise BadRequest("The cost limit is out of its range.", detail="most_micros")
