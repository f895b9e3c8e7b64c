"""What differs between two versions of a recipe. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from chat_app.messages import Json
from chat_app.store.recipes import Content

Op: TypeAlias = Literal["same", "old", "new"]
_LONG = "\n"
_MOST_LINES = 500
NOT_SENT = "∅"
"""How a parameter is shown that is not to be sent; the text "null" is another thing."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs. `lines` are those of a text of several lines, each (whose it is, the line).

    `old` and `new` are None where the version says nothing of it.
    """

    field: str
    old: str | None
    new: str | None
    lines: tuple[tuple[Op, str], ...] = ()


def differences(old: Content, new: Content) -> list[Difference]:
    """The fields that differ, in the order of the form."""
    before, after = _fields(old), _fields(new)
    names = [*before, *(name for name in after if name not in before)]
    return [_difference(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def _fields(content: Content) -> dict[str, str]:
    told = {"name": content.name, "description": content.description}
    told |= {name: _text(value) for name, value in content.values.items()}
    told |= {"starting_points": "\n".join(content.starting_points)} if content.starting_points else {}
    return {name: text for name, text in told.items() if text or name not in ("name", "description")}


def _text(value: Json) -> str:
    if value is None:
        return NOT_SENT
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _difference(name: str, old: str | None, new: str | None) -> Difference:
    is_long = _LONG in (old or "") or _LONG in (new or "")
    return Difference(name, old, new, tuple(_lines(old or "", new or "")) if is_long else ())


def _lines(old: str, new: str) -> Iterator[tuple[Op, str]]:
    # By the line break alone, and one at the end begins a line: texts that differ in that differ here.
    before, after = (text.split("\n") if text else [] for text in (old, new))
    if max(len(before), len(after)) > _MOST_LINES:  # as many equal lines would take minutes to tell apart
        for line in before:
            yield "old", line
        for line in after:
            yield "new", line
        return
    for op, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if op == "equal":
            for line in before[i1:i2]:
                yield "same", line
            continue
        for line in before[i1:i2]:
            yield "old", line
        for line in after[j1:j2]:
            yield "new", line
