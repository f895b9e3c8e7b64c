"""Conversations out of the application and into it, as files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from chat_app.conversations.archives import write_archive
from chat_app.conversations.imports import Bounds, import_file
from chat_app.conversations.transfer import Export, export_all, export_json, export_markdown
from chat_app.errors import BadRequest, FileRefused, ImportFailed
from chat_app.services import Services

_PIECE = 256 * 1024


async def export_one(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/conversations/{id}/export?format=markdown|json`; `you` is what the person is called in Markdown.

    JSON comes in an archive where files came with the conversation.
    """
    service, conversation_id = services.conversations, request.path_params["conversation_id"]
    if request.query_params.get("format") == "json":
        return await _exported(services, await export_json(service, user_id, conversation_id))
    you = request.query_params.get("you") or "You"
    name, body = await export_markdown(service, user_id, conversation_id, you)
    return Response(body, media_type="text/markdown; charset=utf-8", headers=_named(name))


async def export_every(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/export`: every conversation with its branches, as JSON, in an archive where files came with them."""
    return await _exported(services, await export_all(services.conversations, user_id))


async def import_one(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/import`: a file of this application's, ChatGPT's or Claude's conversations, as the body.

    Raises:
        BadRequest: Whoever sent it has left in the middle.
        ImportFailed: It is too large, or an entry cannot be read; nothing was imported.
        StoreUnavailable: It cannot be stored; nothing was imported.
    """
    bounds = Bounds(services.settings.max_import_bytes, services.settings.max_archive_bytes)
    most = max(bounds.most_words, bounds.most_archive)
    try:
        received = await services.blobs.receive(request.stream(), most)
    except FileRefused as error:
        if error.reason == "empty":
            raise ImportFailed("This is not a JSON file.", "not_json", byte=0) from error
        raise ImportFailed(f"The file is larger than {most:,} bytes.", "too_large", most=most) from error
    except ClientDisconnect as error:
        raise BadRequest("The file did not come whole.") from error
    try:
        added, known, lost = await import_file(services.conversations, user_id, received.path, bounds)
    finally:
        received.drop()
    services.changes.tell(user_id)
    return JSONResponse({"added": added, "known": known, "lost": lost})


async def _exported(services: Services, export: Export) -> Response:
    if not export.files:
        return Response(export.json, media_type="application/json", headers=_named(f"{export.name}.json"))
    archive = await asyncio.to_thread(write_archive, export, services.blobs.scratch)
    size = archive.seek(0, os.SEEK_END)
    headers = _named(f"{export.name}.zip") | {"content-length": str(size)}
    return StreamingResponse(_pieces(archive), media_type="application/zip", headers=headers)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
