"""Edited questions and answers, answers tried again, and what is deleted."""

import asyncio

import pytest

from chat_app.errors import NotFound
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import LONG, send, status_of, until_heard, until_settled

pytestmark = pytest.mark.usefixtures("each_database")


async def test_an_edited_question_is_a_branch_and_its_answer_runs(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services)
        await until_settled(services, turn)
        edited = await services.conversations.edit(LOCAL, turn.question_id, text="other", model="fake", key="e")
        await until_settled(services, edited)
        page = await services.conversations.open(LOCAL, turn.conversation_id)

        assert [m.id for m in page.messages] == [edited.question_id, edited.reply_id]
        await services.conversations.select_branch(LOCAL, turn.question_id)
        page = await services.conversations.open(LOCAL, turn.conversation_id)
        assert [m.id for m in page.messages] == [turn.question_id, turn.reply_id]


async def test_trying_again_with_a_wish_tells_the_model_and_the_details(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_settled(services, turn)
        again = await services.conversations.regenerate(LOCAL, turn.reply_id, model="fake", key="r", hint="shorter")
        await until_settled(services, again)

        assert "hi\n\n(shorter)" in [request.messages[-1].text for request in fake.requests]
        assert (await services.conversations.messages.details("local", again.reply_id)).notes["hint"] == "shorter"


async def test_an_answer_in_a_persons_own_words_is_what_the_model_is_told(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_settled(services, turn)
        async with services.changes.watch("local") as changed:
            changed.clear()
            await services.conversations.edit(LOCAL, turn.reply_id, text="My own words.", model="fake", key="mine")
            async with asyncio.timeout(5):
                await changed.wait()  # other pages are told
        once, again = [
            await services.conversations.edit(LOCAL, turn.reply_id, text="My own words.", model="fake", key="mine")
            for _ in range(2)
        ]
        follow = await send(services, "and then?", conversation_id=turn.conversation_id)
        await until_settled(services, follow)
        page = await services.conversations.open(LOCAL, turn.conversation_id)

    assert once == again
    assert [m.id for m in page.messages][1] == once.reply_id
    asked = next(r for r in fake.requests if r.messages[-1].text == "and then?")
    assert [m.text for m in asked.messages] == ["hi", "My own words.", "and then?"]


async def test_deleting_an_answer_stops_it_and_its_question_can_be_answered_again(tmp_path):
    async with services_with(tmp_path, FakeProvider(LONG, pace_s=0.05)) as services:
        turn = await send(services)
        await until_heard(services, turn, 20)
        undo = await services.conversations.delete(LOCAL, turn.reply_id)

        assert await until_settled(services, turn) == "stopped"
        left = (await services.conversations.open(LOCAL, turn.conversation_id)).messages
        again = await services.conversations.regenerate(LOCAL, turn.question_id, model="fake", key="again")
        await services.conversations.stop(LOCAL, again.reply_id)
        await until_settled(services, again)
        await services.conversations.restore(LOCAL, undo)
        back = (await services.conversations.open(LOCAL, turn.conversation_id)).messages

    assert (undo, [m.id for m in left]) == (turn.reply_id, [turn.question_id])
    assert back[-1].siblings == (turn.reply_id, again.reply_id)


async def test_deleting_a_branch_leaves_the_answer_of_another_running(tmp_path):
    async with services_with(tmp_path, FakeProvider(LONG, pace_s=0.05)) as services:
        turn = await send(services)
        other = await services.conversations.edit(LOCAL, turn.question_id, text="hi again", model="fake", key="other")
        await until_heard(services, turn, 20)
        await services.conversations.delete(LOCAL, other.question_id)

        assert await until_settled(services, other) == "stopped"
        assert await status_of(services, turn) == "streaming"
        await services.conversations.stop(LOCAL, turn.reply_id)
        await until_settled(services, turn)


async def test_deleting_the_only_question_deletes_the_conversation(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services)
        await until_settled(services, turn)

        assert await services.conversations.delete(LOCAL, turn.question_id) == turn.conversation_id
        with pytest.raises(NotFound):
            await services.conversations.open(LOCAL, turn.conversation_id)


async def test_nothing_runs_anew_in_a_conversation_that_was_deleted(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        talk = services.conversations
        turn = await send(services)
        await until_settled(services, turn)
        await talk.delete_conversation(LOCAL, turn.conversation_id)
        for attempt in (
            talk.edit(LOCAL, turn.question_id, text="x", model="fake", key="edit"),
            talk.edit(LOCAL, turn.reply_id, text="x", model="fake", key="edit an answer"),
            talk.regenerate(LOCAL, turn.reply_id, model="fake", key="again"),
            talk.resume(LOCAL, turn.reply_id),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_what_was_deleted_and_what_followed_it_is_answered_edited_and_shown_no_more(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        talk = services.conversations
        first = await send(services, "first")
        await until_settled(services, first)
        second = await send(services, "second", conversation_id=first.conversation_id)
        await until_settled(services, second)
        third = await send(services, "third", conversation_id=first.conversation_id)
        await until_settled(services, third)
        await talk.delete(LOCAL, second.question_id)
        for attempt in (
            talk.regenerate(LOCAL, second.reply_id, model="fake", key="again"),
            talk.regenerate(LOCAL, third.question_id, model="fake", key="again below"),
            talk.edit(LOCAL, third.question_id, text="x", model="fake", key="edit"),
            talk.edit(LOCAL, second.reply_id, text="x", model="fake", key="edit below"),
            talk.select_branch(LOCAL, third.reply_id),
            talk.resume(LOCAL, third.reply_id),
        ):
            with pytest.raises(NotFound):
                await attempt

        assert (await talk.open(LOCAL, first.conversation_id)).conversation.leaf_message_id == first.reply_id
        await talk.restore(LOCAL, second.question_id)
        assert await talk.select_branch(LOCAL, third.reply_id) == third.reply_id
