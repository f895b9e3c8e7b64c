"""What stands before everything, pages and socket included: who may ask, and what a page may do.

A page of another site can make a browser send requests to this machine, and by DNS rebinding even read the answers.
So the Host must be this machine's, a request with an Origin must come from our own page, and whatever changes
something must have one. (developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site, /Origin)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Iterable, Sequence
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chat_app.api.identity import Identity
from chat_app.errors import Unauthorized
from chat_app.settings import LOOPBACK

_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
_HTTP_PORT = 80
_FOR_PROGRAMS = "/v1/"
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def script_hashes(folder: Path) -> list[str]:
    """The hashes of every inline script in a folder of built pages; they change with each build."""
    scripts = {m for page in folder.rglob("*.html") for m in _INLINE_SCRIPT.findall(page.read_bytes())}
    return sorted(f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in scripts)


def page_policy(hashes: Iterable[str]) -> str:
    """The content security policy of a page: itself, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "media-src 'self'",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


@cache
def _hosts(port: int) -> frozenset[str]:
    """This machine's names as they stand in a request."""
    names = [f"[{name}]" if ":" in name else name for name in LOOPBACK]
    with_port = {f"{name}:{port}" for name in names}
    return frozenset(with_port | set(names)) if port == _HTTP_PORT else frozenset(with_port)  # a browser leaves 80 out


def _is_for_programs(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"].startswith(_FOR_PROGRAMS)


class Guard:
    """ASGI middleware.

    Args:
        app: What it guards.
        identity: Signs in whoever opens a page for the first time.
        port: The port of the page; our own origins are this machine's names with it. None takes the server's word.
        policy: The content security policy of pages.
        origins: Other sites whose pages may ask what programs may, with a key.
    """

    def __init__(
        self, app: ASGIApp, *, identity: Identity, port: int | None, policy: str, origins: Sequence[str] = ()
    ) -> None:
        self._app = self._for_programs = app
        self._others = frozenset(origins)
        if origins:
            self._for_programs = CORSMiddleware(
                app, allow_origins=origins, allow_methods=("GET", "POST"), allow_headers=("*",), expose_headers=("*",)
            )
        self._identity = identity
        self._policy = policy
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            app = self._for_programs if _is_for_programs(scope) else self._app
            await app(scope, receive, self._with_headers(headers, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refusal})
        else:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        hosts = _hosts(self._port or (scope.get("server") or ("", 0))[1])
        if headers.get("host", "").lower() not in hosts:
            return "This address is not served here."
        origin = headers.get("origin")
        if origin is not None:
            is_ours = origin.startswith("http://") and origin.removeprefix("http://") in hosts
            may_ask = is_ours or (origin in self._others and _is_for_programs(scope))
            return None if may_ask else "Another site's page may not ask here."
        if _is_for_programs(scope):
            return None  # which have a key, and no cookie: no page can lend them its person's rights
        if scope["type"] == "websocket" or scope["method"] not in _SAFE:
            return "A request that changes something must say where it comes from."
        is_navigation = headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_navigation:
            return "Another site's page may not ask here."
        return None

    def _with_headers(self, request: Headers, send: Send) -> Send:
        def send_with_headers(message: Message) -> Awaitable[None]:  # not async: a stream's chunks pass here, too
            if message["type"] == "http.response.start":
                response = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    response[name] = value
                if response.get("content-type", "").startswith("text/html"):
                    response["Content-Security-Policy"] = self._policy
                    response["Cache-Control"] = "no-cache"
                    self._sign_in(request, response)
                elif "content-type" in response:  # a 304 has none, and its headers would replace the page's own
                    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
            return send(message)

        return send_with_headers

    def _sign_in(self, request: Headers, response: MutableHeaders) -> None:
        try:
            self._identity.principal(request.get("cookie", ""))
        except Unauthorized:
            if self._identity.is_open:
                response.append("Set-Cookie", self._identity.set_cookie())
