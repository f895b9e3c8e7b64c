"""The one door: whoever wants an answer from a model, page or program, comes through here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from chat_app.errors import AnswerBroken, FirstTokenTimeout, ModelError
from chat_app.events import Event, Start
from chat_app.gateway.catalogue import Catalogue, Route
from chat_app.messages import ChatRequest, Json


class Gateway:
    """Streams answers.

    Args:
        catalogue: Who serves which model.
        first_token_timeout_s: Time from the request to the first word.
        idle_timeout_s: Longest silence between two events after that.
    """

    def __init__(self, catalogue: Catalogue, *, first_token_timeout_s: float, idle_timeout_s: float) -> None:
        self.catalogue = catalogue
        self._first_token_timeout_s = first_token_timeout_s
        self._idle_timeout_s = idle_timeout_s

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

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Event]:
        """Answer a request.

        Args:
            request: What is asked, of which model.

        Yields:
            `Start`, deltas, `Finish`.

        Raises:
            ModelError: The answer failed, before the first delta or after.
        """
        route = await self.route(request.model)
        if route.parameters:
            request = _with(request, route.parameters)
        has_begun = False
        async with aclosing(route.provider.stream(route.upstream, request)) as events:
            while True:
                try:
                    async with asyncio.timeout(self._idle_timeout_s if has_begun else self._first_token_timeout_s):
                        event = await anext(events, None)
                except TimeoutError:
                    raise self._silence(request.model, has_begun) from None
                if event is None:
                    return
                has_begun = has_begun or not isinstance(event, Start)
                yield event

    def _silence(self, model: str, has_begun: bool) -> AnswerBroken | FirstTokenTimeout:
        if has_begun:
            return AnswerBroken("The answer broke off.", detail=f"no word for {self._idle_timeout_s:g} s")
        return FirstTokenTimeout(f"{model} did not begin to answer within {self._first_token_timeout_s:g} s.")


def _with(request: ChatRequest, defaults: dict[str, Json]) -> ChatRequest:
    """The request with a deployment's own parameters below the caller's."""
    parameters = msgspec.structs.replace(request.parameters, extra=defaults | request.parameters.extra)
    return msgspec.structs.replace(request, parameters=parameters)
