"""What is asked beside the words: layers, changes, and what reaches the model."""

from unittest.mock import ANY

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.changes import MOST_NAMES, Change, applied
from chat_app.errors import ModelFailed, NotFound
from chat_app.events import Finish, TextDelta
from chat_app.messages import Message, TextPart
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import OTHER, send, until_settled

VALUES = st.dictionaries(st.sampled_from(["temperature", "top_p", "seed"]), st.none() | st.sampled_from([1, 0.5, "x"]))


@given(VALUES, VALUES, st.lists(st.sampled_from(["temperature", "top_p", "seed"])))
def test_a_change_sets_what_is_good_keeps_the_last_good_value_of_what_is_not_and_resets_the_rest(before, wanted, reset):
    layer, _ = applied({}, Change(before), [])
    changed, refused = applied(layer, Change(wanted, tuple(reset)), [])

    for name in ("temperature", "top_p", "seed"):
        kept = {} if name in reset else layer
        if name in wanted and name not in refused:
            assert changed[name] == wanted[name]
        else:
            assert (name in changed) == (name in kept)
            assert changed.get(name) == kept.get(name)
    assert applied(changed, Change(changed), []) == (changed, {})  # what is there can be said again


def test_a_variable_that_nobody_knows_is_refused_and_the_prompt_stays_as_it_was():
    changed, refused = applied({"system_prompt": "old"}, Change({"system_prompt": "Be {{tone}} on {{date}}."}), [])
    assert changed == {"system_prompt": "old"}
    assert refused["system_prompt"].values == {"name": "tone", "known": "date, user, language"}

    both = Change({"system_prompt": "Be {{tone}}.", "variables.tone": "warm"})
    assert applied({}, both, []) == (both.set, {})
    assert applied({}, Change({"system_prompt": "Be {{tone}}."}), [("person", {"variables.tone": "dry"})])[1] == {}


def test_a_variable_that_the_prompt_uses_cannot_be_taken_away():
    layer = {"system_prompt": "Be {{tone}}.", "variables.tone": "warm", "variables.other": "x"}
    changed, refused = applied(layer, Change(reset=("variables.tone", "variables.other")), [])

    assert changed == {"system_prompt": "Be {{tone}}.", "variables.tone": "warm"}
    assert refused["variables.tone"].reason == "used"
    two = {"system_prompt": "{{a}} {{b}}", "variables.a": "1", "variables.b": "2"}
    assert applied(two, Change(reset=("variables.a", "variables.b")), []) == (two, ANY)


def test_a_prompt_keeps_a_variable_that_its_recipe_took_along():
    layer = {"recipe": {"id": "r"}, "system_prompt": "Be {{tone}}."}
    assert applied(layer, Change({"recipe": None}), []) == (layer | {"recipe": None, "variables.tone": ""}, {})


def test_no_more_values_are_kept_than_anybody_needs():
    many = {f"variables.v{number}": "x" for number in range(MOST_NAMES + 5)}
    changed, refused = applied({"seed": 1}, Change(many), [])

    assert len(changed) == MOST_NAMES
    assert changed["seed"] == 1
    assert {error.reason for error in refused.values()} == {"too_many"}


async def test_a_question_is_asked_with_the_persons_defaults_below_its_conversations_own_values(
    tmp_path, each_database
):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        layers = services.conversations.layers
        await layers.change("local", None, Change({"temperature": 0.2, "top_p": 0.5, "system_prompt": "Be brief."}))
        first = await send(services, change=Change({"temperature": 1, "stop": ["END"], "seed": "x"}))
        await until_settled(services, first)
        await layers.change("local", first.conversation_id, Change({"top_p": None, "seed": 3}, ("stop",)))
        second = await send(services, "more", conversation_id=first.conversation_id, change=Change({"min_p": 0.1}))
        await until_settled(services, second)
        asked = [request for request in fake.requests if request.messages[-1].text in ("hi", "more")]
        details = await services.conversations.messages.details("local", second.reply_id)

    assert [request.parameters for request in asked] == [
        {"temperature": 1, "top_p": 0.5, "stop": ["END"]},
        {"temperature": 1, "top_p": None, "seed": 3, "min_p": 0.1},
    ]
    assert [request.messages[0] for request in asked] == [Message("system", (TextPart("Be brief."),))] * 2
    assert (details.asked.system, details.asked.parameters) == ("Be brief.", asked[1].parameters)


async def test_an_answer_that_never_began_is_tried_again_with_what_was_mended_since(tmp_path, each_database):
    fake = FakeProvider([ModelFailed("no top_k here")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services, change=Change({"top_k": 5}))
        assert await until_settled(services, turn) == "failed"
        await services.conversations.layers.change("local", turn.conversation_id, Change(reset=("top_k",)))
        fake.script = (TextDelta("Hello."), Finish("stop"))
        await until_settled(services, await services.conversations.resume(LOCAL, turn.reply_id))
        details = await services.conversations.messages.details("local", turn.reply_id)

    assert [request.parameters for request in fake.requests[:2]] == [{"top_k": 5}, {}]
    assert details.asked.parameters == {}


async def test_an_answer_that_goes_on_is_asked_as_it_began_and_another_try_as_things_are_now(tmp_path, each_database):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        turn = await send(services, change=Change({"system_prompt": "One."}))
        await until_settled(services, turn)
        await services.conversations.layers.change("local", turn.conversation_id, Change({"system_prompt": "Two."}))
        async with services.database.write() as connection:
            await connection.exec_driver_sql("UPDATE messages SET status = 'stopped' WHERE role = 'assistant'")
        await until_settled(services, await services.conversations.resume(LOCAL, turn.reply_id))
        again = await services.conversations.regenerate(LOCAL, turn.reply_id, model="fake", key="again")
        await until_settled(services, again)
        prompts = [request.messages[0].text for request in fake.requests if request.messages[0].role == "system"]

    assert prompts == ["One.", "One.", "Two."]


async def test_a_prompts_variables_are_the_persons_and_its_own(tmp_path, each_database):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        await services.conversations.layers.store.place("local", locale="zh-CN", time_zone="Asia/Shanghai")
        await services.conversations.layers.store.rename("local", "Wei")
        prompt = {"system_prompt": "{{user}} {{language}} {{tone}}", "variables.tone": "warm"}
        await until_settled(services, await send(services, change=Change(prompt)))

    assert fake.requests[0].messages[0].text == "Wei 中文 warm"


async def test_someone_elses_conversation_tells_and_takes_nothing(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services)
        for attempt in (
            services.conversations.layers.view(OTHER.user_id, turn.conversation_id),
            services.conversations.layers.change(OTHER.user_id, turn.conversation_id, Change({"seed": 1})),
        ):
            with pytest.raises(NotFound):
                await attempt
