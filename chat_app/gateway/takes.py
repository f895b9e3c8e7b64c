"""What a model takes of the parameters, and what it is asked with where nobody says anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from chat_app.gateway.route import Deployment, Route
from chat_app.messages import Json
from chat_app.parameters import CHOICES, REASONING, SPEC, Layer, named

Why: TypeAlias = Literal["server", "model", "no_reasoning", "thinking"]
"""Its server has no use for it, it itself has none, it does not reason, or it reasons unless it is told not to."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What is known of a model; `server` is who is meant where a parameter is not taken.

    `refuses` says why it does not take a parameter, or one of its `CHOICES`. `model` is what its entry in `models.toml`
    sends, `deployment` what its deployments do: the different values there are, None for one that sends none.
    `has_efforts` says whether one reasoning effort is more than another.
    """

    server: str
    refuses: dict[str, Why]
    model: Layer
    deployment: dict[str, tuple[Json, ...]]
    output_tokens: int | None
    has_efforts: bool


def takes(route: Route) -> Takes:
    """What is known of the model of a route."""
    places = route.deployments
    refuses: dict[str, Why] = {name: why for name in (*SPEC, *CHOICES) if (why := _why(name, places))}
    sent = [(each, named(each.parameters)) for each in places]
    model: Layer = {}
    own: dict[str, tuple[Json, ...]] = {}
    for place, parameters in sent:
        for name in parameters:
            if name in place.own:
                own[name] = tuple(_each_once([other.get(name) for _, other in sent]))
            else:
                model[name] = parameters[name]
    who = route.card.id if route.card.is_built_in else route.card.server
    has_efforts = any(place.provider.has_efforts for place in places)
    return Takes(who, refuses, model, own, route.card.output_tokens, has_efforts)


def _why(name: str, places: tuple[Deployment, ...]) -> Why | None:
    """Why none of the places takes a parameter; None where one does."""
    if all(name in place.provider.refuses for place in places):
        return "server"
    if all(name in place.refuses for place in places):
        return "no_reasoning" if name in REASONING else "model"
    return "thinking" if all(name in place.refuses_thinking for place in places) else None


def _each_once(values: list[Json]) -> list[Json]:
    return [value for at, value in enumerate(values) if value not in values[:at]]
