"""What a person thinks of an answer, as the page says it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chat_app.api.bodies import decoded, read_body, told
from chat_app.conversations.feedback import MOST_COMMENT
from chat_app.errors import MessageTooLong
from chat_app.messages import Principal, Struct
from chat_app.services import Services
from chat_app.store.feedback import Rating, Thumb

_MOST_BYTES = 12 * MOST_COMMENT + 1000  # JSON's longest character: a pair of \uXXXX escapes


class _Rating(Struct, frozen=True):
    thumb: Thumb
    tags: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    comment: str = ""


async def rated(request: Request, services: Services, user_id: str) -> Response:
    """`PUT /api/messages/{id}/rating`: a thumb with its reasons and a comment, instead of the one there was.

    Raises:
        BadRequest: A reason is none, or more is said than may be.
        NotFound: No such answer.
        Conflict: It is still running.
    """
    _, asked = decoded(await read_body(request, _MOST_BYTES, MessageTooLong("A comment is shorter.")), _Rating)
    rating = Rating(asked.thumb, asked.tags, asked.comment)
    kept = await services.feedback.rate(Principal(user_id), request.path_params["message_id"], rating)
    return told({"rating": {"thumb": kept.thumb, "tags": list(kept.tags), "comment": kept.comment}})


async def withdrawn(request: Request, services: Services, user_id: str) -> Response:
    """`DELETE /api/messages/{id}/rating`: nothing is thought of it any more.

    Raises:
        NotFound: No such answer.
    """
    await services.feedback.withdraw(Principal(user_id), request.path_params["message_id"])
    return Response(status_code=204)
