"""The log in Redis Streams, for several workers.

Redis gives each entry an id of milliseconds and a counter; that id is the position. A position is of this log when
the stream still holds it: a stream is dropped whole, never trimmed, so its first id is as good as an epoch.
Appending never waits: entries queue in this process and one task sends them, again and again while Redis is away.
An entry that was sent twice, because the answer to the first try was lost, is recognised by `Grew.at`. Only `Began`
makes a stream: an entry that finds none tells that Redis came back empty, and the answer begins anew with all it said.
So do all after a failure, since a Redis that came back may have forgotten the last of what it had taken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat_app.errors import StreamsUnavailable
from chat_app.events import Reply
from chat_app.streams.base import KEEP_S, Batch, Began, Ended, Entry, Grew, hear

_PREFIX = "chat_app:"
_STOPS = _PREFIX + "stops"
_ANNOUNCEMENTS = _PREFIX + "library"
_BLOCK_MS = 15_000
_RETRY_S = 0.5
_LONGEST_S = 86_400
_FEED_LENGTH = 10_000

log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode
_Raw = list[tuple[bytes, dict[bytes, bytes]]]


class RedisLog:
    """Logs as Redis Streams, one key per conversation.

    Args:
        url: Address of the server.
    """

    def __init__(self, url: str) -> None:
        # A server that hangs is one that is gone: nothing may wait longer than the longest block, and a little.
        self._redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, socket_connect_timeout=2, socket_timeout=_BLOCK_MS / 1000 + 2
        )
        self._outbox: deque[tuple[str, Entry | str]] = deque()
        self._filled = asyncio.Event()
        self._told: dict[str, Reply] = {}  # the answers that this process writes, until they end
        self._keys: dict[str, str] = {}  # and their streams
        self._is_doubtful = False

    async def check(self) -> None:
        """Say whether the server is there.

        Raises:
            StreamsUnavailable: It is not.
        """
        try:
            async with asyncio.timeout(2):
                await self._redis.ping()  # pyright: ignore[reportUnknownMemberType, reportGeneralTypeIssues]
        except (RedisError, OSError) as error:
            raise StreamsUnavailable("Redis does not answer.", detail=str(error)) from error

    async def aclose(self) -> None:
        """Close connections that nobody runs."""
        await self._redis.aclose()

    def append(self, conversation_id: str, entry: Entry) -> None:
        """See `StreamLog.append`."""
        key = _PREFIX + "log:" + conversation_id
        hear(entry, self._told)
        if isinstance(entry, Began):
            self._keys[entry.message_id] = key
        if isinstance(entry, Ended):
            self._told.pop(entry.message_id, None)
            self._keys.pop(entry.message_id, None)
        self._send(key, entry)

    async def follow(self, conversation_id: str, after: str | None) -> AsyncGenerator[Batch]:
        """See `StreamLog.follow`."""
        key = _PREFIX + "log:" + conversation_id
        seen = _Seen()
        try:
            position = await self._valid(key, after)
            if position is None:
                found: _Raw = await self._redis.xrange(key)
                position = found[-1][0].decode() if found else "0-0"
                yield Batch(position, seen.new(found), True, tuple(seen.running))
            else:
                seen.new(await self._redis.xrange(key, max=position))
                yield Batch(position, (), False, tuple(seen.running))
            while True:
                answer = await self._redis.xread({key: position}, block=_BLOCK_MS)
                if answer:
                    found = answer[0][1]
                    position = found[-1][0].decode()
                    entries = seen.new(found)
                    if entries:
                        yield Batch(position, entries, False, tuple(seen.running))
        except (RedisError, OSError) as error:
            raise StreamsUnavailable("The log of running answers cannot be reached.", detail=str(error)) from error

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
                    await self._send_some()
            except (RedisError, OSError, TimeoutError):
                log.warning("streams.unsent", entries=len(self._outbox))
            await self._redis.aclose()

    async def _drain(self) -> None:
        while self._outbox:
            try:
                await self._send_some()
            except (RedisError, OSError) as error:
                log.warning("streams.unavailable", error=str(error), waiting=len(self._outbox))
                self._is_doubtful = True
                await asyncio.sleep(_RETRY_S)

    async def _send_some(self) -> None:
        batch = list(self._outbox)
        if not batch:
            return
        async with self._redis.pipeline(transaction=True) as pipe:
            for key, item in batch:
                if isinstance(item, str):
                    pipe.xadd(key, {"e": item}, maxlen=_FEED_LENGTH, approximate=True)
                else:
                    pipe.xadd(key, {"e": _encode(item)}, nomkstream=not isinstance(item, Began))
                    pipe.expire(key, KEEP_S if isinstance(item, Ended) else _LONGEST_S)
            answers = iter(await pipe.execute())
        for key, item in batch:
            self._outbox.popleft()
            was_added = next(answers) is not None
            if not isinstance(item, str):
                next(answers)
                if not was_added:
                    self._begin_anew(key, item.message_id)
        if self._is_doubtful:
            self._is_doubtful = False
            for message_id, key in self._keys.items():
                self._begin_anew(key, message_id)

    def _begin_anew(self, key: str, message_id: str) -> None:
        """Tell an answer again whose stream is lost: behind what still waits, since it has those words as well."""
        is_due = any(isinstance(item, Began) and item.message_id == message_id for _, item in self._outbox)
        if message_id in self._told and not is_due:
            self._send(key, Began(message_id, self._told[message_id].parts))

    def _send(self, key: str, item: Entry | str) -> None:
        self._outbox.append((key, item))
        self._filled.set()

    async def _valid(self, key: str, after: str | None) -> str | None:
        """The position, when this stream still holds it."""
        number, _, counter = (after or "").partition("-")
        if after is None or not (number.isdecimal() and counter.isdecimal()):
            return None
        return after if await self._redis.xrange(key, min=after, max=after) else None

    async def _feed(self, key: str) -> AsyncGenerator[str]:
        """Every item from now on; goes on where it was when Redis comes back."""
        position = ""
        while True:
            try:
                if not position:
                    last = await self._redis.xrevrange(key, count=1)
                    position = last[0][0].decode() if last else "0-0"
                answer = await self._redis.xread({key: position}, block=_BLOCK_MS)
            except (RedisError, OSError):
                await asyncio.sleep(_RETRY_S)
                continue
            for entry_id, fields in answer[0][1] if answer else ():
                position = entry_id.decode()
                yield fields[b"e"].decode()


class _Seen:
    """What a follower has seen of each answer, to pass over entries that were sent twice."""

    def __init__(self) -> None:
        self.running: dict[str, None] = {}
        self._lengths: dict[str, int] = {}
        self._once: set[tuple[str, str]] = set()

    def new(self, found: _Raw) -> tuple[Entry, ...]:
        return tuple(entry for _, fields in found if self._is_new(entry := _decode(fields[b"e"])))

    def _is_new(self, entry: Entry) -> bool:
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
