"""The routes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from chat_app.api import health, messages, openai, transfer, turns
from chat_app.api.identity import Identity
from chat_app.api.programs import ForPrograms
from chat_app.api.streams import FollowAnswers
from chat_app.errors import ChatError, ImportFailed, StoreUnavailable
from chat_app.services import Services

log = structlog.get_logger(__name__)
Ask = Callable[[Request, Services, str], Awaitable[ASGIApp]]


class _Asked:
    """A route that needs to know who asks: identity before, errors after, in one place for all."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        services: Services = request.app.state.services
        identity: Identity = request.app.state.identity
        response: ASGIApp
        try:
            who = identity.principal(request.headers.get("cookie", ""))
            response = await self._ask(request, services, who.user_id)
        except ChatError as error:
            if isinstance(error, StoreUnavailable):
                log.warning("api.unavailable", path=request.url.path, error=error.detail)
            body: dict[str, object] = {"code": error.code, "message": str(error)}
            if isinstance(error, ImportFailed):
                body |= {"reason": error.reason, "values": error.values}
            response = JSONResponse({"error": body}, status_code=error.status)
        await response(scope, receive, send)


NEW_CHAT = "/new"


async def _front_door(_: Request) -> Response:
    """React Router gives `/` to the layout alone, before any catch-all page: docs/decisions/0002-reflex.md."""
    return RedirectResponse(NEW_CHAT)


async def _ready(request: Request) -> Response:
    return await health.ready(request.app.state.services)


async def _metrics(request: Request) -> Response:
    return await health.metrics(request.app.state.services)


def make_api() -> Starlette:
    """The API; `state.services` and `state.identity` are set before the first request."""
    return Starlette(
        routes=[
            Route("/", _front_door),
            Route("/healthz", health.alive),
            Route("/readyz", _ready),
            Route("/metrics", _metrics),
            Route("/v1/chat/completions", ForPrograms(openai.chat), methods=["POST"]),
            Route("/v1/models", ForPrograms(openai.models), methods=["GET"]),
            Route("/v1/models/{model:path}", ForPrograms(openai.model), methods=["GET"]),
            Route("/api/streams/{conversation_id}", _Asked(FollowAnswers.open), methods=["GET"]),
            Route("/api/turns", _Asked(turns.send), methods=["POST"]),
            Route("/api/messages/stop", _Asked(turns.stop), methods=["POST"]),
            Route("/api/messages", _Asked(messages.words), methods=["GET"]),
            Route("/api/conversations/{conversation_id}/export", _Asked(transfer.export_one), methods=["GET"]),
            Route("/api/export", _Asked(transfer.export_every), methods=["GET"]),
            Route("/api/import", _Asked(transfer.import_one), methods=["POST"]),
        ]
    )
