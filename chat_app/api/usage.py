"""What calls took, as the usage page shows it, and every one of them as a table to take away."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator
from dataclasses import asdict
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chat_app.api.bodies import told
from chat_app.api.days import MOST_DAYS, days_of, number
from chat_app.messages import Json
from chat_app.services import Services
from chat_app.store.database import now_ms
from chat_app.store.usage import UsageLine, Used

_DAY_MS = 24 * 3600 * 1000
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "time", "request", "attempt", "purpose", "key", "model", "deployment", "status", "input_tokens", "cached_tokens",
    "output_tokens", "reasoning_tokens", "dollars", "first_token_ms", "duration_ms", "is_cached", "is_estimated",
)  # fmt: skip


async def summary(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/usage?days=30&offset=-480`: sums by day, model and key; `offset` are the reader's minutes before UTC.

    Raises:
        BadRequest: One of them is no number, or out of range.
    """
    of = days_of(request)
    lines = await services.usage.summary(user_id, of.since_ms, of.offset_ms)
    names = await services.keys.names(user_id)
    return told({"today": of.today, "days": of.days, "lines": [_line_of(line, names) for line in lines]})


async def table(request: Request, services: Services, user_id: str) -> Response:
    """`GET /api/usage.csv?days=30`: every attempt, a line each, while it is read.

    Raises:
        BadRequest: `days` is no number, or out of range.
    """
    days = number(request, "days", 30, 1, MOST_DAYS)
    names = await services.keys.names(user_id)
    lines = _lines(services, user_id, now_ms() - days * _DAY_MS, names)
    headers = {"content-disposition": 'attachment; filename="usage.csv"', "cache-control": "no-store"}
    return StreamingResponse(lines, headers=headers, media_type="text/csv; charset=utf-8")


def _line_of(line: UsageLine, names: dict[str, str]) -> Json:
    return asdict(line) | {"key": names.get(line.key_id or "", "")}


async def _lines(services: Services, user_id: str, since_ms: int, names: dict[str, str]) -> AsyncGenerator[str]:
    yield _line(_COLUMNS)
    async for used in services.usage.rows(user_id, since_ms):
        yield _line(_fields(used, names))


def _fields(used: Used, names: dict[str, str]) -> tuple[object, ...]:
    tokens = used.usage
    dollars = None if used.cost_micros is None else f"{used.cost_micros / 1_000_000:.6f}"
    time = datetime.fromtimestamp(used.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    return (
        time, used.request_id, used.attempt, used.purpose, names.get(used.key_id or "", used.key_id), used.model,
        used.deployment, used.status, tokens.input_tokens, tokens.cached_tokens, tokens.output_tokens,
        tokens.reasoning_tokens, dollars, used.first_token_ms, used.duration_ms, used.is_cached, used.is_estimated,
    )  # fmt: skip


def _line(values: tuple[object, ...]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(["" if value is None else _plain(value) for value in values])
    return written.getvalue()


def _plain(value: object) -> object:
    """A name that a program made up is no formula of whoever opens the table (owasp.org, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
