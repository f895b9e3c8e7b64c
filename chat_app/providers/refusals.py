"""What a server's failure means, whichever vendor's SDK tells of it.

The SDKs of OpenAI and Anthropic come from one generator: their errors have the same fields. Both let some of httpx2's
own through, in mid-stream above all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec

from chat_app.errors import (
    NOT_JSON,
    AddressRefused,
    AnswerBroken,
    KeyRefused,
    ModelError,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    Overloaded,
    PromptTooLong,
    RateLimited,
    Redirected,
    RequestRefused,
)
from chat_app.messages import storable
from chat_app.providers.addresses import LeadsElsewhere, NoModelThere

_DETAIL_CHARS = 2000
_LONGEST_WAIT_S = 7 * 24 * 3600
_OVERLOADED = (503, 529)
_NOT_TAKEN = (400, 413, 415, 422)
_UNPAID = (
    "credit balance",
    "Arrearage",
)  # Anthropic's and DashScope's 400 for an account that owes: not the request's fault
# As vLLM, OpenAI and Anthropic say it: "maximum context length is 100 tokens. However, you requested 130", "your
# messages resulted in 130", "your request has 130", "prompt contains at least 130", "130 tokens > 100 maximum".
_USED = re.compile(r"(?:requested|resulted in|has|at least|passed|too long:) (\d+)")
_MOST = re.compile(r"(?:context length is(?: only)?|tokens >) (\d+)")
_TOO_LONG = ("context", "input_tokens", "prompt is too long", "input length")


@dataclass(frozen=True, slots=True)
class Refusals:
    """Turns the errors of one server into ours.

    Args:
        server: What a person recognises it by.
        api_key: Its key, which no text may hold.
        status_error: The SDK's error for an answer that is a refusal.
        connection_error: The SDK's error for no answer.
        any_error: The root of the SDK's errors.
    """

    server: str
    api_key: str
    status_error: type[Exception]
    connection_error: type[Exception]
    any_error: type[Exception]

    @contextmanager
    def told(self, model: str) -> Generator[None]:
        """Raise a `ModelError` for whatever the block meets.

        Args:
            model: The model that is asked; empty where the server itself is.
        """
        try:
            yield
        except self.status_error as error:
            raise self._refused(error, model) from error
        except (self.connection_error, httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self.unreachable(error) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise AnswerBroken("The answer broke off.", detail=self._detail(error)) from error
        except self.any_error as error:
            raise ModelFailed(f"{self.server} failed.", detail=self._detail(error)) from error

    def unreachable(self, error: Exception) -> ModelError:
        """The server did not answer at all, or was not asked."""
        match error.__cause__ or error:  # the SDKs' own errors stand before whatever they met
            case LeadsElsewhere(place=place):
                return Redirected(f"{self.server} leads to another address.", detail=self.without_key(place))
            case NoModelThere() as refused:
                return AddressRefused(f"No model may be asked where {self.server} is.", detail=str(refused))
            case _:
                return ModelUnreachable(f"No answer from {self.server}.", detail=self._detail(error))

    def of(self, response: httpx2.Response, raw: bytes, model: str) -> ModelError:
        """What an answer means that is a refusal, with this body."""
        try:
            body = msgspec.json.decode(raw, type=dict[str, Any])
            text = json.dumps(body.get("error", body), ensure_ascii=False)
        except NOT_JSON:
            text = raw.decode(errors="replace")
        request_id = response.headers.get("x-request-id") or response.headers.get("request-id")
        detail = self._signed(text, request_id)
        return refused(response.status_code, response.headers, self.server, model, detail)

    def without_key(self, text: str) -> str:
        """The text, fit to be stored and to be shown under Details."""
        for written in {self.api_key, json.dumps(self.api_key)[1:-1], quote(self.api_key, safe="")} - {""}:
            text = text.replace(written, "…")
        return storable(text[:_DETAIL_CHARS])

    def _detail(self, error: Exception) -> str:
        """The vendor's own words, without the request, whose headers hold the key, and without an echo of the key."""
        body = getattr(error, "body", None)
        text = json.dumps(body, ensure_ascii=False) if body is not None else f"{type(error).__name__}: {error}"
        return self._signed(text, getattr(error, "request_id", None))

    def _signed(self, text: str, request_id: str | None) -> str:
        return self.without_key(f"{text}\nrequest id: {request_id}" if request_id else text)

    def _refused(self, error: Exception, model: str) -> ModelError:
        response: httpx2.Response = getattr(error, "response")  # noqa: B009 # every status error has it
        return refused(response.status_code, response.headers, self.server, model, self._detail(error))


def refused(status: int, headers: httpx2.Headers, server: str, model: str, detail: str) -> ModelError:
    """The error that an HTTP status means."""
    if status in (401, 403):
        return KeyRefused(f"{server} refused the key.", detail=detail)
    if status == 404:
        return ModelUnknown(f"{server} does not offer {model or 'a list of models'}.", detail=detail)
    if status == 429:
        wait = retry_after_s(headers.get("retry-after", ""))
        return RateLimited(f"{model or server} is limiting requests.", detail=detail, retry_after_s=wait)
    if status in (400, 413) and any(sign in detail for sign in _TOO_LONG):
        return PromptTooLong(f"This message is too long for {model}{_tokens(detail)}.", detail=detail)
    if status in _NOT_TAKEN and not any(sign in detail for sign in _UNPAID):
        return RequestRefused(f"{model or server} does not take this request.", detail=detail)
    if status in _OVERLOADED:
        return Overloaded(f"{server} is overloaded.", detail=detail)
    return ModelFailed(f"{server} failed with {status}.", detail=detail)


def _tokens(detail: str) -> str:
    """How long it is and how long it may be, where the server says both."""
    used, most = _USED.search(detail), _MOST.search(detail)
    return f": {int(used[1]):,} of {int(most[1]):,} tokens" if used and most else ""


def retry_after_s(value: str) -> float | None:
    """How long to wait, told in seconds or as a date (RFC 9110, 10.2.3); None where neither makes sense."""
    try:
        wait_s = float(value)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):  # no date, one without a time zone, or one of no calendar
            return None
    return wait_s if 0 <= wait_s <= _LONGEST_WAIT_S else None
