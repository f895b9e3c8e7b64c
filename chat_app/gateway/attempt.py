"""One try to get an answer from one deployment: how long it may take, and what its end means for the deployment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from chat_app.errors import AnswerBroken, FirstTokenTimeout, MediaRefused, ModelError, PromptTooLong, RequestRefused
from chat_app.events import Event, Relayed, Start
from chat_app.gateway.breaker import Breaker
from chat_app.gateway.lacks import NO_LACK, Lack, refused_media
from chat_app.gateway.media import fitted
from chat_app.gateway.route import Deployment
from chat_app.gateway.silence import Silence
from chat_app.messages import ChatRequest, SentFile
from chat_app.parameters import named, under, without


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds, and how often to fail before a deployment gets a rest.

    `whole_s` is for an answer that comes all at once.
    """

    first_token_s: float
    idle_s: float
    whole_s: float = 600
    failures: int = 5
    rest_s: float = 5


@dataclass(slots=True)
class Attempt:
    """Ask one deployment.

    `model` is what it serves, where that is another than was asked. `wait_s` is the time to its first delta. `start` is
    what it told before, and `has_begun` says that the delta came: from then on no other may answer. `lack` is what it
    refused because its model takes none, or fewer.
    """

    deployment: Deployment
    model: str
    breaker: Breaker
    wait_s: float
    idle_s: float
    start: Start | None = None
    has_begun: bool = False
    lack: Lack = NO_LACK

    async def events(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """`Start` together with the first delta, more deltas, `Finish`.

        Raises:
            ModelError: It did not answer, or not to the end.
        """
        held: list[Event] = []
        asked, refused = for_deployment(request, self.deployment)
        asked, files = fitted(asked, self.deployment)
        try:
            async with aclosing(self._in_time(asked)) as events:
                async for event in events:
                    if self.has_begun:
                        yield event
                    elif isinstance(event, Start):
                        self.start = self._told(event, request, refused, files)
                    elif not _says(event):
                        held.append(event)
                    else:
                        self.has_begun = True
                        self.breaker.began()
                        if self.start is not None:
                            yield self.start
                        for earlier in held:
                            yield earlier
                        yield event
        except ModelError as error:
            self.lack = NO_LACK if self.has_begun else refused_media(error, asked, self.deployment)
            if self.lack or is_the_callers(error):  # the deployment is well: it answered
                self.breaker.succeeded()
            else:
                self.breaker.failed(error)
            if self.lack:
                raise MediaRefused(str(error), detail=error.detail) from error
            raise
        self.breaker.succeeded()

    def _told(self, start: Start, request: ChatRequest, refused: tuple[str, ...], files: tuple[SentFile, ...]) -> Start:
        passes_on = request.wire in self.deployment.provider.relays
        dropped = (*refused, *start.dropped, *(() if passes_on else request.unplaced))
        name, model = self.deployment.name, self.model
        return msgspec.structs.replace(start, deployment=name, model=model, dropped=dropped, files=files)

    async def _in_time(self, request: ChatRequest) -> AsyncGenerator[Event]:
        clock = asyncio.get_running_loop().time
        until = clock() + self.wait_s
        try:
            async with aclosing(self.deployment.provider.stream(self.deployment.upstream, request)) as events:
                with Silence() as silence:
                    silence.begin(until)
                    async for event in events:
                        silence.end()
                        yield event
                        silence.begin(clock() + self.idle_s if self.has_begun else until)
        except TimeoutError:
            raise self._silent(request.model) from None

    def _silent(self, model: str) -> AnswerBroken | FirstTokenTimeout:
        if not self.has_begun:
            return FirstTokenTimeout(f"{model} did not begin to answer within {self.wait_s:.3g} s.")
        return AnswerBroken("The answer broke off.", detail=f"no word for {self.idle_s:g} s")


def _says(event: Event) -> bool:
    """Whether an event is a delta or the end; a relayed chunk may hold nothing but who speaks."""
    return bool(event.deltas) if isinstance(event, Relayed) else not isinstance(event, Start)


def is_the_callers(error: ModelError) -> bool:
    """Whether a failure is the request's own, so that every deployment would tell the same."""
    return isinstance(error, PromptTooLong | RequestRefused) and not isinstance(error, MediaRefused)


def for_deployment(request: ChatRequest, deployment: Deployment) -> tuple[ChatRequest, tuple[str, ...]]:
    """(the request with a deployment's parameters below the caller's, those of both that its model does not take)."""
    defaults, never, thinking = deployment.parameters, deployment.refuses, deployment.refuses_thinking
    if not (defaults or never or thinking):
        return request, ()
    parameters = named(defaults) | request.parameters
    taken = without(parameters, never, thinking)
    body = None if request.body is None else without(under(defaults, request.body), never, thinking)
    refused = tuple(name for name in parameters if name not in taken and parameters[name] is not None)
    return msgspec.structs.replace(request, parameters=taken, body=body), refused
