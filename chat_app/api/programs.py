"""What every door for programs has in common: a key before, errors in its wire's shape after, an ear for the caller.

While a model is waited for, and while it speaks, the caller may leave: then the model is left, too.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from chat_app.api.bodies import read_body
from chat_app.api.shapes import OPENAI, Shape
from chat_app.errors import (
    BadRequest,
    ChatError,
    ModelUnknown,
    Unauthorized,
)
from chat_app.events import Start
from chat_app.gateway.caller import Caller
from chat_app.gateway.keys import may_ask
from chat_app.messages import Rate
from chat_app.services import Services
from chat_app.store.keys import KeyRecord

JSON, EVENTS = "application/json", "text/event-stream"
log = structlog.get_logger(__name__)
_TOO_LARGE = 413
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a server may list a model by any name, and no header may hold these
_LONGEST_CACHE_S = 24 * 3600


@dataclass(slots=True)
class Program:
    """A program's request, known by its key; `rates` are what is left of its limits, once it was let in."""

    request: Request
    services: Services
    key: KeyRecord
    caller: Caller
    body: bytes
    send: Send
    rates: list[Rate]
    shape: Shape
    has_begun: bool = False

    def may_ask(self, model: str) -> None:
        """Go on only if the key is for this model.

        Raises:
            ModelUnknown: It is not; to it there is no such model.
        """
        if not may_ask(self.key, model):
            raise ModelUnknown(f"The model `{model}` does not exist or you do not have access to it.")

    async def begin(self, content_type: str, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send the head of the answer."""
        self.has_begun = True
        told = [
            ("content-type", content_type),
            ("x-request-id", self.caller.request_id),
            *headers,
            *self.shape.limits(self.rates),
        ]
        raw = [(name.encode(), _CONTROL.sub(" ", value).encode("latin-1", "replace")) for name, value in told]
        await self.send({"type": "http.response.start", "status": status, "headers": raw})

    def told(self, start: Start) -> list[tuple[str, str]]:
        """Headers that say who answers, and what of the parameters did not go there."""
        told = [("x-deployment", start.deployment), ("x-cache", "hit" if start.is_cached else "miss")]
        more = [("x-model", start.model), ("x-dropped", ", ".join(start.dropped))]
        return [*told, *((name, value) for name, value in more if value)]

    async def write(self, data: bytes, *, more: bool = False) -> None:
        """Send some of its body."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})


Answer = Callable[[Program], Awaitable[None]]


class _TooLarge(BadRequest):
    status = _TOO_LARGE


class ForPrograms:
    """A route that is asked by programs.

    Args:
        answer: Does it.
        shape: How its programs are told of errors and limits.
    """

    def __init__(self, answer: Answer, shape: Shape = OPENAI) -> None:
        self._answer, self._shape = answer, shape

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        services: Services = request.app.state.services
        address = request.client.host if request.client else ""
        rates: list[Rate] = []
        caller = Caller("", address=address, purpose="api", on_rates=rates.extend)
        program: Program | None = None
        try:
            key = await _who(request, services, caller)
            caller = Caller(
                key.user_id, key.id, address, request.headers.get("x-conversation-id", ""), key.limits,
                cache_s=_cache_s(request), purpose="api", on_rates=rates.extend,
            )  # fmt: skip
            most = services.settings.max_request_bytes
            body = await read_body(request, most, _TooLarge(f"A request may have {most:,} bytes."))
            program = Program(request, services, key, caller, body, send, rates, self._shape)
            await self._while_there(program, receive)
        except ClientDisconnect:
            return
        except ChatError as error:
            if program is None or not program.has_begun:
                await _refuse(error, caller.request_id, self._shape, rates, send)
            else:
                told = json.dumps(self._shape.body(error, caller.request_id)).encode()
                await program.write(self._shape.event + told + b"\n\n")

    async def _while_there(self, program: Program, receive: Receive) -> None:
        """Answer, and stop when the caller leaves."""
        raised: list[ChatError] = []

        async def answer() -> None:
            try:
                await self._answer(program)
            except ChatError as error:  # past the group, which would wrap it
                raised.append(error)
            except Exception:  # the task boundary of a program's call: it, too, is told in the shape it knows
                log.exception("api.failed", request_id=program.caller.request_id)
                raised.append(ChatError("The server failed."))

        async def until_gone() -> None:  # the body was read: nothing but leaving comes after it
            while (await receive())["type"] != "http.disconnect":
                pass

        async with asyncio.TaskGroup() as group:
            work, watch = group.create_task(answer()), group.create_task(until_gone())
            await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            watch.cancel()
        if raised:
            raise raised[0]


def _cache_s(request: Request) -> float | None:
    """How old an answer may be that is given again, in seconds; unset leaves it to the model.

    Raises:
        BadRequest: It is no number of seconds.
    """
    given = request.headers.get("x-cache-ttl")
    if given is None:
        return None
    try:
        wanted = float(given)
    except ValueError:
        wanted = math.nan
    if not 0 <= wanted <= _LONGEST_CACHE_S:
        raise BadRequest(f"x-cache-ttl must be 0 to {_LONGEST_CACHE_S} seconds.", detail="x-cache-ttl")
    return wanted


async def _who(request: Request, services: Services, caller: Caller) -> KeyRecord:
    given = request.headers.get("authorization") or request.headers.get("x-api-key") or ""
    try:
        return await services.keys.who(given)
    except Unauthorized:
        await services.limiter.knock(caller)
        raise


async def _refuse(error: ChatError, request_id: str, shape: Shape, rates: list[Rate], send: Send) -> None:
    log.info("api.refused", request_id=request_id, code=error.code)
    headers = [("content-type", "application/json"), ("x-request-id", request_id), *shape.limits(rates)]
    wait_s = getattr(error, "retry_after_s", None)
    if wait_s is not None:
        headers.append(("retry-after", str(max(1, round(wait_s)))))
    raw = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": shape.status(error), "headers": raw})
    await send({"type": "http.response.body", "body": json.dumps(shape.body(error, request_id)).encode()})
