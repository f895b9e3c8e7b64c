"""The composition root: the pages, the API, the guard before both, and the services behind them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import reflex as rx
from starlette.types import ASGIApp

from chat_app.api.app import make_api
from chat_app.api.guard import Guard, page_policy, script_hashes
from chat_app.api.identity import LOCAL_USER, Identity
from chat_app.api.pages import PageStatus
from chat_app.logs import configure_logs
from chat_app.services import open_services
from chat_app.settings import load_settings, read_secret_key
from chat_app.ui.pages.chat import ROUTE as CHAT_ROUTE
from chat_app.ui.pages.chat import chat_page
from chat_app.ui.pages.documents import ROUTE as DOCUMENTS_ROUTE
from chat_app.ui.pages.documents import documents_page
from chat_app.ui.pages.feedback import ROUTE as FEEDBACK_ROUTE
from chat_app.ui.pages.feedback import feedback_page
from chat_app.ui.pages.models import ROUTE as MODELS_ROUTE
from chat_app.ui.pages.models import models_page
from chat_app.ui.pages.recipes import ROUTE as RECIPES_ROUTE
from chat_app.ui.pages.recipes import recipes_page
from chat_app.ui.pages.settings import ROUTE as SETTINGS_ROUTE
from chat_app.ui.pages.settings import settings_page
from chat_app.ui.pages.trials import ROUTE as TRIALS_ROUTE
from chat_app.ui.pages.trials import trials_page
from chat_app.ui.pages.usage import ROUTE as USAGE_ROUTE
from chat_app.ui.pages.usage import usage_page
from chat_app.ui.states.chat import Arrival, ChatState
from chat_app.ui.states.library import LibraryState
from chat_app.ui.states.session import provide, tell_of_failure

BUILT = Path(".web/build/client")
_STYLES = ("theme", "files", "panel", "search", "documents", "feedback", "compare", "trials")

_settings = load_settings()
configure_logs(_settings.log_level)
_identity = Identity(read_secret_key(_settings), _settings.port)
_api = make_api()


def _guarded(inner: ASGIApp) -> ASGIApp:
    policy, origins = page_policy(script_hashes(BUILT)), _settings.cors_origins
    return Guard(PageStatus(inner, _api), identity=_identity, port=_settings.port, policy=policy, origins=origins)


@asynccontextmanager
async def _lifespan() -> AsyncGenerator[None]:
    async with open_services(_settings) as services:
        _api.state.services, _api.state.identity = services, _identity
        _identity.is_open = not await services.conversations.library.has_others(LOCAL_USER)
        namespace = app.event_namespace
        provide(services, _identity, lambda token: namespace is not None and token in namespace.token_to_sid)
        yield


app = rx.App(
    stylesheets=[
        f"/{name}.css" for name in ("theme", "files", "panel", "search", "documents", "feedback", "compare", "trials")
    ],
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        # After Reflex's own, so that it counts: without `cover` a phone tells no safe areas.
        rx.el.meta(name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
    ],
    toaster=None,
    backend_exception_handler=tell_of_failure,
    app_wraps={},
    theme=None,
    api_transformer=[_api, _guarded],
)
app.register_lifespan_task(_lifespan)
app.add_middleware(Arrival())
app.add_page(chat_page, route=CHAT_ROUTE, title="chat_app", on_load=[ChatState.load, LibraryState.arrive])
app.add_page(
    settings_page, route=SETTINGS_ROUTE, title="chat_app", on_load=[LibraryState.arrive, LibraryState.read_shelves]
)
app.add_page(documents_page, route=DOCUMENTS_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
app.add_page(recipes_page, route=RECIPES_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
app.add_page(models_page, route=MODELS_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
app.add_page(usage_page, route=USAGE_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
app.add_page(feedback_page, route=FEEDBACK_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
app.add_page(trials_page, route=TRIALS_ROUTE, title="chat_app", on_load=[LibraryState.arrive])
