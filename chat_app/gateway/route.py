"""A model and the places that serve it."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat_app.gateway.model_files import Price
from chat_app.messages import Capability, Json, MediaKind, ModelCard
from chat_app.providers.base import Provider


@dataclass(frozen=True, slots=True)
class Deployment:
    """One place that serves a model.

    `name` tells it from every other; `upstream` is the server's own name for the model; `weight` is its share of the
    calls; `parameters` go with every request, of which `own` are the deployment's and the others the model's. It gets
    none of `refuses`, nor of `refuses_thinking` unless it is told not to think. `capabilities` are None where nobody
    says what its model can; `lacks` is what it turned out not to take, and `most_pictures` how many it
    takes at once.
    """

    name: str
    provider: Provider
    upstream: str
    weight: float = 1
    parameters: dict[str, Json] = field(default_factory=dict[str, Json])
    price: Price | None = None
    own: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    refuses_thinking: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] | None = None
    lacks: frozenset[MediaKind] = frozenset()
    most_pictures: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A model as the catalogue offers it, and who serves it.

    `fallback` is the model to ask when no deployment answers. `cache_s` is how long the same request gets the same
    answer, and `is_public` says that people share those.
    """

    card: ModelCard
    deployments: tuple[Deployment, ...]
    fallback: str = ""
    cache_s: float = 0
    is_public: bool = False
