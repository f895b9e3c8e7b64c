"""Bodies: what was sent, up to a limit, as nobody may fill the memory with one request; and what is told in JSON."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.errors import NOT_JSON, BadRequest, ChatError
from chat_app.messages import Json, Struct

Asked = TypeVar("Asked", bound=Struct)

_MISSING = re.compile(r"Object missing required field `(.*)`")


async def read_body(request: Request, most_bytes: int, too_large: ChatError) -> bytes:
    """The body of a request.

    Args:
        request: Whose.
        most_bytes: How large it may be.
        too_large: What to raise when it is larger.

    Raises:
        ChatError: It is.
        ClientDisconnect: Whoever sent it has left.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            raise too_large
    return bytes(body)


def told(value: Json, status: int = 200) -> Response:
    """An answer in JSON that nothing on the way keeps."""
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(value), status_code=status, headers=headers, media_type="application/json")


def decoded(raw: bytes, kind: type[Asked]) -> tuple[dict[str, Json], Asked]:
    """(a body as it came, what is known of it).

    Raises:
        BadRequest: It is not of that kind; `detail` is the name of the parameter that is wrong.
    """
    try:
        body: dict[str, Json] = msgspec.json.decode(raw)
        return body, msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        path = where.strip("`.")
        if missing := _MISSING.match(what):  # which stands in the words alone
            path = f"{path}.{missing[1]}".strip(".")
        raise BadRequest(f"{what}.", detail=path) from error
    except NOT_JSON as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error
