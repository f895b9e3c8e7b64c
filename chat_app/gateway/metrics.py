"""The figures of the gateway, as Prometheus reads them. Names follow prometheus.io/docs/practices/naming."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # pyright: ignore[reportUnknownVariableType]
from prometheus_client.values import MutexValue, ValueClass  # pyright: ignore[reportUnknownVariableType]

from chat_app.store.usage import Used

_MODEL = ("model",)
_WAITS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_MOST_NAMES = 1000
_GAPS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
Observe = Callable[[float], None]


class Metrics:
    """Counters and times. Labels are models, deployments and kinds of error: never people, keys or words.

    Args:
        folder: Where several workers keep theirs, to be told together, if prometheus_client was loaded in an
            environment that names it; None for one worker.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._registry, self._folder = CollectorRegistry(), None if ValueClass is MutexValue else folder
        made: dict[str, Any] = {"registry": self._registry, "namespace": "chat_app"}
        self._requests = Counter("requests", "Attempts by how they ended.", ("model", "deployment", "status"), **made)
        self._tokens = Counter("tokens", "Tokens by kind.", ("model", "deployment", "kind"), **made)
        self._cost = Counter("cost_dollars", "Cost, where the price is known.", ("model", "deployment"), **made)
        self._first = Histogram("first_token_seconds", "To the first word.", _MODEL, buckets=_WAITS_S, **made)
        self._gap = Histogram("inter_token_seconds", "Between two pieces.", _MODEL, buckets=_GAPS_S, **made)
        self._open = Gauge("open_streams", "Answers in progress.", _MODEL, multiprocess_mode="livesum", **made)
        self._breakers = Gauge(
            "breaker_open", "1 while a deployment is left alone.", ("deployment",), multiprocess_mode="livemax", **made
        )
        self._refused = Counter("refused", "Calls that no deployment was asked for.", ("model", "code"), **made)
        self._cache = Counter("cache", "Looks into the cache of answers.", ("model", "result"), **made)

        self._known: set[str] = set()

    def _label(self, name: str) -> str:
        """The name, while there are not too many: a program can ask for any model that has a vendor's prefix."""
        if name not in self._known:
            if len(self._known) >= _MOST_NAMES:
                return "other"
            self._known.add(name)
        return name

    def render(self) -> tuple[bytes, str]:
        """(all figures, their content type), of every worker."""
        if self._folder is None:
            return generate_latest(self._registry), CONTENT_TYPE_LATEST
        together = CollectorRegistry()
        MultiProcessCollector(together, path=str(self._folder))
        return generate_latest(together), CONTENT_TYPE_LATEST

    def close(self) -> None:
        """This worker ends: what it has open is open no more."""
        if self._folder is not None:
            mark_process_dead(os.getpid(), path=str(self._folder))

    def opened(self, model: str) -> None:
        """An attempt begins."""
        self._open.labels(self._label(model)).inc()

    def times(self, model: str) -> tuple[Observe, Observe]:
        """(takes the time to a first word, takes the time between two pieces), both in seconds."""
        label = self._label(model)
        return self._first.labels(label).observe, self._gap.labels(label).observe

    def ended(self, used: Used) -> None:
        """It ended."""
        model, deployment = self._label(used.model), self._label(used.deployment)
        self._open.labels(model).dec()
        self._requests.labels(model, deployment, used.status).inc()
        for kind, tokens in (("input", used.usage.input_tokens), ("output", used.usage.output_tokens)):
            if tokens:
                self._tokens.labels(model, deployment, kind).inc(tokens)
        if used.cost_micros:
            self._cost.labels(model, deployment).inc(used.cost_micros / 1_000_000)

    def refused(self, model: str, code: str) -> None:
        """A call was over a limit, or nobody could be asked for it."""
        self._refused.labels(self._label(model), code).inc()

    def breaker(self, deployment: str, *, is_open: bool) -> None:
        """A deployment is left alone, or asked again."""
        self._breakers.labels(self._label(deployment)).set(is_open)

    def looked_up(self, model: str, *, is_hit: bool) -> None:
        """The cache was asked."""
        self._cache.labels(self._label(model), "hit" if is_hit else "miss").inc()
