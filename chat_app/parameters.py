"""What may be asked of a model beside its messages, by one name everywhere: Chat Completions', or vLLM's beyond it.

The page, recipes, `models.toml`, SQL and the wires' adapters all mean the same by them. `SPECS` is the one table:
the panel is drawn from it and what people give is checked by it. Ranges are the vendors' of November 2026.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from chat_app.messages import Json, Parameters, Struct

Kind: TypeAlias = Literal[
    "number", "integer", "strings", "choice", "format", "object", "text", "model", "recipe", "documents"
]
Layer: TypeAlias = dict[str, Json]
"""Some values by name. A name that is not there says nothing; None says that the parameter is not to be sent."""

GIVEN = ("date", "user", "language")
"""The variables that every system prompt may use: the application fills them in."""
VARIABLE = "variables."
"""What the name of a variable's value begins with."""


class Spec(Struct, frozen=True):
    """A parameter.

    `low` and `high` are its range, inclusive but for a `low` that is `above`; of text and lists `high` is the most
    characters or entries. `step` is a slider's; 0 is none. `usual` is what most servers take where it is not sent.
    """

    name: str
    kind: Kind
    low: float = 0
    high: float = 0
    above: bool = False
    step: float = 0
    usual: float | None = None
    choices: tuple[str, ...] = ()


_MOST_TEXT = 100_000
_MOST_INT32 = 2**31 - 1

SPECS: tuple[Spec, ...] = (
    Spec("model", "model", high=300),
    Spec("system_prompt", "text", high=_MOST_TEXT),
    Spec("temperature", "number", 0, 2, step=0.1, usual=1),
    Spec("top_p", "number", 0, 1, above=True, step=0.05, usual=1),
    Spec("top_k", "integer", 0, 1_000_000, usual=0),
    Spec("min_p", "number", 0, 1, step=0.01, usual=0),
    Spec("max_tokens", "integer", 1, 10_000_000),
    Spec("presence_penalty", "number", -2, 2, step=0.1, usual=0),
    Spec("frequency_penalty", "number", -2, 2, step=0.1, usual=0),
    Spec("repetition_penalty", "number", 0, 2, above=True, step=0.05, usual=1),
    Spec("seed", "integer", 0, _MOST_INT32),
    Spec("stop", "strings", 1, 4),
    Spec("reasoning_effort", "choice", choices=("none", "minimal", "low", "medium", "high", "xhigh", "max")),
    Spec("thinking_budget", "integer", 1, 1_000_000),
    Spec("response_format", "format", choices=("text", "json_object", "json_schema"), high=_MOST_TEXT),
    Spec("extra", "object", high=_MOST_TEXT),
    Spec("recipe", "recipe"),
    Spec("documents", "documents", high=100),
)
SPEC = {spec.name: spec for spec in SPECS}
OURS = frozenset({"model", "system_prompt", "recipe", "documents", "extra"})
"""Those that no request has as a parameter."""
SENT = frozenset(SPEC) - OURS
CHOICES = {f"{spec.name}={choice}": spec.name for spec in SPECS for choice in spec.choices}
"""Choices by how a wire or a model says that it does not take one, with the names of their parameters."""
ANY_JSON = "response_format=json_object"
REASONING = frozenset({"reasoning_effort", "thinking_budget"})

_OTHER_NAMES = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop"}
"""What other wires, and newer models of OpenAI, call them."""


def merged(layers: Iterable[tuple[str, Mapping[str, Json]]]) -> Layer:
    """The values that count: layers by their names, the later over the earlier."""
    values: Layer = {}
    for _, layer in layers:
        values |= layer
    return values


def to_send(values: Mapping[str, Json]) -> Parameters:
    """What of a layer goes to a model; None stays, so that it counts over a deployment's own."""
    extra = values.get("extra")
    more = named(extra) if isinstance(extra, dict) else {}
    return more | {name: value for name, value in values.items() if name in SENT}


def without(parameters: Parameters, refused: Iterable[str], refused_thinking: Iterable[str]) -> Parameters:
    """The parameters that a model takes; some it does not take while it thinks, which it does unless told not to."""
    names = set(refused)
    if parameters.get("reasoning_effort") != "none":
        names |= set(refused_thinking)
    return {name: value for name, value in parameters.items() if not {name, _choice(name, value)} & names}


def _choice(name: str, value: Json) -> str:
    """A value as it stands in `CHOICES`, where it is one of some."""
    return f"{name}={value.get('type') if isinstance(value, dict) else value}"


def named(told: Mapping[str, Json]) -> Parameters:
    """Parameters by whatever names they came, by ours. One stop sequence may have come without its list."""
    ours: Parameters = {name: value for name, value in told.items() if name not in _OTHER_NAMES}
    ours |= {_OTHER_NAMES[name]: value for name, value in told.items() if name in _OTHER_NAMES and value is not None}
    if isinstance(stop := ours.get("stop"), str):
        ours["stop"] = [stop]
    return ours


def under(defaults: Mapping[str, Json], body: dict[str, Json]) -> dict[str, Json]:
    """A program's own body with defaults below it, by whichever of their names it has them."""
    known = named(body)
    return {name: value for name, value in defaults.items() if _OTHER_NAMES.get(name, name) not in known} | body


def most_tokens(parameters: Mapping[str, Json]) -> int | None:
    """How long an answer may become, in tokens; None where nothing is said of it."""
    most = parameters.get("max_tokens")
    return most if isinstance(most, int) and not isinstance(most, bool) and most > 0 else None
