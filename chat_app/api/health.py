"""Is the process alive, can it do its work, and what has it done?"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat_app.errors import StoreUnavailable
from chat_app.services import Services


async def alive(_: Request) -> Response:
    """`GET /healthz`: the process answers."""
    return JSONResponse({"status": "ok"})


async def metrics(services: Services) -> Response:
    """`GET /metrics`: figures for Prometheus, of every worker."""
    body, kind = await asyncio.to_thread(services.metrics.render)
    return Response(body, headers={"content-type": kind})


async def ready(services: Services) -> Response:
    """`GET /readyz`: the database answers too."""
    try:
        await services.conversations.library.has_others("")
    except StoreUnavailable:
        return JSONResponse({"status": "store_unavailable"}, status_code=503)
    return JSONResponse({"status": "ok"})
