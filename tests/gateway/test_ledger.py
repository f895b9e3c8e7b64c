"""Every attempt is written down, however it ended, with what it took and cost."""

import asyncio
from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from chat_app.errors import ModelFailed, StoreUnavailable
from chat_app.events import Finish, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.gateway.ledger import Ledger
from chat_app.messages import ChatRequest, Message, TextPart, Usage
from chat_app.store.database import Database
from chat_app.store.usage import UsageStore, Used
from tests.gateway.door import door_over
from tests.gateway.test_failover import Named

PRICED = '[models.m]\nprovider = "first"\nprice = { input = 3, output = 15, cached = 0.3, cache_write = 4 }\n'
FREE = '[models.m]\nprovider = "first"\n'


async def test_a_call_is_written_down_with_its_tokens_apart_and_its_cost(tmp_path):
    usage = Usage(1000, 200, cached_tokens=300, reasoning_tokens=50, cache_write_tokens=100)
    door = await door_over(tmp_path, PRICED, Named("first", TextDelta("a"), Finish("stop", usage)))
    await door.ask()
    (used,) = door.used

    assert (used.user_id, used.model, used.deployment, used.status, used.attempt) == (
        "local", "m", "first/m", "complete", 1,
    )  # fmt: skip
    assert used.usage == usage
    assert used.cost_micros == 600 * 3 + 300 * 0.3 + 100 * 4 + 200 * 15
    assert 0 <= used.first_token_ms <= used.duration_ms


async def test_an_unknown_price_is_unknown_and_not_nothing(tmp_path):
    door = await door_over(tmp_path, FREE, Named("first", TextDelta("a"), Finish("stop", Usage(1, 1))))
    await door.ask()

    assert door.used[0].cost_micros is None


async def test_a_price_of_nothing_is_nothing(tmp_path):
    toml = '[models.m]\nprovider = "first"\nprice = { input = 0, output = 0 }\n'
    door = await door_over(tmp_path, toml, Named("first", TextDelta("a"), Finish("stop", Usage(1, 1))))
    await door.ask()

    assert door.used[0].cost_micros == 0


async def test_every_attempt_has_a_row_under_one_request(tmp_path):
    toml = '[models.m]\nprovider = "first"\nfallback = "n"\n[models.n]\nprovider = "second"\n'
    door = await door_over(tmp_path, toml, Named("first", ModelFailed("no")), Named("second"))
    await door.ask()
    failed, answered = door.used

    assert (failed.status, failed.attempt, failed.deployment) == ("model_failed", 1, "first/m")
    assert (answered.status, answered.attempt, answered.deployment) == ("complete", 2, "second/n")
    assert failed.request_id == answered.request_id
    assert failed.usage == Usage()


@pytest.mark.parametrize("ending", ["cut", "left"])
async def test_a_stream_that_ends_early_is_written_down_with_an_estimate(tmp_path, ending):
    words = [TextDelta("word " * 100)] * 3
    provider = Named("first", *words, ModelFailed("late"))
    door = await door_over(tmp_path, PRICED, provider)
    asked = ChatRequest("m", (Message("user", (TextPart("hi " * 100),)),))
    async with aclosing(door.gateway.stream(asked, Caller("local", key_id="k"))) as events:
        if ending == "cut":
            with pytest.raises(ModelFailed):
                _ = [event async for event in events]
        else:
            for _ in range(3):
                await anext(events)
    (used,) = door.used

    assert used.status == ("model_failed" if ending == "cut" else "cancelled")
    assert used.is_estimated
    assert used.usage.input_tokens > 70
    assert used.usage.output_tokens > (300 if ending == "cut" else 200)
    assert used.cost_micros > 0
    assert used.key_id == "k"


async def test_whoever_asks_is_told_what_each_attempt_took(tmp_path):
    door = await door_over(tmp_path, FREE, Named("first"))
    told: list[Used] = []
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local", on_used=told.append))) as events:
        _ = [event async for event in events]

    assert told == door.used


def _used(**more: object) -> Used:
    usual = {
        "created_at": 0, "request_id": "r", "attempt": 1, "user_id": "local", "key_id": None, "purpose": "chat",
        "model": "m", "deployment": "d", "status": "complete", "duration_ms": 5,
    }  # fmt: skip
    return Used(**(usual | more))


async def test_rows_go_to_the_database_and_add_up(database: Database, monkeypatch):
    day = 24 * 3600 * 1000
    store = UsageStore(database)
    await store.add(
        [
            _used(created_at=1, request_id="a", usage=Usage(10, 5), cost_micros=7, first_token_ms=2),
            _used(created_at=2, request_id="b", status="model_failed"),
            _used(created_at=3, request_id="b", attempt=2, usage=Usage(1, 1), cost_micros=None, first_token_ms=4),
            _used(created_at=day, request_id="c", key_id="k", usage=Usage(2, 2), cost_micros=9, is_estimated=True),
            _used(created_at=1, request_id="d", user_id="other", cost_micros=1000),
        ]
    )
    new, old = await store.summary("local", 0)

    assert (new.day, new.key_id, new.calls, new.cost_micros) == (1, "k", 1, 9)
    assert (old.day, old.calls, old.attempts, old.failures) == (0, 2, 3, 1)
    assert (old.input_tokens, old.output_tokens, old.duration_ms) == (11, 6, 15)
    assert (old.cost_micros, old.unpriced, old.first_token_ms, old.first_tokens) == (7, 1, 6, 2)
    assert all(isinstance(getattr(old, name), int) for name in ("input_tokens", "cost_micros", "duration_ms"))
    assert {line.day for line in await store.summary("local", 0, -60_000)} == {0}  # there days begin a minute later
    assert {line.day for line in await store.summary("local", 0, day)} == {1, 2}
    assert [await store.spent("user", "local", since) for since in (0, day)] == [16, 9]
    assert await store.spent("key", "k", 0) == 9
    monkeypatch.setattr("chat_app.store.usage._PAGE", 2)
    rows = [row async for row in store.rows("local", 0)]
    assert [(row.request_id, row.usage, row.is_estimated) for row in rows] == [
        ("a", Usage(10, 5), False),
        ("b", Usage(), False),
        ("b", Usage(1, 1), False),
        ("c", Usage(2, 2), True),
    ]


async def test_names_and_counts_that_no_column_takes_do_not_stop_the_others(database: Database):
    store = UsageStore(database)
    huge = Usage(2**63, -1, cached_tokens=2**31, reasoning_tokens=7)
    await store.add([_used(model="gpt-\0\ud83d", deployment="d\0", usage=huge, cost_micros=2**64), _used()])
    odd, plain = [row async for row in store.rows("local", 0)]

    assert (odd.model, odd.deployment) == ("gpt-\ufffd\ufffd", "d\ufffd")
    assert (odd.usage, odd.cost_micros) == (Usage(None, None, None, 7), None)
    assert plain.model == "m"


async def test_a_fault_of_one_batch_does_not_end_the_ledger():
    stored: list[Used] = []

    async def add(rows):
        if rows[0].request_id == "odd":
            raise OverflowError("too large")
        stored.extend(rows)

    ledger = Ledger(add, every_s=60)
    for request_id in ("odd", "plain"):
        ledger.write(_used(request_id=request_id))
        await ledger.flush()

    assert [row.request_id for row in stored] == ["plain"]


async def test_while_the_database_is_away_rows_wait():
    stored: list[Used] = []
    is_away = True

    async def add(rows):
        if is_away:
            raise StoreUnavailable("gone")
        stored.extend(rows)

    ledger = Ledger(add, every_s=60)
    ledger.write(_used(request_id="1"))
    await ledger.flush()
    ledger.write(_used(request_id="2"))
    is_away = False
    await ledger.flush()
    await ledger.flush()

    assert [row.request_id for row in stored] == ["1", "2"]


async def test_a_worker_that_is_told_to_stop_stores_what_it_had_begun_to():
    stored: list[Used] = []
    began = asyncio.Event()

    async def add(rows):
        began.set()
        await asyncio.sleep(0.01)
        stored.extend(rows)

    ledger = Ledger(add, every_s=0.001)
    ledger.write(_used())
    task = asyncio.ensure_future(ledger.run())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert len(stored) == 1


async def test_each_attempt_is_a_line_of_the_log_by_the_calls_name_and_without_its_words(tmp_path):
    door = await door_over(
        tmp_path,
        '[models.m]\nprovider = "first"\n',
        Named("first", TextDelta("secret words"), Finish("stop", Usage(3, 2))),
    )
    caller = Caller("local", request_id="the-call")
    request = ChatRequest("m", (Message("user", (TextPart("secret question"),)),))
    with capture_logs() as lines:
        async with aclosing(door.gateway.stream(request, caller)) as events:
            _ = [event async for event in events]
    (line,) = [line for line in lines if line["event"] == "gateway.attempt"]

    told = {name: line[name] for name in ("request_id", "attempt", "model", "deployment", "status", "output_tokens")}
    assert told == {
        "request_id": "the-call", "attempt": 1, "model": "m", "deployment": "first/m", "status": "complete", "output_tokens": 2,
    }  # fmt: skip
    assert "secret" not in str(lines)
