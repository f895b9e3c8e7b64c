"""What a person tunes: the parameters of a conversation and their own defaults, as the panel shows and changes them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.conversations.changes import Change
from chat_app.conversations.layers import NOT_NAMED, View
from chat_app.errors import BadRequest, ModelError
from chat_app.gateway.takes import takes
from chat_app.messages import Json, Struct, storable
from chat_app.parameters import GIVEN, SPECS
from chat_app.services import Services
from chat_app.values import as_written

_MOST_BYTES = 1_000_000
_SPECS: Json = msgspec.to_builtins(SPECS)


class Changed(Struct, frozen=True):
    """A change as a page sends it."""

    set: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    reset: tuple[str, ...] = ()

    def change(self) -> Change:
        """The same for the use cases."""
        return Change(self.set, self.reset)


class _Name(Struct, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=200)]


async def read(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/parameters?conversation=…&model=…`: the layers, the table, and what the model takes.

    Raises:
        NotFound: No such conversation, or someone else's.
    """
    conversation_id, model = request.query_params.get("conversation", ""), request.query_params.get("model", "")
    language = request.query_params.get("language", "")
    view = await services.conversations.layers.view(user_id, conversation_id or None, language)
    known: dict[str, Json] = {"specs": _SPECS, "given": list[Json](GIVEN), "model": await _model(services, model)}
    return told(_told(view) | known | {"last": await _last(services, user_id, conversation_id)})


async def change(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/parameters?conversation=…`: change a conversation's own; without one they are only looked at.

    Raises:
        BadRequest: The body is no change.
        NotFound: No such conversation, or someone else's.
    """
    conversation_id = request.query_params.get("conversation", "")
    asked, layers = await _changed(request), services.conversations.layers
    language = request.query_params.get("language", "")
    if conversation_id:
        view = await layers.change(user_id, conversation_id, asked, language)
    else:
        view = await layers.look(user_id, asked, language)
    return told(_told(view))


async def preferences(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/preferences?model=…`: a person's own defaults, the table, and what a model takes where one is named."""
    view = await services.conversations.layers.view(user_id, None)
    name = (await services.conversations.layers.store.read(user_id, None)).name
    model = request.query_params.get("model", "")
    takes = await _model(services, model) if model else None
    known: dict[str, Json] = {"specs": _SPECS, "given": list[Json](GIVEN), "model": takes}
    return told(_told(_of_person(view)) | known | {"name": "" if name == NOT_NAMED else name})


async def prefer(request: Request, services: Services, user_id: str) -> Response:
    """`PATCH /api/preferences`: change a person's own defaults.

    Raises:
        BadRequest: The body is no change.
    """
    return told(_told(_of_person(await services.conversations.layers.change(user_id, None, await _changed(request)))))


async def rename(request: Request, services: Services, user_id: str) -> Response:
    """`POST /api/name`: what a person is called, in prompts and as an author; empty is nobody in particular.

    Raises:
        BadRequest: The body is no name.
    """
    body = await read_body(request, _MOST_BYTES, BadRequest("This is no name."))
    name = storable(" ".join(decoded(body, _Name)[1].name.split()))
    await services.conversations.layers.store.rename(user_id, name or NOT_NAMED)
    return Response(status_code=204)


def _of_person(view: View) -> View:
    return View(view.layers[:1], view.refused)


async def _changed(request: Request) -> Change:
    body = await read_body(request, _MOST_BYTES, BadRequest("This is more than parameters can be."))
    return decoded(body, Changed)[1].change()


def _told(view: View) -> dict[str, Json]:
    refused: dict[str, Json] = {
        name: {"reason": error.reason, "values": dict[str, Json](error.values)} for name, error in view.refused.items()
    }
    layers: list[Json] = [{"name": name, "values": as_written(values)} for name, values in view.layers]
    return {"layers": layers, "refused": refused, "recipe": _recipe(view), "is_recipe_gone": view.is_recipe_gone}


def _recipe(view: View) -> Json:
    """Which recipe, at which version, and what that is beside values."""
    if (recipe := view.recipe) is None:
        return None
    return {"id": recipe.id, "name": recipe.content.name, "number": recipe.number, "newest": recipe.newest,
            "published": recipe.published, "is_shipped": recipe.is_shipped, "description": recipe.content.description,
            "starting_points": list[Json](recipe.content.starting_points)}  # fmt: skip


async def _last(services: Services, user_id: str, conversation_id: str) -> Json:
    """What the last answer of a conversation was asked with; None where there is none yet."""
    if not conversation_id:
        return None
    details = await services.conversations.last_answer(user_id, conversation_id)
    if details is None or not details.deployment:
        return None
    return {
        "model": details.model,
        "sent": details.sent,
        "dropped": list[Json](details.dropped),
        "clamped": details.notes.get("clamped", {}),
    }


async def _model(services: Services, model: str) -> Json:
    """What a model takes; None where nobody serves it now."""
    try:
        found = takes(await services.gateway.route(model))
    except ModelError:
        return None
    return {
        "id": model,
        "server": found.server,
        "refuses": dict[str, Json](found.refuses),
        "model": found.model,
        "deployment": {name: list[Json](values) for name, values in found.deployment.items()},
        "output_tokens": found.output_tokens,
        "has_efforts": found.has_efforts,
    }
