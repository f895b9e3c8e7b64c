"""What a replay comes to: how each side did, how often each check was met, and which of the two is better. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal, TypeAlias, get_args

import msgspec

from chat_app.conversations.intervals import Share, share
from chat_app.conversations.replay.checks import Check, Outcome
from chat_app.store.replays import PERSON, Answer, Verdict

SIDES = (0, 1)
_WIN, _LOSS = 0.75, 0.25  # scores come in quarters: a judge who changes its mind with the order has said a half
Only: TypeAlias = Literal["failed", "unmet", "first", "second", "tie", "unvoted"]
ONLY: tuple[Only, ...] = get_args(Only)
decode_outcomes = msgspec.json.Decoder(list[Outcome]).decode


@dataclass(frozen=True, slots=True)
class SideFigures:
    """How a side did: times are milliseconds, costs micro-dollars; None where nothing is known.

    `cost_micros` is of all its answers, as far as `priced` of them have a price.
    """

    answers: int
    failed: int
    cost_micros: int | None
    priced: int
    first_token_ms: float | None
    duration_ms: float | None
    slowest_ms: float | None
    tokens_per_s: float | None
    output_tokens: float | None


@dataclass(frozen=True, slots=True)
class CheckFigures:
    """How often each side met a check, of the answers that could be held to it; `slow` took too long."""

    passed: tuple[Share | None, Share | None]
    counts: tuple[Counter[str], Counter[str]]


@dataclass(frozen=True, slots=True)
class Wins:
    """How often each side was better in the eyes of a judge, and how often nobody could say.

    `rate` is the share of the second side, in which a tie is half a win.
    """

    first: int
    second: int
    ties: int
    unread: int
    rate: Share | None
    cost_micros: int | None


def figures_of(answers: Sequence[Answer]) -> SideFigures:
    """Of one side's answers."""
    good = [each for each in answers if each.error_code is None]
    priced = [each.cost_micros for each in answers if each.cost_micros is not None]
    durations = [each.duration_ms for each in good]
    firsts = [each.first_token_ms for each in good if each.first_token_ms is not None]
    tokens = [each.output_tokens for each in good if each.output_tokens is not None]
    spoken = [each for each in good if each.output_tokens is not None and each.first_token_ms is not None]
    whole_ms = sum(each.duration_ms - (each.first_token_ms or 0) for each in spoken)
    return SideFigures(
        answers=len(answers), failed=len(answers) - len(good),
        cost_micros=sum(priced) if priced else None, priced=len(priced),
        first_token_ms=median(firsts) if firsts else None, duration_ms=median(durations) if durations else None,
        slowest_ms=_ninety_fifth(durations), output_tokens=sum(tokens) / len(tokens) if tokens else None,
        tokens_per_s=sum(each.output_tokens or 0 for each in spoken) * 1000 / whole_ms if whole_ms else None,
    )  # fmt: skip


def held_to(check: int, answers: Sequence[Answer]) -> CheckFigures:
    """How both sides did by one of the checks, by its number. An answer that failed meets none that it was held to."""
    counts = tuple(
        Counter(_outcome(each, check) for each in answers if each.side == side) for side in SIDES
    )  # fmt: skip
    passed = tuple(share(of["pass"], of["pass"] + of["fail"] + of["slow"]) for of in counts)
    return CheckFigures((passed[0], passed[1]), (counts[0], counts[1]))


def chosen(only: Only, checks: Sequence[Check], answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> set[int]:
    """The positions of the prompts that are to be looked at.

    Args:
        only: `failed`, where a side did not answer; `unmet`, where one does not meet a check; `first` or `second`,
            where a person, a judge or the checks find that side better; `tie`, where they find neither; `unvoted`,
            where a person could say and has not.
        checks: What the answers are held to.
        answers: Those of both sides.
        verdicts: What people and judges say of them.
    """
    match only:
        case "failed":
            return {each.position for each in answers if each.error_code is not None}
        case "unmet":
            met, numbers = ("pass", "none"), range(len(checks))
            return {each.position for each in answers if any(_outcome(each, at) not in met for at in numbers)}
        case "unvoted":
            good = Counter(each.position for each in answers if each.error_code is None)
            voted = {each.position for each in verdicts if each.judge == PERSON}
            return {at for at, count in good.items() if count == len(SIDES)} - voted
        case _:
            better = [*_better_by_checks(checks, answers), *((each.position, each.score) for each in verdicts)]
            scores = [(at, score) for at, score in better if score is not None]
            first = {at for at, score in scores if score <= _LOSS}
            second = {at for at, score in scores if score >= _WIN}
            return {"first": first, "second": second, "tie": {at for at, _ in scores} - first - second}[only]


def wins_of(verdicts: Iterable[Verdict]) -> Wins:
    """In the eyes of one judge."""
    found = list(verdicts)
    scores = [each.score for each in found if each.score is not None]
    second, first = sum(score >= _WIN for score in scores), sum(score <= _LOSS for score in scores)
    ties = len(scores) - first - second
    costs = [each.cost_micros for each in found if each.cost_micros is not None]
    rate = share(second + ties / 2, len(scores))
    return Wins(first, second, ties, len(found) - len(scores), rate, sum(costs) if costs else None)


def wins_by_checks(checks: Sequence[Check], answers: Sequence[Answer]) -> Wins | None:
    """Who met more of the checks, of prompts that could be held to any; None where all checks need a judge."""
    if all(check.kind == "judge" for check in checks):
        return None
    return wins_of(Verdict(0, "", score) for _, score in _better_by_checks(checks, answers))


def _better_by_checks(checks: Sequence[Check], answers: Sequence[Answer]) -> list[tuple[int, float]]:
    """(position, who met more of the checks: 0 the first, 1 the second), where both could be held to any."""
    met: dict[int, dict[int, int]] = {}
    for each in answers:
        found = [_outcome(each, number) for number in range(len(checks))]
        if any(outcome != "none" for outcome in found):
            met.setdefault(each.position, {})[each.side] = found.count("pass")
    failed = Counter(each.position for each in answers if each.error_code is not None)
    pairs = [(at, of[0], of[1]) for at, of in met.items() if len(of) == len(SIDES) and failed[at] < len(SIDES)]
    return [(at, 0.5 if a == b else float(b > a)) for at, a, b in pairs]


def _outcome(answer: Answer, check: int) -> Outcome:
    outcomes = decode_outcomes(answer.checks)
    outcome = outcomes[check] if check < len(outcomes) else "none"
    return "fail" if answer.error_code is not None and outcome == "pass" else outcome  # as earlier ones were kept


def _ninety_fifth(values: Sequence[int]) -> float | None:
    few = 2
    return max(values, default=None) if len(values) < few else quantiles(values, n=20, method="inclusive")[-1]
