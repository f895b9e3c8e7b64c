"""The status of a page: the built page is one file for every address, and answers 200 even where there is nothing."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_app.api.identity import Identity
from chat_app.errors import NotFound, StoreUnavailable, Unauthorized
from chat_app.services import Services

_PAGES = ("/new", "/settings", "/documents", "/recipes", "/models", "/usage", "/feedback", "/trials")
_CONVERSATION = "/c/"
_NOWHERE = f"{_CONVERSATION}-"


class PageStatus:
    """ASGI middleware: 404 for the page of a conversation that is unknown, malformed or someone else's.

    Args:
        app: What serves the page.
        api: Its `state.services` and `state.identity` know who asks, and what is theirs.
    """

    def __init__(self, app: ASGIApp, api: Starlette) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the page, with the status that its address has earned."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_status(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                is_page = Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
                if is_page and not await self._is_somewhere(scope):
                    message["status"] = 404
            await send(message)

        # The file server refuses what cannot be a file's name; the page is the same for every address.
        served = {"path": _NOWHERE, "raw_path": _NOWHERE.encode()} if "\0" in scope["path"] else {}
        await self._app({**scope, **served}, receive, send_with_status)

    async def _is_somewhere(self, scope: Scope) -> bool:
        path = scope["path"].rstrip("/")
        if not path.startswith(_CONVERSATION):
            return path in _PAGES
        services: Services = self._api.state.services
        identity: Identity = self._api.state.identity
        try:
            who = identity.principal(Headers(scope=scope).get("cookie", ""))
            await services.conversations.library.get(who.user_id, path.removeprefix(_CONVERSATION))
        except NotFound:
            return False
        except (Unauthorized, StoreUnavailable):
            return True  # not known yet: the page itself says which
        return True
