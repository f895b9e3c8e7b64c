"""Keys for programs, as the settings page makes and revokes them. A key is in one answer, once, and in no state."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import read_body, told
from chat_app.errors import NOT_JSON, BadRequest
from chat_app.messages import NO_LIMITS, Json, Limits, Struct
from chat_app.services import Services
from chat_app.store.database import now_ms
from chat_app.store.keys import KeyRecord

_MOST_BYTES = 20_000
_DAY_MS = 24 * 3600 * 1000


class _New(Struct, frozen=True):
    """`expires_days` None is never."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    models: tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], ...] = ()
    limits: Limits = NO_LIMITS
    expires_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


_decode = msgspec.json.Decoder(_New).decode


async def listed(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/keys`: a person's keys, without what opens anything."""
    return told([_told(record) for record in await services.keys.of(user_id)])


async def made(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/keys`: make one; `key` is in this answer and nowhere after it.

    Raises:
        BadRequest: It has no name, or a limit that is none.
    """
    body = await read_body(request, _MOST_BYTES, BadRequest("This is no key."))
    try:
        new = _decode(body)
    except NOT_JSON as error:
        raise BadRequest("This is no key.", detail=str(error)) from error
    expires_at = None if new.expires_days is None else now_ms() + new.expires_days * _DAY_MS
    record, key = await services.keys.make(
        user_id, new.name, models=new.models, limits=new.limits, expires_at=expires_at
    )
    return told(_told(record) | {"key": key}, status=201)


async def revoked(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/keys/{key_id}`: let it open nothing any more.

    Raises:
        NotFound: No such key, or someone else's.
    """
    await services.keys.revoke(user_id, request.path_params["key_id"])
    return Response(status_code=204)


def _told(record: KeyRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "prefix": record.prefix,
        "models": list[Json](record.models),
        "limits": msgspec.to_builtins(record.limits),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "last_used_at": record.last_used_at,
    }
