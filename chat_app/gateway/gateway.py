"""The one door: whoever wants an answer from a model, page or program, comes through here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing
from dataclasses import replace

import msgspec
import structlog

from chat_app.errors import LimitReached, ModelError, ModelUnknown, RequestRefused
from chat_app.events import Event, Relayed, Start, TextDelta
from chat_app.gateway.attempt import Attempt, Patience, is_the_callers
from chat_app.gateway.breaker import Breaker
from chat_app.gateway.cache import AnswerCache, key_of
from chat_app.gateway.caller import Caller
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.estimate import estimate_prompt
from chat_app.gateway.ledger import Ledger
from chat_app.gateway.limits import Admission, Limiter
from chat_app.gateway.load import Loads
from chat_app.gateway.media import can_be_asked, fitted, may_need_words
from chat_app.gateway.meter import Meter, replayed
from chat_app.gateway.metrics import Metrics
from chat_app.gateway.prices import cost_micros
from chat_app.gateway.route import Deployment, Route
from chat_app.gateway.router import Router
from chat_app.messages import ChatRequest, MediaPart, Usage
from chat_app.parameters import most_tokens
from chat_app.providers.base import CountsTokens
from chat_app.store.usage import Used

log = structlog.get_logger(__name__)
_MOST_BREAKERS = 1000
ReadFiles = Callable[[ChatRequest], Awaitable[ChatRequest]]
_USUAL_ANSWER_TOKENS = 500
"""What an answer is expected to take where the caller sets no bound."""


class Gateway:
    """Streams answers.

    Args:
        catalogue: Who serves which model.
        loads: How busy equal servers are.
        patience: How long to wait for them.
        limiter: Who may ask for how much.
        cache: Answers that may be given again.
        ledger: Where each attempt is written down.
        metrics: The figures.
        read_files: Puts the words of a program's files beside them, for servers that read none.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        loads: Loads,
        patience: Patience,
        limiter: Limiter,
        cache: AnswerCache,
        ledger: Ledger,
        metrics: Metrics,
        read_files: ReadFiles | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._limiter, self._cache, self._ledger, self._metrics = limiter, cache, ledger, metrics
        self._loads, self._router = loads, Router(loads)
        self._patience, self._read_files = patience, read_files
        self._breakers: dict[str, Breaker] = {}

    async def route(self, model: str) -> Route:
        """Who serves a model; waits for the first look at the servers when it is not known before.

        Raises:
            ModelError: Nobody does.
        """
        try:
            return self.catalogue.resolve(model)
        except ModelError:
            await self.catalogue.looked()
        return self.catalogue.resolve(model)

    async def stream(self, request: ChatRequest, caller: Caller) -> AsyncGenerator[Event]:
        """Answer a request, by the first deployment that begins to; all that are tried share one deadline.

        Args:
            request: What is asked, of which model.
            caller: For whom.

        Yields:
            `Start` with the first delta, more deltas, `Finish`.

        Raises:
            LimitReached: There is no room for the call now.
            FileRefused: A file in a program's request cannot be read.
            ModelError: The answer failed, before the first delta or after.
        """
        route = await self.route(request.model)
        route = route if caller.falls_back else replace(route, fallback="")
        expected = Usage(estimate_prompt(request), most_tokens(request.parameters) or _USUAL_ANSWER_TOKENS)
        tokens = (expected.input_tokens or 0) + (expected.output_tokens or 0)
        price = cost_micros(expected, route.deployments[0]) or 0
        try:
            async with self._limiter.admitted(caller, tokens, price) as admission:
                if self._read_files and may_need_words(route.deployments, request):
                    request = await self._read_files(request)
                most_s = route.cache_s if caller.cache_s is None else caller.cache_s
                found = (
                    self._cached(route, request, caller, admission, most_s)
                    if most_s > 0
                    else self._answer(route, request, caller, admission)
                )
                async with aclosing(found) as events:
                    async for event in events:
                        yield event
        except LimitReached as error:
            self._metrics.refused(request.model, error.code)
            raise

    async def embed(self, request: ChatRequest, caller: Caller) -> tuple[Start, bytes]:
        """(who answers, embeddings as the JSON that its server gave); in all else as `stream`.

        Args:
            request: With a body on the wire of embeddings.
            caller: For whom.
        """
        start, answer = Start(""), b""
        async with aclosing(self.stream(request, caller)) as events:
            async for event in events:
                if isinstance(event, Start):
                    start = event
                elif isinstance(event, Relayed):
                    answer = event.data
        return start, answer

    async def transcribe(self, request: ChatRequest, caller: Caller) -> str:
        """What is said in a recording; in all else as `stream`.

        Args:
            request: With the recording, on the wire of transcriptions.
            caller: For whom.
        """
        async with aclosing(self.stream(request, caller)) as events:
            return "".join([event.text async for event in events if isinstance(event, TextDelta)])

    async def count(self, request: ChatRequest, caller: Caller) -> int | None:
        """The tokens of a question, as its server counts them; None where it does not.

        Raises:
            LimitReached: There is no room for the call now.
            ModelError: Nobody serves the model, or the server does not take the question.
        """
        route = await self.route(request.model)
        async with self._limiter.admitted(caller, 0, 0):
            for deployment in self._router.candidates(route.deployments, caller.request_id):
                provider = deployment.provider
                if isinstance(provider, CountsTokens) and can_be_asked(deployment, request):
                    try:
                        async with asyncio.timeout(self._patience.first_token_s):
                            return await provider.count(deployment.upstream, fitted(request, deployment)[0])
                    except TimeoutError:
                        log.info("gateway.not_counted", request_id=caller.request_id, deployment=deployment.name)
                    except ModelError as error:
                        if is_the_callers(error):
                            raise
                        log.info(
                            "gateway.not_counted",
                            request_id=caller.request_id,
                            deployment=deployment.name,
                            code=error.code,
                        )
        return None

    async def _cached(
        self, route: Route, request: ChatRequest, caller: Caller, admission: Admission, most_s: float
    ) -> AsyncGenerator[Event]:
        """The answer to the same request of before; there is none, the new one is kept."""
        key = key_of(request, "" if route.is_public else caller.user_id)
        known = self._cache.get(key, most_s)
        self._metrics.looked_up(request.model, is_hit=known is not None)
        if known is not None:
            began = time.monotonic()
            for event in known:
                yield msgspec.structs.replace(event, is_cached=True) if isinstance(event, Start) else event
            used = replayed(caller, request, int((time.monotonic() - began) * 1000))
            self._ledger.write(used)
            caller.on_used(used)
            return
        heard: list[Event] = []
        async with aclosing(self._answer(route, request, caller, admission)) as events:
            async for event in events:
                heard.append(event)
                yield event
        self._cache.put(key, heard)

    async def _answer(
        self, route: Route, request: ChatRequest, caller: Caller, admission: Admission
    ) -> AsyncGenerator[Event]:
        affinity = caller.affinity or caller.request_id
        told = (self._ledger.write, self._metrics.ended, admission.add, caller.on_used, _log)
        why: ModelError | None = None
        last: Attempt | None = None
        is_asked = False
        for number, attempt in enumerate(self._attempts(route, request, affinity), start=1):
            last = attempt
            if not attempt.breaker.admits():
                why = why or attempt.breaker.why()
                continue
            is_asked = True
            try:
                with (
                    self._loads.counted(attempt.deployment),
                    Meter(self._metrics, told, caller, request, attempt.deployment, number) as meter,
                ):
                    async with aclosing(attempt.events(request)) as events:
                        async for event in events:
                            if isinstance(event, Start):
                                self._router.answered(attempt.deployment, caller.affinity)
                            meter.saw(event)
                            yield event
            except ModelError as error:
                why = error
                self.catalogue.learn(attempt.deployment, attempt.lack)
                if attempt.has_begun:
                    raise
                if is_the_callers(error):
                    break
            else:
                return
            finally:
                self._metrics.breaker(attempt.deployment.name, is_open=attempt.breaker.state != "closed")
        if last is not None and last.start is not None:  # whom the failure is from
            yield last.start
        raise self._failure(why, request, is_asked=is_asked)

    def _failure(self, why: ModelError | None, request: ChatRequest, *, is_asked: bool) -> ModelError:
        why = why or _nobody(request)
        if not is_asked:
            self._metrics.refused(request.model, why.code)
        return why

    def _attempts(self, route: Route, request: ChatRequest, affinity: str) -> Generator[Attempt]:
        """Whom to ask, in order. A silent one leaves half of the time to those that can be asked after it."""
        candidates = [
            (model, deployment, self._breaker(deployment), self._most_s(request, deployment))
            for model, deployment in self._candidates(route, request, affinity)
        ]
        until = time.monotonic() + max((most_s for *_, most_s in candidates), default=0)
        for number, (model, deployment, breaker, most_s) in enumerate(candidates, start=1):
            left_s = until - time.monotonic()
            if any(after.state != "open" for _, _, after, _ in candidates[number:]):
                left_s /= 2
            named = "" if model == route.card.id else model
            yield Attempt(deployment, named, breaker, wait_s=min(left_s, most_s), idle_s=self._patience.idle_s)

    def _most_s(self, request: ChatRequest, deployment: Deployment) -> float:
        """How long one may be silent: whoever streams, also for a caller that wants all at once, begins sooner."""
        provider = deployment.provider
        comes_whole = request.is_whole and request.wire in provider.relays and not provider.only_streams
        return self._patience.whole_s if comes_whole else self._patience.first_token_s

    def _candidates(self, route: Route, request: ChatRequest, affinity: str) -> Generator[tuple[str, Deployment]]:
        """(model, deployment): the model's own, then those of its fallback, and of the fallback's."""
        seen: set[str] = set()
        while route.card.id not in seen:
            seen.add(route.card.id)
            for deployment in self._router.candidates(route.deployments, affinity):
                if can_be_asked(deployment, request):
                    yield route.card.id, deployment
            try:
                route = self.catalogue.resolve(route.fallback)
            except ModelError:
                return

    def _breaker(self, deployment: Deployment) -> Breaker:
        if len(self._breakers) > _MOST_BREAKERS:  # names may be made up, without end
            self._breakers = {name: each for name, each in self._breakers.items() if each.state != "closed"}
        return self._breakers.setdefault(
            deployment.name, Breaker(failures=self._patience.failures, rest_s=self._patience.rest_s)
        )


def _log(used: Used) -> None:
    """One line for each attempt; never what was said."""
    log.info(
        "gateway.attempt", request_id=used.request_id, attempt=used.attempt, key_id=used.key_id, model=used.model,
        deployment=used.deployment, status=used.status, first_token_ms=used.first_token_ms,
        duration_ms=used.duration_ms, input_tokens=used.usage.input_tokens, output_tokens=used.usage.output_tokens,
    )  # fmt: skip


def _nobody(request: ChatRequest) -> ModelError:
    if request.wire == "embeddings":
        return RequestRefused(f"No server of {request.model} makes embeddings.")
    if request.wire == "transcriptions":
        return RequestRefused(f"No server of {request.model} turns speech into text.")
    if request.needs:
        kinds = " and ".join(sorted(request.needs))
        own = "Anthropic" if request.wire == "messages" else "OpenAI"
        return RequestRefused(f"No server of {request.model} can be sent {kinds} yet, but those of {own}'s wire.")
    if kinds := {part.kind for message in request.messages for part in message.parts if isinstance(part, MediaPart)}:
        return RequestRefused(f"No server of {request.model} can be sent {' and '.join(sorted(kinds))}.")
    return ModelUnknown(f"No server offers {request.model} now.")
