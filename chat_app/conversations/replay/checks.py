"""What an answer of a replay is held to: words, an expression, a form, a length.

Expressions and forms are a person's, answers a model's: they meet in a process of their own, which has bounds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

from jsonschema_rs import Draft202012Validator
from msgspec import UNSET, UnsetType

from chat_app.errors import ValueRefused
from chat_app.extraction.bounded import Bounded, Unreadable
from chat_app.messages import Json, Struct, storable
from chat_app.values import validator_of

Kind: TypeAlias = Literal["contains", "exact", "regex", "json_schema", "length", "judge"]
Outcome: TypeAlias = Literal["pass", "fail", "slow", "none"]
"""`slow` took too long, and `none` had nothing to compare with."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_MOST_PATTERN, _MOST_TEXT, _MOST_LENGTH = 2_000, 20_000, 1_000_000


class Check(Struct, frozen=True):
    """One of a set's checks.

    Args:
        kind: Which.
        value: The words, expression, JSON schema, or the judge's rubric. Without words a prompt's own are expected.
        model: Who judges.
        least: Characters at least.
        most: Characters at most.
    """

    kind: Kind
    value: str = ""
    model: str = ""
    least: int | UnsetType = UNSET
    most: int | UnsetType = UNSET


async def checked(bounded: Bounded, check: Check) -> Check:
    """A check as it is kept.

    Raises:
        ValueRefused: It can never be met, or is none.
    """
    limit = _MOST_PATTERN if check.kind == "regex" else _MOST_TEXT
    if len(check.value) > limit:
        raise ValueRefused(f"This is longer than {limit:,} characters.", "too_long", limit=limit)
    if check.kind in ("regex", "json_schema", "judge") and not check.value.strip():
        raise ValueRefused("This needs words.", "needs_words")
    match check.kind:
        case "regex":
            await _compiled(bounded, check.value)
        case "json_schema":
            _validator(check.value)
        case "length":
            least, most = _bounds(check)
            if not 0 <= least <= most <= _MOST_LENGTH:
                raise ValueRefused("The least length comes before the most.", "length_range", high=_MOST_LENGTH)
        case "judge" if not check.model:
            raise ValueRefused("A judge is a model.", "judge_model")
        case _:
            pass
    return Check(check.kind, storable(check.value), storable(check.model), check.least, check.most)


async def outcomes(bounded: Bounded, checks: Sequence[Check], text: str, expected: str) -> list[Outcome]:
    """What each check says of an answer, `none` for one that needs a judge.

    Args:
        bounded: Looks at what may never end.
        checks: All of a set's.
        text: What the model said.
        expected: What the prompt says is right; empty where it says nothing.
    """
    return [await _outcome(bounded, check, text, expected) for check in checks]


def unmet(checks: Sequence[Check], expected: str) -> list[Outcome]:
    """What each check says where there is no answer: that it does not meet it, if there is something to meet."""
    return ["fail" if _applies(check, expected) else "none" for check in checks]


def _applies(check: Check, expected: str) -> bool:
    return check.kind != "judge" and bool(check.kind not in ("contains", "exact") or check.value or expected)


async def _outcome(bounded: Bounded, check: Check, text: str, expected: str) -> Outcome:
    if not _applies(check, expected):
        return "none"
    wanted = check.value or expected
    try:
        match check.kind:
            case "contains":
                passes = wanted.strip().casefold() in text.casefold()
            case "exact":
                passes = wanted.strip() == text.strip()
            case "regex" | "json_schema":
                passes = await bounded.is_met(check.kind, check.value, text)
            case _:
                least, most = _bounds(check)
                passes = least <= len(text.strip()) <= most
    except TimeoutError:
        return "slow"
    except Unreadable:  # it was read when it was kept
        return "fail"
    return "pass" if passes else "fail"


def _bounds(check: Check) -> tuple[int, int]:
    least = 0 if isinstance(check.least, UnsetType) else check.least
    return least, _MOST_LENGTH if isinstance(check.most, UnsetType) else check.most


async def _compiled(bounded: Bounded, pattern: str) -> None:
    """Whether it can be.

    Raises:
        ValueRefused: It is no expression, or takes too long even to read.
    """
    try:
        await bounded.is_met("regex", pattern, "")
    except Unreadable as error:
        raise ValueRefused(f"This is no regular expression: {error}.", "regex", why=str(error)) from error
    except TimeoutError as error:
        raise ValueRefused("This regular expression takes too long.", "regex_slow") from error


def _validator(text: str) -> Draft202012Validator:
    """What says whether a value is of a form.

    Raises:
        ValueRefused: The text is no JSON schema.
    """
    try:
        schema: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueRefused("This is not valid JSON.", "not_json") from error
    if not isinstance(schema, dict):
        raise ValueRefused("A JSON schema is an object.", "schema_object")
    return validator_of(schema)
