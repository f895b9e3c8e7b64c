"""What may be asked of a model beside its messages, by one name everywhere: Chat Completions', or vLLM's beyond it.

The page, recipes, `models.toml`, SQL and the wires' adapters all mean the same by them.
"""

from __future__ import annotations

from collections.abc import Mapping

from chat_app.messages import Json, Parameters

_OTHER_NAMES = {"max_completion_tokens": "max_tokens", "stop_sequences": "stop"}
"""What other wires, and newer models of OpenAI, call them."""


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
