"""Changes of a layer: what is good counts, and the rest has its sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from chat_app.conversations.template import variables_in
from chat_app.errors import ValueRefused
from chat_app.messages import Json, Struct
from chat_app.parameters import GIVEN, VARIABLE, Layer, merged
from chat_app.values import checked

MOST_NAMES = 100


class Change(Struct, frozen=True):
    """Values to set, and names that are to say nothing any more."""

    set: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])
    reset: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.set or self.reset)


NO_CHANGE = Change()
"""Nothing changes."""


def applied(
    layer: Mapping[str, Json], change: Change, below: list[tuple[str, Layer]]
) -> tuple[Layer, dict[str, ValueRefused]]:
    """(a layer after a change, why some of its values were not taken).

    Args:
        layer: As it was.
        change: What is to be other.
        below: The layers under it, which may have variables for its system prompt.
    """
    refused: dict[str, ValueRefused] = {}
    changed: Layer = {name: value for name, value in layer.items() if name not in change.reset}
    for name, value in change.set.items():
        try:
            changed[name] = checked(name, value)
        except ValueRefused as error:
            refused[name] = error
    for name in [name for name in changed if name not in layer][::-1][: max(0, len(changed) - MOST_NAMES)]:
        del changed[name]
        refused[name] = ValueRefused(f"At most {MOST_NAMES} values are kept.", "too_many", most=MOST_NAMES)
    while unknown := _unknown(merged([*below, ("own", changed)])):
        variable, known = f"{VARIABLE}{unknown}", ", ".join(GIVEN)
        if variable in change.reset and variable not in refused:
            refused[variable] = ValueRefused(f"The system prompt uses {unknown}.", "used", name=unknown)
            _put_back(variable, layer, changed)
        elif "system_prompt" in change.set and "system_prompt" not in refused:
            sentence = f"There is no variable {unknown}; known are {known}."
            refused["system_prompt"] = ValueRefused(sentence, "variable", name=unknown, known=known)
            _put_back("system_prompt", layer, changed)
        else:  # a recipe went that had it: it is the conversation's own from now on, and waits for a value
            changed[variable] = ""
    return changed, refused


def _put_back(name: str, before: Mapping[str, Json], layer: Layer) -> None:
    layer.pop(name, None)
    if name in before:
        layer[name] = before[name]


def _unknown(values: Mapping[str, Json]) -> str:
    """The first variable of a system prompt that nobody has a value for."""
    text = values.get("system_prompt")
    names = variables_in(text) if isinstance(text, str) else []
    return next((name for name in names if name not in GIVEN and f"{VARIABLE}{name}" not in values), "")
