"""The servers of models, as the models page shows, tests, adds and changes them. No key ever comes out of here."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.errors import BadRequest, Forbidden
from chat_app.gateway.discovery import absent_vendors
from chat_app.gateway.server_card import ServerCard, said_of
from chat_app.gateway.server_checks import Wanted
from chat_app.gateway.servers import Found
from chat_app.messages import Json, ModelCard, Struct
from chat_app.services import Services
from chat_app.store.servers import ServerKind, ServerRecord

_MOST_BYTES = 20_000
_Text = Annotated[str, msgspec.Meta(max_length=5000)]


class _Asked(Struct, frozen=True):
    server: str


class _Given(Struct, frozen=True):
    """A server to look at or keep. `id` is the one to change, `key` None its kept one; `anyway` keeps a silent one."""

    kind: ServerKind
    id: str = ""
    name: _Text = ""
    url: _Text = ""
    key: _Text | None = None
    anyway: bool = False


async def only_for_admins(services: Services, user_id: str) -> None:
    """What is everybody's is not everybody's to change.

    Raises:
        Forbidden: This person may not.
    """
    if not await services.accounts.is_admin(user_id):
        raise Forbidden("Only an administrator may change this.")


async def listed(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/servers`: those that are asked, and the vendors that no key is set for."""
    await services.catalogue.looked()
    added = services.servers.added()
    servers: list[Json] = [_told(server, added.get(server.name)) for server in services.catalogue.servers()]
    kinds = {record.content.kind for record in added.values()}
    absent: list[Json] = [
        {"name": name, "variable": key} for name, key in absent_vendors(services.settings) if name not in kinds
    ]
    may_change = await services.accounts.is_admin(user_id)
    return told({"servers": servers, "absent": absent, "may_change": may_change})


async def tested(request: Request, services: Services, _: str) -> Response:
    """`POST /api/servers/test`: ask one for its models, now.

    Raises:
        BadRequest: No server is named.
        NotFound: There is none of this name.
    """
    body = await read_body(request, _MOST_BYTES, BadRequest("This is no name of a server."))
    began = time.monotonic()
    found = await services.catalogue.ask_again(decoded(body, _Asked)[1].server)
    took: dict[str, Json] = {"models": len(found.models), "ms": int((time.monotonic() - began) * 1000)}
    return told(took | {"problem": found.problem and said_of(found.problem)})


async def looked_at(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/servers/look`: what a server is and offers that is not kept yet.

    Raises:
        Forbidden: Only administrators may.
        ServerRefused: It cannot be asked at all.
    """
    given = await _given(request, services, user_id)
    return told(_found(await services.servers.look(_wanted(given), given.id)))


async def kept(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/servers`: add one, or change one that was added; one that does not list its models is not kept.

    Raises:
        Forbidden: Only administrators may.
        NotFound: There is none to change.
        ServerRefused: It cannot be as it is given.
    """
    given = await _given(request, services, user_id)
    return told(_found(await services.servers.keep(_wanted(given), given.id, as_it_is=given.anyway)))


async def removed(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/servers/{server_id}`: ask one no more that was added, and forget its key.

    Raises:
        Forbidden: Only administrators may.
        NotFound: There is none.
    """
    await only_for_admins(services, user_id)
    await services.servers.remove(request.path_params["server_id"])
    return Response(status_code=204)


async def _given(request: Request, services: Services, user_id: str) -> _Given:
    await only_for_admins(services, user_id)
    body = await read_body(request, _MOST_BYTES, BadRequest("This is no server."))
    return decoded(body, _Given)[1]


def _wanted(given: _Given) -> Wanted:
    return Wanted(given.kind, given.name, given.url, given.key)


def _found(found: Found) -> Json:
    problem = found.problem
    return {
        "kind": found.kind, "url": found.base_url, "models": list[Json](found.models), "ms": found.ms,
        "problem": problem and said_of(problem), "detail": problem.detail if problem else "",
    }  # fmt: skip


def _told(server: ServerCard, record: ServerRecord | None) -> Json:
    problem = server.problem and said_of(server.problem)
    added: Json = None
    if record is not None:
        own = record.content
        added = {"id": record.id, "kind": own.kind, "url": own.base_url, "has_key": bool(own.sealed_key)}
    models: list[Json] = [_model(model) for model in server.models]
    return {"name": server.name, "problem": problem, "models": models, "added": added}


def _model(model: ModelCard) -> Json:
    capabilities = None if model.capabilities is None else list[Json](sorted(model.capabilities))
    return {
        "id": model.id, "context": model.context_tokens, "output": model.output_tokens,
        "capabilities": capabilities, "parent": model.parent,
    }  # fmt: skip
