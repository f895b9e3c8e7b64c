"""One reply: stream it, and keep what was said however it ends.

This is where a model's events become words in the log (for the pages that watch) and in a `Reply` (for the store).
It does not know who watches, nor how the words are stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import structlog

from chat_app.errors import AnswerBroken, ChatError, ModelFailed
from chat_app.events import Event, Finish, ReasoningDelta, Relayed, Reply, Sources, Start, TextDelta, ToolCallDelta
from chat_app.messages import UNKNOWN, Json, Status, Usage, storable
from chat_app.store.records import Settlement, Turn
from chat_app.store.usage import Used
from chat_app.streams.base import Cited, Grew, StreamLog

log = structlog.get_logger(__name__)

Phase = Literal["waiting", "answering", "storing", "after"]
Answer = Callable[["Running"], AsyncGenerator[Event]]
"""Begins the answer; may fill `Running.notes` before the first event."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the first part of an answer took that now goes on; None is unknown, and makes the whole unknown."""

    usage: Usage
    first_token_ms: int | None
    duration_ms: int | None


@dataclass(slots=True)
class Bill:
    """What an answer has cost so far, in micro-dollars, all tries together; None where any of it is not known."""

    micros: int | None = None
    is_unknown: bool = False

    def add(self, used: Used) -> None:
        """Another attempt has ended."""
        if used.usage.output_tokens is None and used.status != "complete":
            return  # it said nothing
        self.is_unknown = self.is_unknown or used.cost_micros is None
        self.micros = None if self.is_unknown else (self.micros or 0) + (used.cost_micros or 0)


@dataclass(slots=True)
class Running:
    """A reply in progress.

    `ends_as` is set by whoever wants it to end before the model does: `stopped` by a person, `interrupted` by a
    shutdown. Nobody's wish ends the `storing` of what was said; what comes `after`, such as a title, may be cut short.
    """

    user_id: str
    turn: Turn
    reply: Reply
    notes: dict[str, Json] = field(default_factory=dict[str, Json])
    address: str = ""
    start: Start | None = None
    earlier: Earlier | None = None
    bill: Bill = field(default_factory=Bill)
    is_dirty: bool = False
    phase: Phase = "waiting"
    ends_as: Status | None = None
    task: asyncio.Task[None] | None = None

    def end(self, status: Status) -> None:
        """Make it end now, keeping what was said."""
        if self.ends_as is None:
            self.ends_as = status
            if self.task is not None and self.phase in ("answering", "after"):
                self.task.cancel()


class LiveText:
    """Puts words into the log: the first after a silence at once, later ones together.

    Args:
        log: Where to.
        turn: Which answer.
        window_s: How long to gather before the next entry; asked each time, as it widens under load.
    """

    def __init__(self, log: StreamLog, turn: Turn, window_s: Callable[[], float]) -> None:
        self._log, self._turn, self._window_s = log, turn, window_s
        self._loop = asyncio.get_running_loop()
        self._pending: list[str] = []
        self._is_reasoning = False
        self._at = 0
        self._flushed_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str, *, is_reasoning: bool) -> None:
        """Take words in."""
        if is_reasoning != self._is_reasoning:
            self.flush()
            self._is_reasoning = is_reasoning
        self._pending.append(text)
        if self._timer is None:
            due = self._flushed_at + self._window_s()
            if self._loop.time() >= due:
                self.flush()
            else:
                self._timer = self._loop.call_at(due, self.flush)

    def flush(self) -> None:
        """Log what has gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        text = "".join(self._pending)
        self._pending.clear()
        turn = self._turn
        grew = Grew(turn.reply_id, self._at, text, self._is_reasoning, generation=turn.generation_id)
        self._log.append(turn.conversation_id, grew)
        self._at += len(text)
        self._flushed_at = self._loop.time()


async def reply_to(
    running: Running, answer: Answer, stream_log: StreamLog, window_s: Callable[[], float]
) -> Settlement:
    """Stream one reply to its end, whatever end that is.

    Args:
        running: The reply in progress; its `reply` grows as words come.
        answer: Begins the model's answer.
        stream_log: Where the words go live.
        window_s: See `LiveText`.

    Returns:
        How it ended, with everything that was said.
    """
    began = time.monotonic()
    live = LiveText(stream_log, running.turn, window_s)
    first_token_ms: int | None = None
    status: Status = "complete"
    error: ChatError | None = None
    try:
        async with aclosing(answer(running)) as events:
            async for event in events:
                at_ms = int((time.monotonic() - began) * 1000)
                running.reply.apply(event, at_ms)
                running.is_dirty = True
                if first_token_ms is None and not isinstance(event, Start):
                    first_token_ms = at_ms
                _show(event, running, live, stream_log)
        if running.reply.finish is None:
            status, error = "interrupted", AnswerBroken("The answer broke off.", detail="no finish reason")
    except asyncio.CancelledError:
        status = running.ends_as or "interrupted"
        running.ends_as = status
        if running.task is not None:  # the wish is met: what follows, storing the words, is not to be cancelled
            running.task.uncancel()
    except AnswerBroken as broken:
        status, error = "interrupted", broken
    except ChatError as failed:
        status, error = "failed", failed
    except Exception as unexpected:  # the task boundary of a generation: nothing may escape unseen
        log.exception("generation.failed", message_id=running.turn.reply_id)
        status, error = "failed", ModelFailed("The answer failed.", detail=type(unexpected).__name__)
    finally:
        live.flush()
    if status == "interrupted" and not running.reply.parts and error is not None:
        status = "failed"
    return _settlement(running, status, error, first_token_ms, int((time.monotonic() - began) * 1000))


def _show(event: Event, running: Running, live: LiveText, stream_log: StreamLog) -> None:
    match event:
        case TextDelta(text):
            live.add(text, is_reasoning=False)
        case ReasoningDelta(text) if text:
            live.add(text, is_reasoning=True)
        case Sources(sources):
            live.flush()
            turn = running.turn
            stream_log.append(turn.conversation_id, Cited(turn.reply_id, sources, generation=turn.generation_id))
        case Start():
            running.start = event
        case ReasoningDelta() | ToolCallDelta() | Relayed() | Finish():
            pass


def _settlement(
    running: Running, status: Status, error: ChatError | None, first_token_ms: int | None, duration_ms: int
) -> Settlement:
    start, finish = running.start, running.reply.finish
    usage = finish.usage if finish else UNKNOWN
    if (earlier := running.earlier) is not None:
        usage = _sum(earlier.usage, usage)
        first_token_ms = earlier.first_token_ms
        duration_ms += earlier.duration_ms or 0
    return Settlement(
        message_id=running.turn.reply_id,
        conversation_id=running.turn.conversation_id,
        generation_id=running.turn.generation_id,
        status=status,
        parts=running.reply.parts,
        model=start.model if start else "",
        deployment=start.deployment if start else "",
        sent=start.sent if start else {},
        dropped=start.dropped if start else (),
        notes=_notes(running.notes, start, finish),
        finish_reason=finish.reason if finish else None,
        usage=usage,
        cost_micros=running.bill.micros,
        first_token_ms=first_token_ms,
        duration_ms=duration_ms,
        error_code=error.code if error else None,
        error_text=storable(str(error)) if error else "",
        error_detail=storable(_detail(error)),
    )


def _notes(notes: dict[str, Json], start: Start | None, finish: Finish | None) -> dict[str, Json]:
    if start and start.request_id:
        notes = notes | {"request_id": start.request_id}
    clamped: Json = (start.clamped if start else {}) | (finish.clamped if finish else {})
    return notes | ({"clamped": clamped} if clamped else {})


def _detail(error: ChatError | None) -> str:
    if error is None:
        return ""
    wait = getattr(error, "retry_after_s", None)
    if wait is None:
        return error.detail
    return f"{error.detail}\nretry_after_s: {wait:g} until {time.time_ns() // 1_000_000 + int(wait * 1000)}"


def _sum(earlier: Usage, later: Usage) -> Usage:
    """Both together, where both are known."""
    pairs = zip(
        msgspec.structs.astuple(earlier),
        msgspec.structs.astuple(later),
        strict=True,
    )
    return Usage(*(None if a is None or b is None else a + b for a, b in pairs))
