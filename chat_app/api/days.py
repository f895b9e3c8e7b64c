"""Which days a table or chart is about, in the time of whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from chat_app.errors import BadRequest
from chat_app.store.database import now_ms

MOST_DAYS = 366
_MOST_OFFSET_MINUTES = 14 * 60
DAY_MS, _MINUTE_MS = 24 * 3600 * 1000, 60_000


@dataclass(frozen=True, slots=True)
class Days:
    """So many days up to `today` (days since 1970), from `since_ms` on; the reader's clock is ahead by `offset_ms`."""

    days: int
    today: int
    since_ms: int
    offset_ms: int


def days_of(request: Request) -> Days:
    """`?days=30&offset=-480`: `offset` are the reader's minutes before UTC, as JavaScript has them.

    Raises:
        BadRequest: One of them is no number, or out of range.
    """
    days = number(request, "days", 30, 1, MOST_DAYS)
    offset_ms = -number(request, "offset", 0, -_MOST_OFFSET_MINUTES, _MOST_OFFSET_MINUTES) * _MINUTE_MS
    today = (now_ms() + offset_ms) // DAY_MS
    return Days(days, today, (today - days + 1) * DAY_MS - offset_ms, offset_ms)


def number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    """A whole number of a query.

    Raises:
        BadRequest: It is none, or out of range.
    """
    given = request.query_params.get(name, str(usual))
    try:
        found = int(given)
    except ValueError:
        found = most + 1
    if not least <= found <= most:
        raise BadRequest(f"{name} must be {least} to {most}.")
    return found
