"""One contract for every log of running answers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from chat_app.errors import StreamsUnavailable
from chat_app.messages import Source, TextPart
from chat_app.store.database import new_id
from chat_app.streams.base import Batch, Began, Cited, Ended, Entry, Grew, StreamLog, Unsaved, fold
from chat_app.streams.memory import MemoryLog
from chat_app.streams.redis import RedisLog
from tests.conftest import REDIS, needs_redis


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
async def log(request: pytest.FixtureRequest) -> AsyncIterator[StreamLog]:
    async with _opened(MemoryLog() if request.param == "memory" else RedisLog(REDIS)) as opened:
        yield opened


@pytest.fixture
async def of_another_process(log: StreamLog) -> AsyncIterator[StreamLog]:
    """The same log as another process has it; one in memory has but one."""
    if isinstance(log, MemoryLog):
        yield log
        return
    async with _opened(RedisLog(REDIS)) as opened:
        yield opened


@asynccontextmanager
async def _opened(log: StreamLog) -> AsyncIterator[StreamLog]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(log.run())
        yield log
        await asyncio.sleep(0)
        task.cancel()


@pytest.fixture
def conversation() -> str:
    return new_id()


async def _read(log: StreamLog, conversation: str, after: str | None, until: type[Entry]) -> tuple[list[Entry], Batch]:
    """All entries up to one of a kind, and the last batch with the first one's word on whether it began anew."""
    entries: list[Entry] = []
    is_fresh = None
    async with asyncio.timeout(5), aclosing(log.follow(conversation, after)) as batches:
        async for batch in batches:
            entries += batch.entries
            is_fresh = batch.is_fresh if is_fresh is None else is_fresh
            if any(isinstance(entry, until) for entry in batch.entries):
                return entries, replace(batch, is_fresh=is_fresh)
    raise AssertionError("the log ended")


async def test_a_follower_sees_every_entry_in_order(log, conversation):
    written = [
        Began("m"),
        *(Grew("m", i, str(i)) for i in range(9)),
        Cited("m", (Source(1, "a", "b"),)),
        Unsaved("m"),
        Ended("m", "complete"),
    ]
    for entry in written:
        log.append(conversation, entry)

    entries, last = await _read(log, conversation, None, Ended)

    assert entries == written
    assert last.running == ()


async def test_a_follower_that_was_there_before_sees_what_comes(log, conversation):
    async with asyncio.timeout(5), aclosing(log.follow(conversation, None)) as batches:
        first = await anext(batches)
        log.append(conversation, Began("m", (TextPart("was"),)))
        entries: list[Entry] = []
        while not entries:
            batch = await anext(batches)
            entries += batch.entries

    assert first.entries == ()
    assert first.is_fresh
    assert entries == [Began("m", (TextPart("was"),))]
    assert batch.running == ("m",)


async def test_a_position_resumes_without_loss_or_repetition(log, conversation):
    log.append(conversation, Began("m"))
    log.append(conversation, Grew("m", 0, "one"))
    _, middle = await _read(log, conversation, None, Grew)
    log.append(conversation, Grew("m", 3, "two"))
    log.append(conversation, Ended("m", "complete"))

    entries, last = await _read(log, conversation, middle.position, Ended)

    assert entries == [Grew("m", 3, "two"), Ended("m", "complete")]
    assert not last.is_fresh


async def test_a_follower_that_is_cut_off_within_a_batch_goes_on_from_where_it_was(log, conversation):
    for entry in (Began("m"), *(Grew("m", at, str(at)) for at in range(5)), Ended("m", "complete")):
        log.append(conversation, entry)
    together: list[tuple[str, Entry]] = []
    async with asyncio.timeout(5), aclosing(log.follow(conversation, None)) as batches:
        async for batch in batches:
            together += batch.placed
            if batch.placed and not batch.running:
                break
    assert len(together) == 7
    for at, (position, _) in enumerate(together[:-1], 1):
        rest, last = await _read(log, conversation, position, Ended)
        assert (rest, last.is_fresh) == ([entry for _, entry in together[at:]], False)


@pytest.mark.parametrize("position", ["zzz.3", "1-1", "", "nonsense", "../.."])
async def test_a_position_of_another_log_begins_anew(log, conversation, position):
    log.append(conversation, Began("m"))
    log.append(conversation, Ended("m", "complete"))

    entries, last = await _read(log, conversation, position, Ended)

    assert last.is_fresh
    assert entries == [Began("m"), Ended("m", "complete")]


async def test_several_answers_run_side_by_side(log, conversation):
    for entry in (Began("a"), Began("b"), Grew("a", 0, "x"), Ended("a", "complete"), Unsaved("b")):
        log.append(conversation, entry)

    _, last = await _read(log, conversation, None, Unsaved)

    assert last.running == ("b",)


async def test_a_writer_whose_answer_another_has_begun_anew_is_passed_over(log, conversation):
    for entry in (
        Began("m", generation="1"),
        Grew("m", 0, "one", generation="1"),
        Began("m", (TextPart("one"),), generation="2"),
        Grew("m", 3, "late", generation="1"),
        Ended("m", "interrupted", generation="1"),
        Grew("m", 0, "two", generation="2"),
        Unsaved("m", generation="1"),
        Unsaved("m", generation="2"),
    ):
        log.append(conversation, entry)

    entries, last = await _read(log, conversation, None, Unsaved)

    assert [entry.generation for entry in entries] == ["1", "1", "2", "2", "2"]
    assert fold(entries)["m"].parts == (TextPart("onetwo"),)
    assert last.running == ("m",)


async def test_an_answer_that_was_thought_dead_is_told_again_by_its_writer(log, of_another_process, conversation):
    log.append(conversation, Began("m", generation="1"))
    log.append(conversation, Grew("m", 0, "one", generation="1"))
    await _read(log, conversation, None, Grew)
    of_another_process.append(conversation, Ended("m", "interrupted", generation="1"))
    await _read(log, conversation, None, Ended)
    log.begin_anew(conversation, "m")
    log.append(conversation, Grew("m", 3, "two", generation="1"))
    log.append(conversation, Unsaved("m", generation="1"))

    entries, last = await _read(log, conversation, None, Unsaved)

    assert fold(entries)["m"].parts == (TextPart("onetwo"),)
    assert last.running == ("m",)


async def test_conversations_do_not_see_each_other(log, conversation):
    log.append(new_id(), Began("other"))
    log.append(conversation, Began("m"))

    entries, _ = await _read(log, conversation, None, Began)

    assert entries == [Began("m")]


async def test_a_new_answer_after_the_last_has_ended_is_followed_too(log, conversation):
    log.append(conversation, Began("a"))
    log.append(conversation, Ended("a", "complete"))
    _, last = await _read(log, conversation, None, Ended)
    log.append(conversation, Began("b"))

    entries, batch = await _read(log, conversation, last.position, Began)

    assert Began("b") in entries
    assert batch.running == ("b",)


@pytest.mark.parametrize(("ask", "hear"), [("request_stop", "stop_requests"), ("announce", "announcements")])
async def test_requests_reach_every_listener(log, ask, hear):
    heard: list[str] = []

    async def listen() -> None:
        async for item in getattr(log, hear)():
            heard.append(item)
            return

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(listen())
        group.create_task(listen())
        while len(heard) < 2:
            getattr(log, ask)("it")
            await asyncio.sleep(0.05)

    assert heard == ["it", "it"]


async def test_a_log_in_memory_is_forgotten_and_its_followers_go_on():
    log = MemoryLog()
    async with aclosing(log.follow("c", None)) as batches:
        await anext(batches)
        log._logs.pop("c").changed.set()
        log.append("c", Began("m"))
        async with asyncio.timeout(5):
            batch = await anext(batches)

    assert batch.entries == (Began("m"),)


@needs_redis
async def test_an_entry_that_was_sent_twice_is_seen_once(conversation):
    log = RedisLog(REDIS)
    for entry in (
        Began("m"),
        Grew("m", 0, "one"),
        Grew("m", 0, "one"),
        Grew("m", 3, "two"),
        Ended("m", "complete"),
        Ended("m", "complete"),
    ):
        log.append(conversation, entry)
    await log._send_some()
    entries, _ = await _read(log, conversation, None, Ended)
    await log._redis.aclose()

    assert entries == [Began("m"), Grew("m", 0, "one"), Grew("m", 3, "two"), Ended("m", "complete")]


async def _told(log: RedisLog, conversation: str) -> Batch:
    """What a new follower is told, once all is sent; then the answer ends, and the log is closed."""
    await log._drain()
    async with aclosing(log.follow(conversation, None)) as batches:
        batch = await anext(batches)
    log.append(conversation, Ended("m", "complete"))
    await log._drain()
    await log._redis.aclose()
    return batch


@needs_redis
@pytest.mark.parametrize("is_asleep", [False, True], ids=["sent one by one", "sent together"])
async def test_an_answer_whose_redis_came_back_empty_is_told_again_from_its_beginning(conversation, is_asleep):
    log = RedisLog(REDIS)
    log.append(conversation, Began("m", (TextPart("zero"),)))
    log.append(conversation, Grew("m", 0, "one"))
    await log._send_some()
    await log._redis.delete(f"chat_app:log:{conversation}")

    for at, text in ((3, "two"), (6, "three")):
        log.append(conversation, Grew("m", at, text))
        if not is_asleep:
            await log._send_some()
    await log._drain()
    log.append(conversation, Grew("m", 11, "four"))
    batch = await _told(log, conversation)

    assert batch.running == ("m",)
    assert fold(batch.entries)["m"].parts == (TextPart("zeroonetwothreefour"),)
    assert not log._told


@needs_redis
async def test_an_answer_whose_redis_came_back_older_has_no_hole(conversation, monkeypatch):
    log = RedisLog(REDIS)
    monkeypatch.setattr("chat_app.streams.redis._RETRY_S", 0)
    key = f"chat_app:log:{conversation}"
    log.append(conversation, Began("m"))
    log.append(conversation, Grew("m", 0, "one"))
    log.append(conversation, Grew("m", 3, "two"))
    await log._drain()
    newest = (await log._redis.xrevrange(key, count=1))[0][0]
    await log._redis.xdel(key, newest)  # it comes back as a snapshot had it
    send, failed = log._send_some, []

    async def fail_once() -> None:
        if not failed:
            failed.append(1)
            raise ConnectionError("gone")
        await send()

    monkeypatch.setattr(log, "_send_some", fail_once)
    log.append(conversation, Grew("m", 6, "three"))
    batch = await _told(log, conversation)

    assert fold(batch.entries)["m"].parts == (TextPart("onetwothree"),)
    assert not log._told


@needs_redis
async def test_a_log_can_be_closed_at_any_moment():
    """Python 3.11 swallows a cancellation that meets the end of an `asyncio.wait_for`."""
    for steps in range(40):
        log = RedisLog(REDIS)
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            tasks = [group.create_task(log.run()), group.create_task(_first(log.announcements()))]
            for _ in range(steps):
                log.request_stop("it")
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()


async def _first(feed: AsyncGenerator[str]) -> str:
    async with aclosing(feed):
        return await anext(feed)


async def test_a_redis_that_is_gone_is_said_to_followers():
    log = RedisLog("redis://127.0.0.1:9")
    with pytest.raises(StreamsUnavailable):
        await anext(log.follow("c", None))
    await log._redis.aclose()


@needs_redis
async def test_what_is_written_while_redis_is_away_takes_the_room_of_its_words(conversation, monkeypatch):
    log = RedisLog(REDIS)
    send, failed = log._send_some, asyncio.Event()
    there_again = asyncio.Event()

    async def fail() -> None:
        if there_again.is_set():
            return await send()
        failed.set()
        raise ConnectionError("gone")

    monkeypatch.setattr(log, "_send_some", fail)
    monkeypatch.setattr("chat_app.streams.redis._RETRY_S", 0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        log.append(conversation, Began("short"))
        log.append(conversation, Began("m"))
        draining = group.create_task(log._drain())
        await failed.wait()
        for at in range(1000):
            log.append(conversation, Grew("m", at, "x"))
            log.announce("local")
        log.append(conversation, Ended("short", "complete"))
        failed.clear()
        await failed.wait()
        await asyncio.sleep(0)
        kept = [item for _, item in log._outbox]
        there_again.set()
        await draining
    batch = await _told(log, conversation)

    assert kept == ["local", Ended("short", "complete")]
    assert batch.running == ("m",)
    assert fold(batch.entries)["m"].parts == (TextPart("x" * 1000),)
