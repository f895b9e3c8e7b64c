import asyncio
from contextlib import aclosing

import pytest
from sqlalchemy import update

from chat_app.errors import AnswerBroken, BadRequest, Conflict, MessageTooLong, ModelFailed, NotFound, RateLimited
from chat_app.events import Finish, ReasoningDelta, Sources, TextDelta
from chat_app.messages import Source, SourcesPart, TextPart, Usage, text_of
from chat_app.providers.fake import FakeProvider
from chat_app.store.database import Database, now_ms
from chat_app.store.tables import conversations
from chat_app.streams.base import Ended, Unsaved
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import LONG, OTHER, send, status_of, until_heard, until_settled, words_of
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("each_database")


async def test_a_question_gets_its_answer_stored(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services)

        assert await until_settled(services, turn) == "complete"
        assert await words_of(services, turn) == "Hello."


async def test_the_same_send_twice_asks_the_model_once(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(send(services, key="same")) for _ in range(10)]
        turns = {task.result().reply_id for task in tasks}
        await until_settled(services, tasks[0].result())

    assert len(turns) == 1
    assert len([r for r in fake.requests if r.messages[-1].text == "hi"]) == 1


async def test_stop_keeps_what_was_said(tmp_path):
    async with services_with(tmp_path, FakeProvider(LONG, pace_s=0.05)) as services:
        turn = await send(services)
        heard = await until_heard(services, turn, 20)
        await services.conversations.stop(LOCAL, turn.reply_id)

        assert await until_settled(services, turn) == "stopped"
        assert (await words_of(services, turn)).startswith(heard)


async def test_stop_before_the_first_step_is_a_stop(tmp_path):
    fake = FakeProvider(LONG, pace_s=0.05)
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await services.conversations.stop(LOCAL, turn.reply_id)

        assert await until_settled(services, turn) == "stopped"


async def test_a_stopped_answer_goes_on_in_the_same_message(tmp_path):
    fake = FakeProvider(LONG, pace_s=0.05)
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_heard(services, turn, 20)
        await services.conversations.stop(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        before = await words_of(services, turn)
        fake.script, fake.pace_s = [TextDelta("the end"), Finish("stop", Usage(5, 2))], 0
        await services.conversations.resume(LOCAL, turn.reply_id)

        assert await until_settled(services, turn) == "complete"
        assert await words_of(services, turn) == before + "the end"
        details = await services.conversations.messages.details("local", turn.reply_id)
        assert details.notes["seams"] == [{"at": len(before), "how": "instruction"}]
        assert fake.requests[1].messages[-1].text == before
        with pytest.raises(Conflict):
            await services.conversations.resume(LOCAL, turn.reply_id)


async def test_thoughts_that_broke_off_stand_once_above_those_of_the_next_try(tmp_path):
    fake = FakeProvider([ReasoningDelta("first thou"), AnswerBroken("cut")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        assert await until_settled(services, turn) == "interrupted"
        fake.script = [ReasoningDelta("second thoughts"), TextDelta("said"), Finish("stop")]
        await services.conversations.resume(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        parts = (await services.conversations.messages.history("local", turn.reply_id, 1))[0].parts

        assert [part.text for part in parts] == ["first thou\n\nsecond thoughts", "said"]
        assert [m.text for m in fake.requests[1].messages] == ["hi"]


async def test_sources_of_an_answer_that_said_nothing_yet_are_named_once(tmp_path):
    source = Source(1, "Keys", "Esc stops.")
    fake = FakeProvider([Sources((source,)), AnswerBroken("cut")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        assert await until_settled(services, turn) == "interrupted"
        fake.script = [Sources((source,)), TextDelta("said"), Finish("stop")]
        await services.conversations.resume(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        parts = (await services.conversations.messages.history("local", turn.reply_id, 1))[0].parts

        assert parts == (SourcesPart((source,)), TextPart("said"))


async def test_a_wish_is_still_one_when_its_answer_goes_on_or_is_tried_again(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_settled(services, turn)
        for number, (script, last) in enumerate(
            [([ModelFailed("down")], "hi\n\n(shorter)"), ([TextDelta("half")], "half")]
        ):
            fake.script = script
            again = await services.conversations.regenerate(
                LOCAL, turn.reply_id, model="fake", key=f"r{number}", hint="shorter"
            )
            await until_settled(services, again)
            fake.script = [TextDelta("."), Finish("stop")]
            await services.conversations.resume(LOCAL, again.reply_id)
            await until_settled(services, again)
            told = [m.text for m in [r for r in fake.requests if r.messages[0].text.startswith("hi")][-1].messages]

            assert told[0] == "hi\n\n(shorter)"
            assert told[-1] == last
        with pytest.raises(MessageTooLong):
            await services.conversations.regenerate(LOCAL, turn.reply_id, model="fake", key="long", hint="x" * 200_001)


@pytest.mark.parametrize(
    ("script", "status", "code", "text"),
    [
        ([ModelFailed("down")], "failed", "model_failed", ""),
        ([RateLimited("wait", retry_after_s=3)], "failed", "rate_limited", ""),
        ([TextDelta("half"), AnswerBroken("cut")], "interrupted", "answer_broken", "half"),
        ([TextDelta("half")], "interrupted", "answer_broken", "half"),
        ([TextDelta("half"), ModelFailed("late")], "failed", "model_failed", "half"),
        ([TextDelta("half"), ZeroDivisionError()], "failed", "model_failed", "half"),
        ([AnswerBroken("cut")], "failed", "answer_broken", ""),
    ],
)
async def test_however_an_answer_ends_what_was_said_is_kept_with_the_true_status(tmp_path, script, status, code, text):
    async with services_with(tmp_path, FakeProvider(script)) as services:
        turn = await send(services)

        assert await until_settled(services, turn) == status
        assert await words_of(services, turn) == text
        assert (await services.conversations.messages.details("local", turn.reply_id)).error_code == code


async def test_an_error_in_letters_that_no_database_takes_is_kept_all_the_same(tmp_path):
    async with services_with(tmp_path, FakeProvider([ModelFailed("no \ud83d\0", detail="cut \ud83d")])) as services:
        turn = await send(services)

        assert await until_settled(services, turn) == "failed"
        details = await services.conversations.messages.details("local", turn.reply_id)
        assert (details.error_text, details.error_detail) == ("no \ufffd\ufffd", "cut \ufffd")


async def test_what_is_asked_before_the_first_look_at_the_servers_waits_for_it(tmp_path):
    class Late(FakeProvider):
        async def offers(self):
            await asyncio.sleep(0.1)  # how long the server takes
            return await super().offers()

    async with services_with(tmp_path, Late()) as services:
        turn = await send(services, model="fake")

        assert await until_settled(services, turn) == "complete"


async def test_a_failed_answer_is_tried_again_in_its_own_place(tmp_path):
    fake = FakeProvider([ModelFailed("down")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_settled(services, turn)
        fake.script = [TextDelta("up"), Finish("stop")]
        await services.conversations.resume(LOCAL, turn.reply_id)

        assert await until_settled(services, turn) == "complete"
        assert await words_of(services, turn) == "up"
        assert len(await services.conversations.messages.all_of("local", turn.conversation_id)) == 2


async def test_an_unknown_model_is_a_failed_answer_not_a_lost_question(tmp_path):
    async with services_with(tmp_path) as services:
        turn = await send(services, model="nobody")

        assert await until_settled(services, turn) == "failed"
        assert (await services.conversations.messages.details("local", turn.reply_id)).error_code == "model_unknown"


async def test_blank_and_too_long_messages_are_refused(tmp_path):
    async with services_with(tmp_path, max_message_chars=10) as services:
        with pytest.raises(BadRequest):
            await send(services, " \n")
        with pytest.raises(MessageTooLong, match="may have 10 characters; this has 11"):
            await send(services, "x" * 11)

        assert await services.conversations.library.all_ids("local") == []


async def test_leaving_the_process_keeps_what_was_said_and_the_next_one_goes_on(tmp_path):
    fake = FakeProvider(LONG, pace_s=0.05)
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        heard = await until_heard(services, turn, 30)

    async with services_with(tmp_path, FakeProvider([TextDelta("end"), Finish("stop")])) as services:
        assert await status_of(services, turn) == "interrupted"
        before = await words_of(services, turn)
        assert before.startswith(heard)
        await services.conversations.resume(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        assert await words_of(services, turn) == before + "end"


async def test_an_answer_whose_process_died_is_found_at_the_next_start(tmp_path):
    async with services_with(tmp_path) as services:
        new = await services.conversations.messages.add_turn("local", _orphan())

    async with services_with(tmp_path) as services:
        assert await status_of(services, new) == "interrupted"


def _orphan():
    from chat_app.messages import TextPart
    from chat_app.store.records import NewTurn

    return NewTurn((TextPart("q"),), "m", "k", "t")


async def test_words_reach_the_store_while_the_answer_runs(tmp_path):
    async with services_with(tmp_path, FakeProvider(LONG, pace_s=0.05), checkpoint_s=0.05) as services:
        turn = await send(services)

        async def stored() -> str:
            return await words_of(services, turn)

        assert (await until(stored)).startswith("w0 ")
        assert await status_of(services, turn) == "streaming"


async def test_a_locked_database_loses_nothing_and_says_so(tmp_path, sqlite_alone):
    async with services_with(tmp_path, FakeProvider(LONG[:40], pace_s=0.05), busy_timeout_s=0.5) as services:
        turn = await send(services)
        holder = Database(services.settings.database)
        seen: list[type] = []

        async def watch() -> None:
            async with aclosing(services.streams.follow(turn.conversation_id, None)) as batches:
                async for batch in batches:
                    seen.extend(type(entry) for entry in batch.entries)
                    if Ended in seen:
                        return

        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            group.create_task(watch())
            async with holder.write():

                async def unsaved() -> bool:
                    return Unsaved in seen

                await until(unsaved)
        await holder.aclose()

        assert await words_of(services, turn) == "".join(delta.text for delta in LONG[:40])
        assert seen.index(Unsaved) < seen.index(Ended)


async def test_passages_that_were_stopped_go_on_with_the_question_and_not_with_their_own_words(tmp_path):
    async with services_with(tmp_path) as services:
        turn = await send(services, "How do I export a conversation?", model="Passages")
        await until_heard(services, turn, 20)
        await services.conversations.stop(LOCAL, turn.reply_id)
        await until_settled(services, turn)
        before = (await services.conversations.messages.history("local", turn.reply_id, 1))[0].parts
        await services.conversations.resume(LOCAL, turn.reply_id)
        assert await until_settled(services, turn) == "complete"
        after = (await services.conversations.messages.history("local", turn.reply_id, 1))[0].parts

        sources = [part.sources for part in (*before, *after) if isinstance(part, SourcesPart)]
        assert len(sources) == 2
        assert sources[0] == sources[1]
        assert all(source.text in text_of(after) for source in sources[0])


async def test_a_conversation_pages_upwards(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services, "0")
        await until_settled(services, turn)
        for number in range(1, 4):
            more = await send(services, str(number), conversation_id=turn.conversation_id)
            await until_settled(services, more)
        last = await services.conversations.open(LOCAL, turn.conversation_id, limit=3)
        first = await services.conversations.open(LOCAL, turn.conversation_id, before=last.messages[0].id, limit=10)

        assert (last.has_more, first.has_more) == (True, False)
        assert [m.role for m in first.messages + last.messages] == ["user", "assistant"] * 4


async def test_older_messages_than_a_prompt_reads_are_counted_as_left_out(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake, prompt_messages=3) as services:
        turn = await send(services, "0")
        await until_settled(services, turn)
        for number in range(1, 3):
            turn = await send(services, str(number), conversation_id=turn.conversation_id)
            await until_settled(services, turn)
        details = await services.conversations.messages.details("local", turn.reply_id)

        assert [m.text for m in fake.requests[-1].messages] == ["1", "Hello.", "2"]
        assert details.notes["messages_left_out"] == 2


async def test_what_was_deleted_can_be_brought_back_for_as_long_as_the_setting_says(tmp_path):
    day = 24 * 3600 * 1000
    async with services_with(tmp_path, FakeProvider(), keep_deleted_days=7) as services:
        library, gone = services.conversations.library, {}
        for name, age in (("older", 7.1), ("younger", 6.9)):
            turn = await send(services, name)
            await until_settled(services, turn)
            await services.conversations.delete_conversation(LOCAL, turn.conversation_id)
            gone[name] = turn.conversation_id
            async with services.database.write() as connection:
                changed = update(conversations).where(conversations.c.id == turn.conversation_id)
                await connection.execute(changed.values(deleted_at=now_ms() - int(age * day)))
        assert len(await library.deleted("local", 9)) == 2
    async with services_with(tmp_path, FakeProvider(), keep_deleted_days=7) as services:

        async def left() -> list[str]:
            kept = [record.id for record in await services.conversations.library.deleted("local", 9)]
            return kept if len(kept) < 2 else []

        assert await until(left) == [gone["younger"]]


async def test_nobody_reaches_another_persons_conversation(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services)
        await until_settled(services, turn)
        talk = services.conversations
        for attempt in (
            talk.open(OTHER, turn.conversation_id),
            talk.send(OTHER, text="x", model="fake", key="x", conversation_id=turn.conversation_id),
            talk.edit(OTHER, turn.question_id, text="x", model="fake", key="y"),
            talk.regenerate(OTHER, turn.reply_id, model="fake", key="z"),
            talk.resume(OTHER, turn.reply_id),
            talk.stop(OTHER, turn.reply_id),
            talk.select_branch(OTHER, turn.reply_id),
            talk.edit(OTHER, turn.reply_id, text="x", model="fake", key="w"),
            talk.delete(OTHER, turn.reply_id),
            talk.restore(OTHER, turn.reply_id),
            talk.rename(OTHER, turn.conversation_id, "x"),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_a_page_of_one_conversation_does_not_open_with_a_message_of_another(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        one, two = await send(services, "1"), await send(services, "2")

        with pytest.raises(NotFound):
            await services.conversations.open(LOCAL, one.conversation_id, before=two.reply_id)


async def test_passages_quotes_the_guide_with_numbered_sources_in_the_readers_language(tmp_path):
    async with services_with(tmp_path) as services:
        english = await send(services, "How do I export my conversations?", model="Passages")
        chinese = await send(services, "怎么导出对话？", model="Passages")
        await until_settled(services, english)
        await until_settled(services, chinese)

        assert "Export and import** [1]" in await words_of(services, english)
        assert "not a language model" in await words_of(services, english)
        assert "导出与导入** [1]" in await words_of(services, chinese)
