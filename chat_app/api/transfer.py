"""Conversations out of the application and into it, as files."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chat_app.api.bodies import read_body
from chat_app.conversations.transfer import export_all, export_json, export_markdown, import_file
from chat_app.errors import ImportFailed
from chat_app.services import Services


async def export_one(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/conversations/{id}/export?format=markdown|json`; `you` is what the person is called in Markdown."""
    service, conversation_id = services.conversations, request.path_params["conversation_id"]
    if request.query_params.get("format") == "json":
        name, body = await export_json(service, user_id, conversation_id)
        return _file(name, body, "application/json")
    you = request.query_params.get("you") or "You"
    name, body = await export_markdown(service, user_id, conversation_id, you)
    return _file(name, body, "text/markdown; charset=utf-8")


async def export_every(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/export`: every conversation with its branches, as JSON."""
    return _file("conversations.json", await export_all(services.conversations, user_id), "application/json")


async def import_one(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/import`: a file of this application's, ChatGPT's or Claude's conversations, as the body.

    Raises:
        ImportFailed: It is too large, or an entry cannot be read; nothing was imported.
    """
    most = services.settings.max_import_bytes
    too_large = ImportFailed(f"The file is larger than {most:,} bytes.", "too_large", most=most)
    body = await read_body(request, most, too_large)
    added, known = await import_file(services.conversations, user_id, body)
    services.changes.tell(user_id)
    return JSONResponse({"added": added, "known": known})


def _file(name: str, body: bytes, media_type: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(body, media_type=media_type, headers={"Content-Disposition": disposition})
