"""What a page asks of the server, as the person whose cookie it has."""

from __future__ import annotations

import httpx
from starlette.applications import Starlette

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.services import Services

IDENTITY = Identity("not-a-secret", 3000)


def api_over(services: Services) -> Starlette:
    """The API over services that a test has opened."""
    made = make_api()
    made.state.services, made.state.identity = services, IDENTITY
    return made


async def ask(api: Starlette, method: str, path: str, *, user: str = "local", **more) -> httpx.Response:
    """Ask for a path under `/api`; without a user there is no cookie."""
    headers = more.pop("headers", {}) | ({"cookie": IDENTITY.cookie(user)} if user else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000") as client:
        return await client.request(method, f"/api{path}", headers=headers, **more)
