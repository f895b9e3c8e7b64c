"""What the settings page says of the installation: its version, its stores, and how much room there is."""

from __future__ import annotations

import asyncio
import platform
import shutil

from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import told
from chat_app.messages import Json
from chat_app.services import Services
from chat_app.settings import VERSION


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
        "running_answers": "Redis" if services.settings.redis_url else "memory",
        "passages": len(services.guide),
    })  # fmt: skip
