"""Documents that answers can stand on: taken in as files are, listed with how far they are, and read by parts."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.api.files import file_response, in_time
from chat_app.errors import BadRequest
from chat_app.extraction.kinds import clean_name
from chat_app.messages import Json, Struct, storable
from chat_app.services import Services
from chat_app.store.documents import DocumentRecord, Refusal

_MOST_BYTES = 10_000
_MOST_KEY = 100
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class _Moved(Struct, frozen=True):
    """`collection` is the id of one, or empty for none."""

    collection: Annotated[str, msgspec.Meta(max_length=100)]


class _Named(Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=1000)]


async def listed(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/documents`: collections by name, and documents, the latest first."""
    collections, documents = await services.documents.listed(user_id)
    return told({
        "collections": [{"id": each.id, "name": each.name} for each in collections],
        "documents": [_told(each) for each in documents],
        "has_meaning": bool(services.finding.space), "most_bytes": services.documents.most_file_bytes,
    })  # fmt: skip


async def taken(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/documents?name=…&collection=…&key=…`: the body is the file.

    One that cannot be read is listed, with why. The same key gives the same document, however often it comes.

    Raises:
        BadRequest: Whoever sent it has left in the middle.
        NotFound: There is no such collection, or it is someone else's.
        StoreUnavailable: It cannot be stored just now.
    """
    name = clean_name(request.query_params.get("name", ""))
    collection = request.query_params.get("collection") or None
    key = storable(request.query_params.get("key", ""))[:_MOST_KEY]
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else 0
    try:
        record = await services.documents.take(user_id, in_time(request.stream()), name, size, collection, key)
    except ClientDisconnect as error:
        raise BadRequest("The file did not come whole.") from error
    return told(_told(record), status=201)


async def moved(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/documents/{id}`: keep it in another collection, or in none.

    Raises:
        BadRequest: The body names no collection.
        NotFound: There is no such document or collection, or it is someone else's.
    """
    raw = await read_body(request, _MOST_BYTES, BadRequest("The body is too long."))
    collection = decoded(raw, _Moved)[1].collection or None
    await services.documents.store.move(user_id, request.path_params["document_id"], collection)
    return Response(status_code=204)


async def removed(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/documents/{id}`: delete it; from now on it is not found.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    await services.documents.store.remove(user_id, request.path_params["document_id"])
    return Response(status_code=204)


async def given(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/documents/{id}/file`: the file, as it was given.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    record = await services.documents.store.read(user_id, request.path_params["document_id"])
    path = services.blobs.path_of(record.blob_id or "none")
    return await file_response(path, record.name, record.media_type, is_shown=False)


async def viewed(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/documents/{id}/text?view=3`, or `?page=3`, or `?chunk=…`: a part of its words, with the chunks in it.

    Places of chunks count from the beginning of the part.

    Raises:
        BadRequest: It asks for no number.
        NotFound: There is no such document, it is someone else's, or its words are not there any more.
    """
    asked, document_id = request.query_params, request.path_params["document_id"]
    view = await services.documents.view(
        user_id, document_id, number=_number(asked.get("view", "0")), page=_number(asked.get("page", "0")),
        ref=asked.get("chunk", ""),
    )  # fmt: skip
    chunks: list[Json] = [
        {"ref": each.ref, "begins": each.begins - view.start, "ends": each.ends - view.start, "heading": each.heading,
         "is_embedded": each.is_embedded}
        for each in view.stretches
    ]  # fmt: skip
    return told({
        "view": view.number, "views": view.many, "page": view.page, "pages": view.pages, "text": view.text,
        "chunks": chunks,
    })  # fmt: skip


async def collected(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/collections`: make one of a name; its id.

    Raises:
        BadRequest: The body is no name.
        ValueRefused: There is one of that name.
    """
    raw = await read_body(request, _MOST_BYTES, BadRequest("This is no name."))
    return told({"id": await services.documents.collect(user_id, decoded(raw, _Named)[1].name)}, status=201)


async def dissolved(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/collections/{id}`: delete it; its documents stay, in none.

    Raises:
        NotFound: There is none, or it is someone else's.
    """
    await services.documents.store.dissolve(user_id, request.path_params["collection_id"])
    return Response(status_code=204)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise BadRequest("This is no number of a page.", detail="view")
    return int(text)


def _told(record: DocumentRecord) -> Json:
    return {
        "id": record.id, "key": record.key, "at": record.created_at, "collection": record.collection_id or "",
        "name": record.name, "media_type": record.media_type, "size_bytes": record.size_bytes,
        "pages": record.facts.pages, "wordless": record.facts.wordless, "characters": record.facts.characters,
        "chunks": record.chunks, "embedded": record.embedded, "is_indexed": record.is_indexed,
        "refused": _refused(record.refused),
    }  # fmt: skip


def _refused(refusal: Refusal | None) -> Json:
    """As an error is told, so that the page has one way to say it."""
    if refusal is None:
        return None
    return {"code": "file_refused", "reason": refusal.reason, "values": dict[str, Json](refusal.values)}
