"""Structured logs on standard error: one line an event, never a message's words, never a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")  # all but the line feed, which is written as one


class _StandardError:
    """Standard error, which may lie on a full disk: a line that cannot be written must not fail what it tells of."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _on_one_line(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A name that a program or a server made up begins no line of its own, and turns no terminal's colours."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _CONTROL.sub(" ", value)
    return event


def configure_logs(level: str) -> None:
    """Log from this level on."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _on_one_line,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(_StandardError()),  # pyright: ignore[reportArgumentType] # all that it uses
        cache_logger_on_first_use=True,
    )
