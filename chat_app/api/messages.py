"""Settled words, in batches: one request for a page of messages, answered from the database as they were stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.errors import BadRequest
from chat_app.messages import Json
from chat_app.services import Services
from chat_app.store.records import Words

MOST_IDS = 100
_encode = msgspec.json.Encoder().encode


async def words(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/messages?ids=a,b,c`: those that are the caller's; 304 when none has a newer revision.

    Raises:
        BadRequest: No id, or too many.
    """
    ids = [part for part in request.query_params.get("ids", "").split(",") if part]
    if not 0 < len(ids) <= MOST_IDS:
        raise BadRequest(f"Ask for 1 to {MOST_IDS} messages.")
    found = await services.conversations.messages.words(user_id, ids)
    etag = _etag(found)
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    body = b'{"messages":[%b]}' % b",".join(_json(message) for message in found)
    return Response(body, media_type="application/json", headers=headers)


def _json(message: Words) -> bytes:
    """The stored parts are JSON already and are passed on as they are."""
    head = {
        "id": message.id,
        "role": message.role,
        "status": message.status,
        "output_tokens": message.output_tokens,
        "first_token_ms": message.first_token_ms,
        "duration_ms": message.duration_ms,
        "cost_micros": message.cost_micros,
        "rating": message.thumb
        and rating_of(message.thumb, msgspec.json.decode(message.tags or "[]"), message.comment),
        "preferred": message.preferred,
    }
    return b'%b,"parts":%b}' % (_encode(head)[:-1], message.parts.encode())


def rating_of(thumb: str, tags: Sequence[str] | None, comment: str | None) -> dict[str, Json]:
    """What a person thinks of an answer, as the page has it."""
    return {"thumb": thumb, "tags": list(tags or ()), "comment": comment or ""}


def _etag(found: Sequence[Words]) -> str:
    state = ",".join(
        f"{each.id}:{each.revision}:{each.status}:{each.thumb}:{each.tags}:{each.comment}:{each.preferred}"
        for each in found
    )
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'
