"""The supervisor lives, and what was said is stored, whatever the database and the people do meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import text

from chat_app.errors import Conflict, StoreUnavailable
from chat_app.events import Event, Finish, TextDelta
from chat_app.messages import ChatRequest, TextPart, Usage, text_of
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.store.answers import AnswerStore
from chat_app.store.database import Database, now_ms
from chat_app.store.records import Checkpoint, Found, NewTurn, Turn
from chat_app.streams.base import Began, Ended, Grew, Unsaved, fold
from tests.conftest import LOCAL, POSTGRES, REDIS, needs_redis, services_with
from tests.conversations.talk import (
    LONG,
    send,
    status_of,
    until_heard,
    until_logged,
    until_running,
    until_settled,
    words_of,
)
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("each_database")
DONE = Finish("stop", Usage(1, 2))


class _Held(FakeProvider):
    """Finishes only when it may, and tells when nobody listens to it any more."""

    def __init__(self, *script: Event) -> None:
        super().__init__(script)
        self.may_finish, self.was_left = asyncio.Event(), asyncio.Event()

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        try:
            async with aclosing(super().stream(model, request)) as events:
                async for event in events:
                    if isinstance(event, Finish):
                        await self.may_finish.wait()
                    yield event
        finally:
            self.was_left.set()


async def _take_over(services: Services, turn: Turn) -> Turn:
    """As another worker would that thinks this one dead, between two of its heartbeats."""
    async with asyncio.timeout(5):
        while True:
            await AnswerStore(services.database).reap(now_ms() + 60_000)
            try:
                return await services.conversations.messages.reopen("local", turn.reply_id)
            except Conflict:  # a heartbeat came between
                continue


async def _is_complete(services: Services, turn: Turn) -> bool:
    return await status_of(services, turn) == "complete"


async def _ended(services: Services, turn: Turn) -> tuple[str, str]:
    return await until_settled(services, turn), await words_of(services, turn)


async def test_a_stop_while_the_words_are_being_stored_does_not_lose_them(tmp_path, sqlite_alone):
    model = _Held(TextDelta("all of it"), DONE)
    async with services_with(tmp_path, model, busy_timeout_s=0.5) as services:
        holder = Database(services.settings.database)
        turn = await send(services)
        async with holder.write():
            model.may_finish.set()
            await until_logged(services, turn, Unsaved)
            await services.conversations.stop(LOCAL, turn.reply_id)
        await holder.aclose()

        assert await _ended(services, turn) == ("complete", "all of it")


async def test_a_shutdown_while_the_words_are_being_stored_waits_for_the_database(tmp_path, sqlite_alone):
    model, holder = _Held(TextDelta("all of it"), DONE), Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
    shutting_down = asyncio.Event()

    async def hold(services: Services) -> None:
        async with holder.write():
            model.may_finish.set()
            await until_logged(services, turn, Unsaved)
            shutting_down.set()
            await asyncio.sleep(0.3)  # the shutdown meets the lock

    async with asyncio.TaskGroup() as group, services_with(tmp_path, model, busy_timeout_s=0.5) as services:
        turn = await send(services)
        group.create_task(hold(services))
        await shutting_down.wait()
    await holder.aclose()

    async with services_with(tmp_path, FakeProvider()) as services:
        assert await _ended(services, turn) == ("complete", "all of it")


async def test_an_answer_that_runs_here_is_not_reaped_however_long_the_store_is_out_of_reach(tmp_path):
    slow = _Held(*LONG, DONE)
    async with services_with(tmp_path, slow) as services:
        turn = await send(services)
        await until_running(services, turn)
        await _silence(services, turn)
        await services.conversations._generations._reap(now_ms() + 60_000)  # which must find nothing

        assert await status_of(services, turn) == "streaming"


async def test_an_answer_that_another_has_taken_over_ends_and_asks_no_more(tmp_path):
    slow = _Held(*LONG, DONE)
    async with services_with(tmp_path, slow, heartbeat_s=0.05, checkpoint_s=0.05) as services:
        turn = await send(services)
        await until_running(services, turn)
        taken = await _take_over(services, turn)

        async with asyncio.timeout(5):
            await slow.was_left.wait()
        assert taken.generation_id != turn.generation_id
        assert await status_of(services, turn) == "streaming"  # the other's, which nobody overwrote


async def _cut_off(services: Services, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let this worker not reach the database until the event is set, and wait until another takes its answer for dead."""
    answers = services.conversations._generations._store
    there_again, checkpoint = asyncio.Event(), answers.checkpoint

    async def refuse(checkpoints: Sequence[Checkpoint]) -> Found:
        if there_again.is_set():
            return await checkpoint(checkpoints)
        raise StoreUnavailable("out of reach")

    monkeypatch.setattr(answers, "checkpoint", refuse)
    await until_logged(services, turn, Ended)

    async def is_reaped() -> bool:
        return await status_of(services, turn) == "interrupted"

    await until(is_reaped)
    return there_again


@needs_redis
async def test_two_workers_never_speak_for_one_answer(tmp_path, monkeypatch):
    first, second = _Held(*LONG, DONE), FakeProvider([TextDelta("anew"), DONE])
    quick = {"redis_url": REDIS, "reap_after_s": 1, "heartbeat_s": 0.1, "checkpoint_s": 0.1}
    async with services_with(tmp_path, first, **quick) as one, services_with(tmp_path, second, **quick) as two:
        turn = await send(one)
        await until_heard(one, turn)
        there_again = await _cut_off(one, turn, monkeypatch)
        before = await words_of(two, turn)
        await two.conversations.resume(LOCAL, turn.reply_id)
        assert await until_settled(two, turn) == "complete"
        there_again.set()
        async with asyncio.timeout(5):
            await first.was_left.wait()

        assert await words_of(two, turn) == before + "anew"
        async with aclosing(two.streams.follow(turn.conversation_id, None)) as batches:
            told = fold((await anext(batches)).entries)[turn.reply_id]
        assert text_of(told.parts) == before + "anew"


@needs_redis
async def test_a_worker_that_was_thought_dead_and_comes_back_is_followed_again(tmp_path, monkeypatch):
    slow = _Held(*LONG, DONE)
    quick = {"redis_url": REDIS, "reap_after_s": 0.3, "heartbeat_s": 0.1, "checkpoint_s": 0.1}
    async with services_with(tmp_path, slow, **quick) as one, services_with(tmp_path, FakeProvider(), **quick) as two:
        turn = await send(one)
        await until_running(one, turn)
        there_again = await _cut_off(one, turn, monkeypatch)
        seen = await two.conversations.library.get("local", turn.conversation_id)
        there_again.set()

        async with asyncio.timeout(5), aclosing(two.streams.follow(turn.conversation_id, None)) as batches:
            async for batch in batches:
                if batch.running:
                    break
        await until_running(two, turn)
        assert (await two.conversations.library.get("local", turn.conversation_id)).updated_at > seen.updated_at
        slow.may_finish.set()
        await until(lambda: _is_complete(two, turn))
        assert await words_of(two, turn) == "".join(delta.text for delta in LONG)


async def test_a_reaper_that_comes_late_does_not_end_an_answer_that_lives(tmp_path, monkeypatch):
    slow = _Held(*LONG, DONE)
    async with services_with(tmp_path, slow, heartbeat_s=0.05, checkpoint_s=0.05) as services:
        turn = await send(services)
        await until_heard(services, turn)
        answers = services.conversations._generations._store
        salvage = answers.salvage
        late = asyncio.Event()

        async def salvage_late(*what: Any) -> bool:
            async with asyncio.timeout(5):
                while await status_of(services, turn) != "streaming":  # its own heartbeat comes between
                    await asyncio.sleep(0.01)
            late.set()
            return await salvage(*what)

        monkeypatch.setattr(answers, "salvage", salvage_late)
        monkeypatch.setattr(services.conversations._generations, "_message_ids", lambda: ())  # as another process's
        await services.conversations._generations._reap(now_ms() + 60_000)
        async with aclosing(services.streams.follow(turn.conversation_id, None)) as batches:
            batch = await anext(batches)

        assert late.is_set()
        assert batch.running == (turn.reply_id,)
        assert not any(isinstance(entry, Ended) for entry in batch.entries)


async def test_a_database_that_refuses_for_a_while_does_not_end_the_supervisor(tmp_path, each_database):
    if not each_database.startswith("postgresql"):
        pytest.skip("PostgreSQL's faults")
    model = _Held(TextDelta("all of it"), DONE)
    async with services_with(tmp_path, model, heartbeat_s=0.05, reap_after_s=0.1, checkpoint_s=0.05) as services:
        turn = await send(services)
        await until_running(services, turn)
        admin = Database(POSTGRES)
        name = each_database.rpartition("/")[2]
        async with admin.write() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        async with admin.read() as connection:
            await connection.execute(
                text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            )
        model.may_finish.set()
        await until_logged(services, turn, Unsaved)
        async with admin.write() as connection:
            await connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
        await admin.aclose()

        assert await _ended(services, turn) == ("complete", "all of it")
        following = await send(services, "the next one")
        await until(lambda: _is_complete(services, following))  # a reaper so quick may take it for dead at first


async def test_connections_that_a_server_closes_are_a_fault_that_passes(each_database):
    database = Database(each_database)
    await database.migrate()
    if not database.is_sqlite:
        admin = Database(each_database)

        async def read_while_it_is_cut() -> None:
            async with database.read() as connection, admin.read() as other:
                pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
                await other.execute(text(f"SELECT pg_terminate_backend({pid})"))
                await connection.execute(text("SELECT 1"))

        with pytest.raises(StoreUnavailable):
            await read_while_it_is_cut()
        await admin.aclose()
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1
    await database.aclose()


async def test_words_that_no_text_column_takes_are_kept(tmp_path):
    async with services_with(tmp_path, FakeProvider([TextDelta("a\0b"), DONE])) as services:
        turn = await send(services, "nul \0 and half a pair \ud800", key="k")

        assert await _ended(services, turn) == ("complete", "a\0b")
        question = (await services.conversations.messages.history("local", turn.question_id, 1))[0]
        assert question.parts[0].text == "nul \ufffd and half a pair \ufffd"


async def test_tokens_of_an_answer_that_went_on_are_known_only_when_both_parts_are(tmp_path):
    provider = FakeProvider(LONG, pace_s=0.005)
    async with services_with(tmp_path, provider) as services:
        turn = await send(services)
        await until_heard(services, turn)
        await services.conversations.stop(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        provider.script = (TextDelta("and the rest"), DONE)
        await services.conversations.resume(LOCAL, turn.reply_id)
        await until_settled(services, turn)

        details = await services.conversations.messages.details("local", turn.reply_id)
        assert details.usage.output_tokens is None  # the first part was stopped before it was counted


async def _silence(services: Services, turn: Turn) -> None:
    """As if no heartbeat had been stored for long."""
    async with services.database.write() as connection:
        await connection.execute(text(f"UPDATE messages SET heartbeat_at = 0 WHERE id = '{turn.reply_id}'"))


async def test_answers_that_were_left_behind_are_told_of_though_saving_their_last_words_fails(tmp_path, monkeypatch):
    tried: list[str] = []

    async def refuse(message_id: str, *_: object) -> bool:
        tried.append(message_id)
        raise StoreUnavailable("locked")

    quick = {"reap_after_s": 0.2, "heartbeat_s": 0.1, "checkpoint_s": 0.1}
    async with services_with(tmp_path, FakeProvider(), **quick) as services:
        messages = services.conversations.messages
        monkeypatch.setattr(services.conversations._generations._store, "salvage", refuse)
        turns = []
        for key in ("one", "two"):  # another process's, which died
            turn = await messages.add_turn("local", NewTurn((TextPart(key),), "fake", key, key))
            services.streams.append(turn.conversation_id, Began(turn.reply_id))
            services.streams.append(turn.conversation_id, Grew(turn.reply_id, 0, "last words"))
            turns.append(turn)
        for turn in turns:
            await until_logged(services, turn, Ended)
            assert await status_of(services, turn) == "interrupted"

    assert sorted(tried) == sorted(turn.reply_id for turn in turns)
