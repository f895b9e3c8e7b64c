"""Errors, and what is left of the limits, as the clients of each wire expect them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from chat_app.errors import (
    NOT_JSON,
    BadRequest,
    ChatError,
    KeyRefused,
    LimitReached,
    ModelError,
    ModelUnknown,
    Overloaded,
    PromptTooLong,
    RequestRefused,
    Unauthorized,
)
from chat_app.messages import Rate

_BAD_GATEWAY = 502
_OVERLOADED = 529
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the programs of one wire read.

    `body` is an error, of the request of this id; `event` stands before it where a stream has begun; `limits` are
    headers.
    """

    status: Callable[[ChatError], int]
    body: Callable[[ChatError, str], dict[str, object]]
    event: bytes
    limits: Callable[[Iterable[Rate]], Iterable[Header]]


def _status(error: ChatError) -> int:
    # Not 401: it is our key that the provider refused, and not the caller's.
    return _BAD_GATEWAY if isinstance(error, KeyRefused) else error.status


def _vendors(detail: str) -> dict[str, Any]:
    """What the vendor said, where it is JSON."""
    try:
        told = msgspec.json.decode(detail.partition("\n")[0], type=dict[str, Any])
    except NOT_JSON:
        return {}
    return told["error"] if isinstance(told.get("error"), dict) else told


def _openai_body(error: ChatError, _: str) -> dict[str, object]:
    """See platform.openai.com/docs/guides/error-codes."""
    message, param, code = str(error), None, None
    match error:
        case Unauthorized():
            kind, code = "invalid_request_error", "invalid_api_key"
        case ModelUnknown():
            kind, code = "invalid_request_error", "model_not_found"
        case LimitReached():
            kind, code = error.limit, "rate_limit_exceeded"
        case RequestRefused() | PromptTooLong():
            kind = "invalid_request_error"
            told = _vendors(error.detail)
            message, param = str(told.get("message") or message), told.get("param")
            code = "context_length_exceeded" if isinstance(error, PromptTooLong) else told.get("code")
        case BadRequest():
            kind, param = "invalid_request_error", error.detail or None
        case ModelError():
            kind, code = "server_error", error.code
        case _:
            kind, code = "server_error", error.code
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _openai_limits(rates: Iterable[Rate]) -> Iterable[Header]:
    """See platform.openai.com/docs/guides/rate-limits."""
    for rate in rates:
        yield f"x-ratelimit-limit-{rate.name}", str(rate.limit)
        yield f"x-ratelimit-remaining-{rate.name}", str(rate.left)
        yield f"x-ratelimit-reset-{rate.name}", f"{rate.reset_s:g}s"


_ANTHROPIC_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    _OVERLOADED: "overloaded_error",
}


def _anthropic_status(error: ChatError) -> int:
    return _OVERLOADED if isinstance(error, Overloaded) else _status(error)


def _anthropic_body(error: ChatError, request_id: str) -> dict[str, object]:
    """See docs.anthropic.com/en/api/errors."""
    message = str(error)
    if isinstance(error, RequestRefused | PromptTooLong):
        message = str(_vendors(error.detail).get("message") or message)
    elif isinstance(error, BadRequest) and error.detail:
        message = f"{error.detail}: {message}"
    kind = _ANTHROPIC_KINDS.get(_anthropic_status(error), "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def _anthropic_limits(rates: Iterable[Rate]) -> Iterable[Header]:
    """See docs.anthropic.com/en/api/rate-limits."""
    for rate in rates:
        again = datetime.now(UTC) + timedelta(seconds=rate.reset_s)
        yield f"anthropic-ratelimit-{rate.name}-limit", str(rate.limit)
        yield f"anthropic-ratelimit-{rate.name}-remaining", str(rate.left)
        yield f"anthropic-ratelimit-{rate.name}-reset", f"{again:%Y-%m-%dT%H:%M:%SZ}"


OPENAI = Shape(_status, _openai_body, b"data: ", _openai_limits)
ANTHROPIC = Shape(_anthropic_status, _anthropic_body, b"event: error\ndata: ", _anthropic_limits)
