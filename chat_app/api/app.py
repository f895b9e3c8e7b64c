"""The routes, and what becomes of errors."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from chat_app.api import (
    about,
    anthropic,
    documents,
    feedback,
    files,
    health,
    keys,
    messages,
    models,
    openai,
    parameters,
    recipes,
    replays,
    search,
    servers,
    transfer,
    turns,
    usage,
)
from chat_app.api.guard import Guard
from chat_app.api.identity import Identity
from chat_app.api.programs import ForPrograms
from chat_app.api.shapes import ANTHROPIC
from chat_app.api.streams import FollowAnswers
from chat_app.errors import ChatError, Explained, StoreUnavailable
from chat_app.logs import configure_logs
from chat_app.services import Services, open_services
from chat_app.settings import load_settings, read_secret_key

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
            if isinstance(error, Explained):
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


def make_api(lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The API; `state.services` and `state.identity` are set before the first request."""
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/", _front_door),
            Route("/healthz", health.alive),
            Route("/readyz", _ready),
            Route("/metrics", _metrics),
            Route("/v1/chat/completions", ForPrograms(openai.chat), methods=["POST"]),
            Route("/v1/embeddings", ForPrograms(openai.embeddings), methods=["POST"]),
            Route("/v1/messages", ForPrograms(anthropic.messages, ANTHROPIC), methods=["POST"]),
            Route("/v1/messages/count_tokens", ForPrograms(anthropic.count_tokens, ANTHROPIC), methods=["POST"]),
            Route("/v1/models", ForPrograms(openai.models), methods=["GET"]),
            Route("/v1/models/{model:path}", ForPrograms(openai.model), methods=["GET"]),
            Route("/api/about", _Asked(about.about), methods=["GET"]),
            Route("/api/about/check", _Asked(about.checked), methods=["POST"]),
            Route("/api/parameters", _Asked(parameters.read), methods=["GET"]),
            Route("/api/parameters", _Asked(parameters.change), methods=["PATCH"]),
            Route("/api/preferences", _Asked(parameters.preferences), methods=["GET"]),
            Route("/api/preferences", _Asked(parameters.prefer), methods=["PATCH"]),
            Route("/api/name", _Asked(parameters.rename), methods=["POST"]),
            Route("/api/recipes", _Asked(recipes.listed), methods=["GET"]),
            Route("/api/recipes", _Asked(recipes.made), methods=["POST"]),
            Route("/api/recipes.toml", _Asked(recipes.exported_all), methods=["GET"]),
            Route("/api/recipes/import", _Asked(recipes.imported), methods=["POST"]),
            Route("/api/recipes/{recipe_id}", _Asked(recipes.versions), methods=["GET"]),
            Route("/api/recipes/{recipe_id}", _Asked(recipes.saved), methods=["POST"]),
            Route("/api/recipes/{recipe_id}", _Asked(recipes.moved), methods=["PATCH"]),
            Route("/api/recipes/{recipe_id}/diff", _Asked(recipes.compared), methods=["GET"]),
            Route("/api/recipes/{recipe_id}/export", _Asked(recipes.exported), methods=["GET"]),
            Route("/api/servers", _Asked(servers.listed), methods=["GET"]),
            Route("/api/servers", _Asked(servers.kept), methods=["POST"]),
            Route("/api/servers/look", _Asked(servers.looked_at), methods=["POST"]),
            Route("/api/servers/{server_id}", _Asked(servers.removed), methods=["DELETE"]),
            Route("/api/models", _Asked(models.listed), methods=["GET"]),
            Route("/api/models", _Asked(models.arranged), methods=["PATCH"]),
            Route("/api/servers/test", _Asked(servers.tested), methods=["POST"]),
            Route("/api/usage", _Asked(usage.summary), methods=["GET"]),
            Route("/api/usage.csv", _Asked(usage.table), methods=["GET"]),
            Route("/api/keys", _Asked(keys.listed), methods=["GET"]),
            Route("/api/keys", _Asked(keys.made), methods=["POST"]),
            Route("/api/keys/{key_id}", _Asked(keys.revoked), methods=["DELETE"]),
            Route("/api/streams/{conversation_id}", _Asked(FollowAnswers.open), methods=["GET"]),
            Route("/api/turns", _Asked(turns.send), methods=["POST"]),
            Route("/api/trials", _Asked(turns.compare), methods=["POST"]),
            Route("/api/trials/go-on", _Asked(turns.go_on), methods=["POST"]),
            Route("/api/trials/merge", _Asked(turns.merge), methods=["POST"]),
            Route("/api/prompts", _Asked(replays.asked_before), methods=["GET"]),
            Route("/api/prompt-sets", _Asked(replays.sets), methods=["GET"]),
            Route("/api/prompt-sets", _Asked(replays.taken), methods=["POST"]),
            Route("/api/prompt-sets/{set_id}", _Asked(replays.one_set), methods=["GET"]),
            Route("/api/prompt-sets/{set_id}", _Asked(replays.changed_set), methods=["PATCH"]),
            Route("/api/prompt-sets/{set_id}", _Asked(replays.removed_set), methods=["DELETE"]),
            Route("/api/replays", _Asked(replays.listed), methods=["GET"]),
            Route("/api/replays", _Asked(replays.begun), methods=["POST"]),
            Route("/api/replays/estimate", _Asked(replays.estimated), methods=["POST"]),
            Route("/api/replays/{replay_id}", _Asked(replays.report), methods=["GET"]),
            Route("/api/replays/{replay_id}", _Asked(replays.moved), methods=["PATCH"]),
            Route("/api/replays/{replay_id}", _Asked(replays.removed), methods=["DELETE"]),
            Route("/api/replays/{replay_id}/results", _Asked(replays.results), methods=["GET"]),
            Route("/api/replays/{replay_id}/votes/{position:int}", _Asked(replays.voted), methods=["PUT"]),
            Route("/api/replays/{replay_id}/export", _Asked(replays.exported), methods=["GET"]),
            Route("/api/messages/stop", _Asked(turns.stop), methods=["POST"]),
            Route("/api/messages", _Asked(messages.words), methods=["GET"]),
            Route("/api/messages/{message_id}/rating", _Asked(feedback.rated), methods=["PUT"]),
            Route("/api/messages/{message_id}/rating", _Asked(feedback.withdrawn), methods=["DELETE"]),
            Route("/api/messages/{message_id}/preference", _Asked(feedback.preferred), methods=["PUT"]),
            Route("/api/messages/{message_id}/preference", _Asked(feedback.preferred_no_more), methods=["DELETE"]),
            Route("/api/feedback", _Asked(feedback.figures), methods=["GET"]),
            Route("/api/feedback/answers", _Asked(feedback.answers), methods=["GET"]),
            Route("/api/feedback/examples", _Asked(feedback.examples), methods=["GET"]),
            Route("/api/messages/show", _Asked(search.show), methods=["POST"]),
            Route("/api/search", _Asked(search.search), methods=["GET"]),
            Route("/api/search/related", _Asked(search.related), methods=["GET"]),
            Route("/api/search/before", _Asked(search.before), methods=["POST"]),
            Route("/api/search/index", _Asked(search.state), methods=["GET"]),
            Route("/api/search/index", _Asked(search.start_over), methods=["POST"]),
            Route("/api/documents", _Asked(documents.listed), methods=["GET"]),
            Route("/api/documents", _Asked(documents.taken), methods=["POST"]),
            Route("/api/documents/{document_id}", _Asked(documents.moved), methods=["PATCH"]),
            Route("/api/documents/{document_id}", _Asked(documents.removed), methods=["DELETE"]),
            Route("/api/documents/{document_id}/file", _Asked(documents.given), methods=["GET"]),
            Route("/api/documents/{document_id}/text", _Asked(documents.viewed), methods=["GET"]),
            Route("/api/collections", _Asked(documents.collected), methods=["POST"]),
            Route("/api/collections/{collection_id}", _Asked(documents.dissolved), methods=["DELETE"]),
            Route("/api/files", _Asked(files.taken), methods=["POST"]),
            Route("/api/files/{file_id}", _Asked(files.given), methods=["GET"]),
            Route("/api/files/{file_id}", _Asked(files.removed), methods=["DELETE"]),
            Route("/api/files/{file_id}/transcript", _Asked(files.heard), methods=["GET"]),
            Route("/api/files/{file_id}/transcript", _Asked(files.transcribed), methods=["POST"]),
            Route("/api/conversations/{conversation_id}/export", _Asked(transfer.export_one), methods=["GET"]),
            Route("/api/export", _Asked(transfer.export_every), methods=["GET"]),
            Route("/api/import", _Asked(transfer.import_one), methods=["POST"]),
        ],
    )


def _alone() -> ASGIApp:
    """The API without the page, for `granian --interface asgi chat_app.api.app:app`."""
    settings = load_settings()
    configure_logs(settings.log_level)
    settings.chat_app_data.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = Identity(read_secret_key(settings), settings.port)

    @asynccontextmanager
    async def lifespan(api: Starlette) -> AsyncGenerator[None]:
        async with open_services(settings) as services:
            api.state.services, api.state.identity = services, identity
            yield

    policy, origins = "default-src 'none'", settings.cors_origins
    return Guard(make_api(lifespan), identity=identity, port=None, policy=policy, origins=origins)


def __getattr__(name: str) -> ASGIApp:
    """`app` is made where it is asked for: whoever serves the page imports this module, too."""
    if name != "app":
        raise AttributeError(name)
    return _alone()
