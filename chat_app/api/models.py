"""How everybody's list of models is arranged: which come first, by which name, and which are not offered."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.api.servers import only_for_admins
from chat_app.errors import BadRequest
from chat_app.messages import Json, ModelCard, Struct
from chat_app.services import Services

_MOST_BYTES = 5000
_Text = Annotated[str, msgspec.Meta(max_length=1000)]


class _Change(Struct, frozen=True):
    """What is done with a model; `before` is the one to come before, empty is last."""

    model: _Text
    hidden: bool | None = None
    name: _Text | None = None
    before: _Text | None = None


async def listed(_: Request, services: Services, user_id: str) -> Response:
    """`GET /api/models`: every model, as people see the list."""
    await services.catalogue.looked()
    return await _told(services, user_id)


async def arranged(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/models`: hide one or offer it again, give it a name, or move it; the list as it is then.

    Raises:
        Forbidden: Only administrators may.
        ServerRefused: Another model has this name.
    """
    await only_for_admins(services, user_id)
    change = decoded(await read_body(request, _MOST_BYTES, BadRequest("This is no model.")), _Change)[1]
    servers = services.servers
    if change.name is not None:
        await servers.call(change.model, change.name)
    if change.hidden is not None:
        await servers.hide(change.model, is_hidden=change.hidden)
    if change.before is not None:
        await servers.move(change.model, change.before)
    return await _told(services, user_id)


async def _told(services: Services, user_id: str) -> Response:
    models: list[Json] = [_model(card) for card in services.catalogue.cards()]
    return told({"models": models, "may_change": await services.accounts.is_admin(user_id)})


def _model(card: ModelCard) -> Json:
    server = "" if card.is_built_in else card.server
    return {"id": card.id, "name": card.name, "hidden": card.is_hidden, "server": server}
