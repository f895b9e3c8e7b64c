"""Files that people give: taken in as they come, and given back to their owner alone.

The body is the file itself, and its name stands in the address: nothing has to be taken apart to get at it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response

from chat_app.api.bodies import told
from chat_app.errors import BadRequest, NotFound
from chat_app.extraction.kinds import clean_name
from chat_app.messages import Json, Principal
from chat_app.services import Services
from chat_app.store.blobs import AttachmentRecord, too_large

# Shown by the browser itself: pictures of pixels, and sound. All else is a download, whatever may be in it.
_SHOWN = ("image/", "audio/")
_STALLED_S = 60
_KEEP = "private, max-age=31536000, immutable"


async def taken(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/files?name=…`: the body is the file; what it is told by its content.

    Raises:
        FileRefused: It is empty, too large, damaged, of a kind that nobody here can see, hear or read, or one too many
            that was not sent.
        BadRequest: Whoever sent it has left in the middle.
        StoreUnavailable: It cannot be stored just now.
    """
    most, name = services.settings.max_file_bytes, clean_name(request.query_params.get("name", ""))
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise too_large(most)
    most_unsent = services.settings.max_unsent_bytes
    try:
        pieces = in_time(request.stream())
        attachments = services.conversations.attachments
        record = await attachments.take(user_id, pieces, name, most_unsent_bytes=most_unsent)
        return told(_told(record), status=201)
    except ClientDisconnect as error:
        raise BadRequest("The file did not come whole.") from error


async def in_time(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What comes, as long as something does: who has left a network may never say so."""
    while True:
        try:
            async with asyncio.timeout(_STALLED_S):
                piece = await anext(pieces, None)
        except TimeoutError as error:  # an OSError, which would be the disk's
            raise BadRequest("The file did not come whole.") from error
        if piece is None:
            return
        yield piece


async def given(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/files/{id}`: the file, also in ranges; `?download=1` never shows it.

    `?as=view` is the copy of a picture that is shown and sent to models, `?as=thumb` the one that stands in lists.

    Raises:
        NotFound: There is none, it is someone else's, or it has no such copy.
    """
    record = await services.blobs.read(user_id, request.path_params["file_id"])
    path, kind = services.blobs.path_of(record.blob_id), record.media_type
    if copy := request.query_params.get("as"):
        kind = {"view": record.facts.view_type, "thumb": record.facts.view_type and "image/webp"}.get(copy, "")
        path = path.with_suffix(f".{copy}") if kind else Path()
    is_shown = kind.startswith(_SHOWN) and not request.query_params.get("download")
    return await file_response(path, record.name, kind, is_shown=is_shown)


async def file_response(path: Path, name: str, kind: str, *, is_shown: bool) -> Response:
    """A file of a media type, shown by the browser itself or as a download.

    Raises:
        NotFound: It is not there any more.
    """
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("The file is not there any more.")
    way = "inline" if is_shown else "attachment"
    kind = "text/plain; charset=utf-8" if kind.startswith("text/") else kind
    headers = {"cache-control": _KEEP, "content-disposition": f"{way}; filename*=utf-8''{quote(name)}"}
    return FileResponse(path, media_type=kind, headers=headers)


async def heard(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/files/{id}/transcript`: what is said in a recording; empty where that was not asked for yet.

    Raises:
        NotFound: There is no such file, or it is someone else's.
    """
    return told({"text": await services.transcripts.read(user_id, request.path_params["file_id"])})


async def transcribed(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/files/{id}/transcript`: have it turned into text, once.

    Raises:
        NotFound: There is no such file, or it is someone else's.
        FileRefused: It is no recording, nothing is said in it, or nobody turns speech into text.
        LimitReached: There is no room for the call now.
        ModelError: The model did not answer.
    """
    who = Principal(user_id, request.client.host if request.client else "")
    return told({"text": await services.transcripts.make(who, request.path_params["file_id"])})


async def removed(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/files/{id}`: take one back that was not sent.

    Raises:
        NotFound: There is none, it was sent, or it is someone else's.
    """
    await services.blobs.remove(user_id, request.path_params["file_id"])
    return Response(status_code=204)


def _told(record: AttachmentRecord) -> Json:
    return {
        "id": record.id, "name": record.name, "media_type": record.media_type, "size_bytes": record.size_bytes,
        "facts": msgspec.to_builtins(record.facts),
    }  # fmt: skip
