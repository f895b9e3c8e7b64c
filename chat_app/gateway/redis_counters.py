"""Counts of several workers together, in Redis: one script looks and counts, so that nobody comes between.

What a call holds open is leased: a worker that dies gives it back when the lease ends. While Redis is away each worker
counts for itself, which is less than nothing counted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from chat_app.gateway.counters import MemoryCounters, Verdict, Window
from chat_app.store.database import to_the_end

log = structlog.get_logger(__name__)
_PREFIX = "chat_app:limit:"
_PATIENCE_S = 3.0
_AWAY_S = 1.0
_CONNECTIONS = 8
_LEASE_S = 30
_EVERY_S = 0.1
_MOST_UNTOLD = 100_000

# KEYS are the windows. ARGV: the call, the lease in seconds; then of each window its limit, amount, slot_s and slots.
# Returns {the first full window or 0, ms to wait, used of each …, slot of each …}.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local used, at = {}, {}
for i, key in ipairs(KEYS) do
  local limit, amount = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local slot_s, slots = tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2])
  local counts = {}
  used[i], at[i] = 0, 0
  if slot_s == 0 then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    used[i] = redis.call('ZCARD', key)
  else
    at[i] = math.floor(now / slot_s)
    local found = redis.call('HGETALL', key)
    for j = 1, #found, 2 do
      local slot, count = tonumber(found[j]), tonumber(found[j + 1])
      if slot <= at[i] - slots then
        redis.call('HDEL', key, found[j])
      else
        used[i] = used[i] + count
        table.insert(counts, {slot, count})
      end
    end
  end
  if used[i] + amount > limit then
    local wait = slot_s == 0 and 1 or slots * slot_s
    local over = used[i] + amount - limit
    table.sort(counts, function(a, b) return a[1] < b[1] end)
    for _, pair in ipairs(counts) do
      over = over - pair[2]
      if over <= 0 then
        wait = (pair[1] + slots) * slot_s - now
        break
      end
    end
    return {i, math.ceil(wait * 1000), unpack(used)}
  end
end
local answer = {0, 0}
for i, key in ipairs(KEYS) do
  local amount = tonumber(ARGV[4 * i])
  local slot_s, slots = tonumber(ARGV[4 * i + 1]), tonumber(ARGV[4 * i + 2])
  if slot_s == 0 then
    redis.call('ZADD', key, now + tonumber(ARGV[2]), ARGV[1])
    redis.call('EXPIRE', key, ARGV[2])
  else
    redis.call('HINCRBY', key, at[i], amount)
    redis.call('EXPIRE', key, slot_s * (slots + 1))
  end
  table.insert(answer, used[i] + amount)
end
for i, _ in ipairs(KEYS) do table.insert(answer, at[i]) end
return answer
"""
# KEYS: the window. ARGV: what is known, slot_s, slots.
_SEED = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HINCRBY', KEYS[1], math.floor(tonumber(redis.call('TIME')[1]) / ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2] * (ARGV[3] + 1))
return 1
"""


# KEYS: the window. ARGV: where it was reserved, what to add, slot_s, slots, whether it is seeded. What was reserved too
# much is given back where it was, if that still counts; more counts from now on. A window that has gone stays gone
# where `seed` begins it anew.
_CORRECT = """
local slot, amount, slot_s = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if amount > 0 then
  if ARGV[5] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then return end
  slot = math.floor(tonumber(redis.call('TIME')[1]) / slot_s)
  redis.call('HINCRBY', KEYS[1], slot, amount)
  redis.call('EXPIRE', KEYS[1], slot_s * (ARGV[4] + 1))
elseif redis.call('HEXISTS', KEYS[1], slot) == 1 then
  redis.call('HINCRBY', KEYS[1], slot, amount)
end
"""


class RedisCounters:
    """Counts of several workers.

    Args:
        url: Address of the server.
        clock: Seconds that only grow.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        # A few connections, or a burst of calls would open one each. No `socket_timeout`, as in streams/redis.py.
        pool: Any = BlockingConnectionPool.from_url(url, max_connections=_CONNECTIONS, socket_connect_timeout=2)  # pyright: ignore[reportUnknownMemberType]
        self._redis: Any = Redis.from_pool(pool)
        self._take = self._redis.register_script(_TAKE)
        self._seed = self._redis.register_script(_SEED)
        self._correct = self._redis.register_script(_CORRECT)
        self._clock, self._away_until = clock, 0.0
        self._alone = MemoryCounters()
        self._taken_alone: set[str] = set()
        self._open: dict[str, list[str]] = {}
        self._corrections: list[tuple[Window, int, int]] = []
        self._given_back: list[tuple[str, str]] = []

    async def take(self, windows: Sequence[Window], call_id: str) -> Verdict:
        """See `Counters.take`."""
        arguments: list[str | int] = [call_id, _LEASE_S]
        for window in windows:
            arguments += [window.limit, window.amount, window.slot_s, window.slots]
        keys = [_PREFIX + window.key for window in windows]
        try:
            async with self._in_time():
                answer: list[int] = await self._take(keys=keys, args=arguments)
        except _Away:
            verdict = await self._alone.take(windows, call_id)
            if verdict.refused is None:
                self._taken_alone.add(call_id)
            return verdict
        if not self._taken_alone:
            self._alone = MemoryCounters()  # what was counted while Redis was away is of that time alone
        refused, wait_ms, *figures = answer
        if refused:
            return Verdict(tuple(figures), (), refused - 1, wait_ms / 1000)
        if held := [key for key, window in zip(keys, windows, strict=True) if not window.slot_s]:
            self._open[call_id] = held
        return Verdict(tuple(figures[: len(windows)]), tuple(figures[len(windows) :]))

    def settle(self, windows: Sequence[Window], call_id: str, slots: Sequence[int], amounts: Sequence[int]) -> None:
        """See `Counters.settle`; it is told a little later, as nobody waits for it."""
        if call_id in self._taken_alone:
            self._taken_alone.discard(call_id)
            self._alone.settle(windows, call_id, slots, amounts)
            return
        self._given_back += [(key, call_id) for key in self._open.pop(call_id, ())]
        self._corrections += [
            (window, slot, amount - window.amount)
            for window, slot, amount in zip(windows, slots, amounts, strict=True)
            if window.slot_s and amount != window.amount
        ]

    async def seed(self, window: Window, read: Callable[[], Awaitable[int]]) -> None:
        """See `Counters.seed`."""
        key = _PREFIX + window.key
        try:
            async with self._in_time():
                is_there = await self._redis.exists(key)
            if not is_there:
                known = await read()
                async with self._in_time():
                    await self._seed(keys=[key], args=[known, window.slot_s, window.slots])
        except _Away:
            await self._alone.seed(window, read)

    async def run(self) -> None:
        """Tell what was settled, and keep the leases of what is open."""
        rounds = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            rounds += 1
            if rounds % int(60 / _EVERY_S) == 0:
                self._alone.forget()
            await to_the_end(self.tell(is_renewing=rounds % int(_LEASE_S / 3 / _EVERY_S) == 0))

    async def tell(self, *, is_renewing: bool = False) -> None:
        """Tell what was settled.

        Args:
            is_renewing: Renew the leases of what is open, too.
        """
        corrections, given_back = self._corrections, self._given_back
        if not (corrections or given_back or (is_renewing and self._open)):
            return
        self._corrections, self._given_back = [], []
        try:
            async with self._in_time():
                await self._tell(corrections, given_back, is_renewing=is_renewing)
        except _Away:
            # Told again. What went through all the same counts twice: a little much is held to be taken, or given back.
            self._corrections = (corrections + self._corrections)[-_MOST_UNTOLD:]
            self._given_back = (given_back + self._given_back)[-_MOST_UNTOLD:]

    async def _tell(
        self, corrections: list[tuple[Window, int, int]], given_back: list[tuple[str, str]], *, is_renewing: bool
    ) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        now = (await self._redis.time())[0] if is_renewing else 0
        for window, slot, difference in corrections:
            about = [slot, difference, window.slot_s, window.slots, int(window.is_seeded)]
            await self._correct(keys=[_PREFIX + window.key], args=about, client=pipeline)
        for key, call_id in given_back:
            pipeline.zrem(key, call_id)
        for call_id, keys in self._open.items() if is_renewing else ():
            for key in keys:
                pipeline.zadd(key, {call_id: now + _LEASE_S}, xx=True)
                pipeline.expire(key, _LEASE_S)
        await pipeline.execute()

    async def aclose(self) -> None:
        """Tell the last of it, and close connections."""
        await self.tell()
        await self._redis.aclose()

    @asynccontextmanager
    async def _in_time(self) -> AsyncGenerator[None]:
        """Ask Redis within the block. One that was just away is not asked again at once: each call would wait for it.

        Raises:
            _Away: It does not answer.
        """
        if self._clock() < self._away_until:
            raise _Away
        try:
            async with asyncio.timeout(_PATIENCE_S):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("limits.alone", error=type(error).__name__)
            self._away_until = self._clock() + _AWAY_S
            raise _Away from error


class _Away(Exception):
    """Redis does not answer."""
