"""The log in Redis Streams, for several workers.

Redis gives each entry an id of milliseconds and a counter; that id is the position. A position is of this log when
the stream still holds it: a stream is dropped whole, never trimmed, so its first id is as good as an epoch.
Appending never waits: entries queue in this process and one task sends them. An entry that was sent twice, because the
answer to the first try was lost, is recognised by `Grew.at`. Only `Began` makes a stream: an entry that finds none
tells that Redis came back empty, and the answer begins anew with all it said. So do all that this process writes once a
Redis that was away is back, since it may have forgotten the last of what it had taken: meanwhile no words need queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import islice

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat_app.errors import StreamsUnavailable
from chat_app.events import Reply
from chat_app.streams.base import KEEP_S, Batch, Began, Ended, Entry, Grew, Newest, hear

_PREFIX = "chat_app:"
_STOPS = _PREFIX + "stops"
_ANNOUNCEMENTS = _PREFIX + "library"
_BLOCK_MS = 15_000
_RETRY_S = 0.5
_PATIENCE_S = 3
_LONGEST_S = 86_400
_FEED_LENGTH = 10_000
_MOST_AT_ONCE = 1000

log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode
_Raw = list[tuple[bytes, dict[bytes, bytes]]]


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer that this process writes, as told so far, and where."""

    key: str
    generation: str
    reply: Reply


class RedisLog:
    """Logs as Redis Streams, one key per conversation.

    Args:
        url: Address of the server.
    """

    def __init__(self, url: str) -> None:
        # No `socket_timeout`: redis-py sends under `asyncio.wait_for` then, which on Python 3.11 can swallow a
        # cancellation, so that a process would never end. `_soon` is the limit instead.
        self._redis = Redis.from_url(url, socket_connect_timeout=2)  # pyright: ignore[reportUnknownMemberType]
        self._outbox: deque[tuple[str, Entry | str]] = deque()
        self._filled = asyncio.Event()
        self._told: dict[str, _Told] = {}  # by message id, until they end
        self._is_away = False

    async def check(self) -> None:
        """See `StreamLog.check`."""
        try:
            await self._ping()
        except (RedisError, OSError) as error:
            raise StreamsUnavailable("Redis does not answer.", detail=str(error)) from error

    async def _ping(self) -> None:
        async with _soon():
            await self._redis.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]

    async def aclose(self) -> None:
        """Close connections that nobody runs."""
        await self._redis.aclose()

    def append(self, conversation_id: str, entry: Entry) -> None:
        """See `StreamLog.append`."""
        key = _PREFIX + "log:" + conversation_id
        told = self._told.get(entry.message_id)
        if isinstance(entry, Began):
            self._told[entry.message_id] = _Told(key, entry.generation, Reply(entry.parts))
        elif told is not None and told.generation == entry.generation:
            hear(entry, told.reply)
            if isinstance(entry, Ended):
                del self._told[entry.message_id]
        if isinstance(entry, Ended) or not self._is_away:
            self._send(key, entry)

    async def follow(self, conversation_id: str, after: str | None) -> AsyncGenerator[Batch]:
        """See `StreamLog.follow`."""
        key = _PREFIX + "log:" + conversation_id
        seen = _Seen()
        try:
            position = await self._valid(key, after)
            if position is None:
                found = await self._range(key)
                position = found[-1][0].decode() if found else "0-0"
                yield Batch(position, seen.new(found), True, tuple(seen.running))
            else:
                seen.new(await self._range(key, last=position))
                yield Batch(position, (), False, tuple(seen.running))
            while True:
                found = await self._next(key, position)
                if found:
                    position = found[-1][0].decode()
                    placed = seen.new(found)
                    if placed:
                        yield Batch(position, placed, False, tuple(seen.running))
        except (RedisError, OSError) as error:
            raise StreamsUnavailable("The log of running answers cannot be reached.", detail=str(error)) from error

    def begin_anew(self, conversation_id: str, message_id: str) -> None:
        """See `StreamLog.begin_anew`."""
        self._tell_again(message_id)

    def request_stop(self, message_id: str) -> None:
        """See `StreamLog.request_stop`."""
        self._send(_STOPS, message_id)

    def stop_requests(self) -> AsyncGenerator[str]:
        """See `StreamLog.stop_requests`."""
        return self._feed(_STOPS)

    def announce(self, user_id: str) -> None:
        """See `StreamLog.announce`."""
        self._send(_ANNOUNCEMENTS, user_id)

    def announcements(self) -> AsyncGenerator[str]:
        """See `StreamLog.announcements`."""
        return self._feed(_ANNOUNCEMENTS)

    async def run(self) -> None:
        """Send what waits in the outbox until cancelled, then what is left."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                await self._drain()
        finally:
            try:
                async with asyncio.timeout(1):
                    while self._outbox:
                        await self._send_some()
            except (RedisError, OSError, TimeoutError):
                log.warning("streams.unsent", entries=len(self._outbox))
            await self._redis.aclose()

    async def _drain(self) -> None:
        while self._outbox or self._is_away:
            try:
                if self._is_away:
                    await self._ping()
                    self._is_away = False
                    for message_id in self._told:
                        self._tell_again(message_id)
                await self._send_some()
            except (RedisError, OSError) as error:
                self._is_away = True
                lasting = [(key, item) for key, item in self._outbox if isinstance(item, str | Ended)]
                self._outbox = deque(dict.fromkeys(lasting))  # a wish that was made twice is one
                log.warning("streams.unavailable", error=str(error), waiting=len(self._outbox))
                await asyncio.sleep(_RETRY_S)

    async def _send_some(self) -> None:
        batch = list(islice(self._outbox, _MOST_AT_ONCE))
        async with self._redis.pipeline(transaction=True) as pipe:
            for key, item in batch:
                if isinstance(item, str):
                    pipe.xadd(key, {"e": item}, maxlen=_FEED_LENGTH, approximate=True)
                else:
                    pipe.xadd(key, {"e": _encode(item)}, nomkstream=not isinstance(item, Began))
                    pipe.expire(key, KEEP_S if isinstance(item, Ended) else _LONGEST_S)
            async with _soon():
                answers = iter(await pipe.execute())
        lost: list[str] = []
        for _, item in batch:
            self._outbox.popleft()
            was_added = next(answers) is not None
            if not isinstance(item, str):
                next(answers)
                if not was_added:
                    lost.append(item.message_id)
        for message_id in lost:
            self._tell_again(message_id)

    def _tell_again(self, message_id: str) -> None:
        told = self._told.get(message_id)
        # What waits may be of the time before: this stands behind it, since it has those words as well.
        if told is not None and not any(isinstance(e, Began) and e.message_id == message_id for _, e in self._outbox):
            self._send(told.key, Began(message_id, told.reply.parts, generation=told.generation))

    def _send(self, key: str, item: Entry | str) -> None:
        self._outbox.append((key, item))
        self._filled.set()

    async def _valid(self, key: str, after: str | None) -> str | None:
        """The position, when this stream still holds it."""
        number, _, counter = (after or "").partition("-")
        if after is None or not (number.isdecimal() and counter.isdecimal()):
            return None
        return after if await self._range(key, after, after) else None

    async def _range(self, key: str, first: str = "-", last: str = "+") -> _Raw:
        async with _soon():
            return await self._redis.xrange(key, first, last)

    async def _next(self, key: str, position: str) -> _Raw:
        """What comes after a position, or nothing after a while."""
        async with _soon(_BLOCK_MS / 1000):
            answer = await self._redis.xread({key: position}, block=_BLOCK_MS)
        return answer[0][1] if answer else []

    async def _feed(self, key: str) -> AsyncGenerator[str]:
        """Every item from now on; goes on where it was when Redis comes back."""
        position = ""
        while True:
            try:
                if not position:
                    async with _soon():
                        last = await self._redis.xrevrange(key, count=1)
                    position = last[0][0].decode() if last else "0-0"
                found = await self._next(key, position)
            except (RedisError, OSError):
                await asyncio.sleep(_RETRY_S)
                continue
            for entry_id, fields in found:
                position = entry_id.decode()
                yield fields[b"e"].decode()


def _soon(after_s: float = 0) -> asyncio.Timeout:
    """A limit to waiting: a server that hangs is one that is gone. Its TimeoutError is an OSError."""
    return asyncio.timeout(after_s + _PATIENCE_S)


class _Seen:
    """What a follower has seen of each answer, to pass over entries that were sent twice."""

    def __init__(self) -> None:
        self.running: dict[str, None] = {}
        self._lengths: dict[str, int] = {}
        self._once: set[tuple[str, str]] = set()
        self._newest = Newest()

    def new(self, found: _Raw) -> tuple[tuple[str, Entry], ...]:
        decoded = ((entry_id.decode(), _decode(fields[b"e"])) for entry_id, fields in found)
        return tuple((position, entry) for position, entry in decoded if self._is_new(entry))

    def _is_new(self, entry: Entry) -> bool:
        if not self._newest.counts(entry):
            return False
        if isinstance(entry, Began):
            self.running[entry.message_id] = None
            self._lengths[entry.message_id] = 0
            self._once = {key for key in self._once if key[1] != entry.message_id}
            return True
        if isinstance(entry, Grew):
            length = self._lengths.get(entry.message_id, 0)
            self._lengths[entry.message_id] = max(length, entry.at + len(entry.text))
            return entry.at >= length
        if isinstance(entry, Ended):
            self.running.pop(entry.message_id, None)
        key = (type(entry).__name__, entry.message_id)
        is_new = key not in self._once
        self._once.add(key)
        return is_new
