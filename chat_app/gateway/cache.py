"""Answers to the very same request, given again. Off unless a model or a caller asks for it.

It is this worker's, in memory, and never crosses owners unless the model is public: an answer tells what was asked.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import msgspec

from chat_app.events import Event, Finish
from chat_app.messages import ChatRequest

# Sorted, so that the order in which a program names its parameters makes no other request.
_request = msgspec.json.Encoder(order="deterministic").encode
_size = msgspec.msgpack.Encoder().encode
_PER_EVENT_BYTES = 150
"""What an object takes beside its words, about."""


class AnswerCache:
    """Whole answers by request; the longest unused go when there are too many.

    Args:
        most_bytes: How large all of them may be together.
        clock: Seconds that only grow.
    """

    def __init__(self, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_bytes, self._clock = most_bytes, clock
        self._bytes = 0
        self._answers: OrderedDict[str, tuple[float, int, tuple[Event, ...]]] = OrderedDict()

    def get(self, key: str, most_s: float) -> tuple[Event, ...] | None:
        """The answer, where it is no older than that."""
        found = self._answers.get(key)
        if found is None or self._clock() - found[0] > most_s:
            return None
        self._answers.move_to_end(key)
        return found[2]

    def put(self, key: str, events: Sequence[Event]) -> None:
        """Keep an answer that has come to its end; no other is kept."""
        if not events or not isinstance(events[-1], Finish):
            return
        size = len(_size(events)) + _PER_EVENT_BYTES * len(events)
        self._drop(key)
        self._answers[key] = (self._clock(), size, tuple(events))
        self._bytes += size
        while self._bytes > self._most_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: str) -> None:
        if (found := self._answers.pop(key, None)) is not None:
            self._bytes -= found[1]


def key_of(request: ChatRequest, owner: str) -> str:
    """What the same request of the same owner has in common; an empty owner is everybody."""
    return hashlib.blake2b(owner.encode() + b"\0" + _request(request), digest_size=16).hexdigest()
