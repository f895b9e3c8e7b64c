"""What the gateway decides, as the person in front of the page meets it."""

from chat_app.errors import AnswerBroken, ModelFailed, PromptTooLong
from chat_app.events import Finish, TextDelta
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_settled


async def test_an_answer_by_a_fallback_has_the_name_of_who_spoke_and_says_who_was_asked(tmp_path):
    (tmp_path / "models.toml").write_text(
        '[models.asked]\nprovider = "first"\nfallback = "other"\n[models.other]\nprovider = "second"\n'
    )
    silent, other = FakeProvider([ModelFailed("down")]), FakeProvider()
    silent.server, other.server = "first", "second"
    async with services_with(tmp_path, silent, other) as services:
        turn = await send(services, model="asked")
        await until_settled(services, turn)
        details = await services.conversations.messages.details("local", turn.reply_id)
        conversation = (await services.conversations.open(LOCAL, turn.conversation_id)).conversation

    assert (details.model, details.notes["asked"], details.deployment) == ("other", "asked", "second/other")
    assert conversation.model == "asked"  # the next question goes to who was chosen


async def test_a_question_over_the_limit_is_kept_says_when_to_come_again_and_is_answered_then(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake, limit_requests=1) as services:
        await until_settled(services, await send(services, "first"))
        turn = await send(services, "second")
        assert await until_settled(services, turn) == "failed"
        details = await services.conversations.messages.details("local", turn.reply_id)

    assert (details.error_code, details.error_text) == ("limit_reached", "The limit of 1 requests a minute is reached.")
    assert "retry_after_s: " in details.error_detail
    told = [request.messages[-1].text for request in fake.requests]
    assert [text for text in told if not text.startswith("Give this conversation a title")] == ["first"]


async def test_whoever_asks_again_gets_another_answer_also_where_answers_are_given_again(tmp_path):
    (tmp_path / "models.toml").write_text('[models.m]\nprovider = "fake"\nmodel = "fake"\ncache_s = 60\n')
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        first = await send(services, "hi", "m", key="key number 1")
        await until_settled(services, first)
        same = await send(services, "hi", "m", key="key number 2")
        await until_settled(services, same)
        asked = [request for request in fake.requests if request.messages[-1].text == "hi"]
        assert len(asked) == 1
        again = await services.conversations.regenerate(LOCAL, same.reply_id, model="m", key="again")
        await until_settled(services, again)
        asked = [request for request in fake.requests if request.messages[-1].text == "hi"]

    assert len(asked) == 2


async def test_a_try_to_go_on_that_added_nothing_leaves_no_seam_of_its_own(tmp_path):
    fake = FakeProvider([TextDelta("half")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)
        await until_settled(services, turn)
        for script in ([AnswerBroken("cut")], [TextDelta(" whole"), Finish("stop")]):
            fake.script = script
            await services.conversations.resume(LOCAL, turn.reply_id)
            await until_settled(services, turn)
        details = await services.conversations.messages.details("local", turn.reply_id)

    assert (details.status, details.notes["seams"]) == ("complete", [{"at": 4, "how": "instruction"}])


async def test_trying_again_with_fewer_turns_is_the_same_request_and_counts_once(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake, limit_requests=3) as services:
        turn = await send(services, "first")
        await until_settled(services, turn)
        fake.script = [PromptTooLong("too long")]
        over = await send(services, "second", conversation_id=turn.conversation_id)
        assert await until_settled(services, over) == "failed"
        last = await send(services, "third")
        await until_settled(services, last)

    asked = [request.messages[-1].text for request in fake.requests]
    assert [text for text in asked if text in ("first", "second", "third")] == ["first", "second", "second", "third"]
