"""The servers of models, as the models page shows and tests them. Keys and addresses stay here."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.errors import BadRequest
from chat_app.gateway.catalogue import ServerCard, said_of
from chat_app.gateway.discovery import absent_vendors
from chat_app.messages import Json, ModelCard, Struct
from chat_app.services import Services

_MOST_BYTES = 2000


class _Asked(Struct, frozen=True):
    server: str


async def listed(_: Request, services: Services, __: str) -> Response:
    """`GET /api/servers`: those that are asked, and the vendors that no key is set for."""
    await services.catalogue.looked()
    servers = services.catalogue.servers()
    absent: list[Json] = [{"name": name, "variable": key} for name, key in absent_vendors(services.settings)]
    return told({"servers": [_told(server) for server in servers], "absent": absent})


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


def _told(server: ServerCard) -> Json:
    problem = server.problem and said_of(server.problem)
    return {"name": server.name, "problem": problem, "models": [_model(model) for model in server.models]}


def _model(model: ModelCard) -> Json:
    capabilities = None if model.capabilities is None else list[Json](sorted(model.capabilities))
    return {
        "id": model.id, "context": model.context_tokens, "output": model.output_tokens,
        "capabilities": capabilities, "parent": model.parent,
    }  # fmt: skip
