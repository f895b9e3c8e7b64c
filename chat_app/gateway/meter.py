"""Watches one attempt: when its words came, what they cost, and how it ended; and tells whom it concerns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from chat_app.errors import AnswerBroken, ModelError
from chat_app.events import Event, Finish, ReasoningDelta, Relayed, Said, TextDelta, ToolCallDelta
from chat_app.gateway.caller import Caller
from chat_app.gateway.estimate import estimate_prompt, estimate_tokens
from chat_app.gateway.metrics import Metrics
from chat_app.gateway.prices import cost_micros
from chat_app.gateway.route import Deployment
from chat_app.messages import UNKNOWN, ChatRequest, Usage
from chat_app.store.database import now_ms
from chat_app.store.usage import Used


class Meter:
    """Of one attempt; a context manager around it, which knows from what leaves the block how it ended.

    Args:
        metrics: Get the figures as they come.
        tell: Those that are told what it took, at its end.
        caller: For whom.
        request: What is asked.
        deployment: Who is.
        number: Which attempt of the call it is, from 1.
    """

    def __init__(
        self,
        metrics: Metrics,
        tell: Iterable[Callable[[Used], None]],
        caller: Caller,
        request: ChatRequest,
        deployment: Deployment,
        number: int,
    ) -> None:
        self._metrics, self._tell = metrics, tell
        self._caller, self._request, self._deployment, self._number = caller, request, deployment, number
        self._observe_first, self._observe_gap = metrics.times(request.model)
        self._at, self._began = now_ms(), time.monotonic()
        self._first: float | None = None
        self._last = 0.0
        self._heard: list[str] = []
        self._finish: Finish | None = None

    def saw(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, Relayed):
            for delta in event.deltas:
                self._hear(delta)
        elif isinstance(event, TextDelta | ReasoningDelta | ToolCallDelta):
            self._hear(event)
        elif isinstance(event, Finish):
            self._finish = event

    def _hear(self, delta: Said) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
            self._observe_first(now - self._began)
        else:
            self._observe_gap(now - self._last)
        self._last = now
        self._heard.append(delta.arguments if isinstance(delta, ToolCallDelta) else delta.text)

    def __enter__(self) -> Meter:
        self._metrics.opened(self._request.model)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        now = time.monotonic()
        usage, is_estimated = self._counted()
        used = Used(
            created_at=self._at,
            request_id=self._caller.request_id,
            attempt=self._number,
            user_id=self._caller.user_id,
            key_id=self._caller.key_id,
            purpose=self._caller.purpose,
            model=self._request.model,
            deployment=self._deployment.name,
            status=self._status(error),
            duration_ms=int((now - self._began) * 1000),
            first_token_ms=None if self._first is None else int((self._first - self._began) * 1000),
            usage=usage,
            cost_micros=cost_micros(usage, self._deployment),
            is_estimated=is_estimated,
        )
        for tell in self._tell:
            tell(used)

    def _counted(self) -> tuple[Usage, bool]:
        """The tokens as the provider counted them; of an answer that broke off what they must be, about."""
        if self._finish is not None and self._finish.usage.output_tokens is not None:
            return self._finish.usage, False
        if not self._heard and self._finish is None:  # nothing was said: nothing is known to be billed
            return UNKNOWN, False
        said = estimate_tokens("".join(self._heard)) if self._heard else 0
        return Usage(estimate_prompt(self._request), said), True

    def _status(self, error: BaseException | None) -> str:
        if isinstance(error, ModelError):
            return error.code
        if error is not None:
            return "cancelled"
        return "complete" if self._finish is not None else AnswerBroken.code


def replayed(caller: Caller, request: ChatRequest, duration_ms: int) -> Used:
    """What an answer took that was given again: no tokens, and nothing."""
    return Used(
        created_at=now_ms(),
        request_id=caller.request_id,
        attempt=1,
        user_id=caller.user_id,
        key_id=caller.key_id,
        purpose=caller.purpose,
        model=request.model,
        deployment="",
        status="complete",
        duration_ms=duration_ms,
        cost_micros=0,
        is_cached=True,
    )
