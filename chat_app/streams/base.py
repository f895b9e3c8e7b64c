"""The log of running answers: what it holds and what it promises, whichever store is behind it.

One log per conversation, since the page follows a conversation, not an answer. Its entries are in order and are never
changed. A *position* names the last entry seen; it is meaningful only within the log that gave it, and a log that
was dropped and begun again does not accept the old one's positions.

An answer has one writer at a time, its generation. A writer that was thought dead may still write: followers pass over
what an older generation says once a newer one has begun. Generations' ids sort by the time they began.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from chat_app.events import ReasoningDelta, Reply, Sources, TextDelta
from chat_app.messages import Parts, Source, Status, Struct

KEEP_S = 60
"""How long a log outlives its last entry, for followers that were away."""


class _OfGeneration(Struct, frozen=True, kw_only=True):
    generation: str = ""


class Began(_OfGeneration, frozen=True, tag="began"):
    """An answer began, or goes on from the parts it had."""

    message_id: str
    parts: Parts = ()


class Grew(_OfGeneration, frozen=True, tag="grew"):
    """An answer grew. `at` counts the characters logged before, so that an entry written twice is seen once."""

    message_id: str
    at: int
    text: str
    is_reasoning: bool = False


class Cited(_OfGeneration, frozen=True, tag="cited"):
    """An answer named its sources."""

    message_id: str
    sources: tuple[Source, ...]


class Ended(_OfGeneration, frozen=True, tag="ended"):
    """An answer ended; its words are in the store."""

    message_id: str
    status: Status


class Unsaved(_OfGeneration, frozen=True, tag="unsaved"):
    """An answer is over but the store does not take it yet; it is tried again until it does, then `Ended` follows."""

    message_id: str


Entry: TypeAlias = Began | Grew | Cited | Unsaved | Ended


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that came together, each with its own position, since a follower may be cut off after any of them.

    `position` is that of the whole batch. `is_fresh` says that these are all entries from the log's beginning, because
    the follower gave no position or one of another log: what it held before is void. `running` are the ids of the
    answers that run as of this batch.
    """

    position: str
    placed: tuple[tuple[str, Entry], ...]
    is_fresh: bool
    running: tuple[str, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """They alone."""
        return tuple(entry for _, entry in self.placed)


class Newest:
    """Which generation of each answer counts."""

    def __init__(self) -> None:
        self._generations: dict[str, str] = {}

    def counts(self, entry: Entry) -> bool:
        """Whether an entry is of the newest generation heard so far."""
        if entry.generation < self._generations.get(entry.message_id, ""):
            return False
        self._generations[entry.message_id] = entry.generation
        return True


def hear(entry: Entry, reply: Reply) -> None:
    """Let an entry change an answer as told so far."""
    match entry:
        case Grew(_, _, text, is_reasoning):
            reply.apply(ReasoningDelta(text) if is_reasoning else TextDelta(text))
        case Cited(_, sources):
            reply.apply(Sources(sources))
        case _:
            pass


def fold(entries: Iterable[Entry]) -> dict[str, Reply]:
    """The answers that a log tells of, by message id, however many entries made them."""
    replies: dict[str, Reply] = {}
    for entry in entries:
        if isinstance(entry, Began):
            replies[entry.message_id] = Reply(entry.parts)
        elif (reply := replies.get(entry.message_id)) is not None:
            hear(entry, reply)
    return replies


class StreamLog(Protocol):
    """A log per conversation, and the requests to stop."""

    async def check(self) -> None:
        """Say whether the log can be reached.

        Raises:
            StreamsUnavailable: It cannot.
        """
        ...

    def append(self, conversation_id: str, entry: Entry) -> None:
        """Add an entry. Never waits and never fails: a log out of reach keeps it and tries again."""
        ...

    def follow(self, conversation_id: str, after: str | None) -> AsyncGenerator[Batch]:
        """Yield the entries after a position, then new ones as they come, for ever.

        Args:
            conversation_id: Whose log.
            after: The last position seen; None or one of another log begins at the beginning.

        Yields:
            Batches; the first comes at once, even when it is empty.

        Raises:
            StreamsUnavailable: The log cannot be reached.
        """
        ...

    def begin_anew(self, conversation_id: str, message_id: str) -> None:
        """Tell an answer that this process writes again from its beginning, since its followers think it has ended."""
        ...

    def request_stop(self, message_id: str) -> None:
        """Ask whichever worker runs this answer to stop it."""
        ...

    def stop_requests(self) -> AsyncGenerator[str]:
        """Yield the ids of messages that somebody asks to stop, on any worker, from now on."""
        ...

    def announce(self, user_id: str) -> None:
        """Tell every worker that something in this person's library changed."""
        ...

    def announcements(self) -> AsyncGenerator[str]:
        """Yield the ids of people whose library changed, on any worker, from now on."""
        ...

    async def run(self) -> None:
        """Do the log's own work until cancelled; the process that opened the log runs this once."""
        ...
