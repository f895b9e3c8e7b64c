"""What the settings page says of the installation: its version, its stores, and how much room there is."""

from __future__ import annotations

import asyncio
import platform
import shutil
import time

from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import told
from chat_app.api.servers import only_for_admins
from chat_app.errors import StreamsUnavailable
from chat_app.messages import Json
from chat_app.services import Services
from chat_app.settings import VERSION

_LITTLE_BYTES = 1_000_000_000
"""Of room on the disk: below this the page warns."""


async def about(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/about`; nothing in it names a path, an address or another person.

    Raises:
        StoreUnavailable: The database cannot be used.
    """
    facts = await services.database.facts()
    conversations, messages = await services.conversations.library.counts(user_id)
    disk = await asyncio.to_thread(shutil.disk_usage, services.settings.chat_app_data)
    database: dict[str, Json] = {"kind": facts.kind, "version": facts.version, "size_bytes": facts.size_bytes}
    return told({
        "version": VERSION,
        "python": platform.python_version(),
        "database": database,
        "conversations": conversations,
        "messages": messages,
        "free_bytes": disk.free,
        "is_full": disk.free < _LITTLE_BYTES,
        "running_answers": "Redis" if services.settings.redis_url else "memory",
        "is_away": await _is_away(services),
        "passages": len(services.guide),
        "may_check": await services.accounts.is_admin(user_id),
    })  # fmt: skip


async def checked(_: Request, services: Services, user_id: str) -> Response:
    """`POST /api/about/check`: read the whole database, which may take a while; an administrator's to ask.

    Raises:
        Forbidden: This person may not.
        StoreUnavailable: The database cannot be used.
    """
    await only_for_admins(services, user_id)
    began = time.monotonic()
    faults = await services.database.check()
    return told({"faults": list[Json](faults), "ms": round((time.monotonic() - began) * 1000)})


async def _is_away(services: Services) -> bool:
    try:
        await services.streams.check()
    except StreamsUnavailable:
        return True
    return False
