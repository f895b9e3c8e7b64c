"""Going on with one of several answers: what comes next is asked as that one was."""

import pytest

from chat_app.conversations.changes import Change
from chat_app.conversations.trials import Column
from chat_app.errors import NotFound
from chat_app.services import Services
from chat_app.store.recipes import Content
from tests.conftest import LOCAL, services_with
from tests.conversations.replay.voices import Voices
from tests.conversations.talk import OTHER, until_settled

RHYME = {"system_prompt": "Rhyme."}


@pytest.fixture
def voices() -> Voices:
    return Voices()


@pytest.fixture
async def services(tmp_path, each_database, voices):
    async with services_with(tmp_path, voices) as opened:
        yield opened


async def compared(services: Services, *columns: Column, **more) -> list[str]:
    """The ids of the answers, once they have ended."""
    asked = {"text": "why", "key": "a comparison", "model": "alto"} | more
    turns = await services.trials.compare(LOCAL, columns, **asked)
    for turn in turns:
        await until_settled(services, turn)
    return [turn.reply_id for turn in turns]


async def asked_next(services: Services, voices: Voices, answer_id: str) -> tuple[str, str]:
    """(of whom, by which words) what comes after an answer is asked, once it is gone on with."""
    await services.trials.go_on(LOCAL, answer_id)
    conversation_id = (await services.conversations.messages.record("local", answer_id)).conversation_id
    page = await services.conversations.open(LOCAL, conversation_id)
    assert (page.messages[-1].id, page.side_by_side) == (answer_id, set())
    layers = services.conversations.layers
    model = await layers.model("local", conversation_id) or page.conversation.model
    turn = await services.conversations.send(
        LOCAL, text="and then", model=model, key=f"after {answer_id}", conversation_id=conversation_id
    )
    await until_settled(services, turn)
    request = next(r for r in voices.requests if r.messages[-1].text == "and then" and r.model == model)
    return request.model, next((m.text for m in request.messages if m.role == "system"), "")


async def recipe_of(services: Services, answer_id: str) -> object:
    record = await services.conversations.messages.record("local", answer_id)
    view = await services.conversations.layers.view("local", record.conversation_id)
    return view.layers[-1][1].get("recipe")


async def test_of_two_models_the_one_that_is_gone_on_with_answers_next(services, voices):
    _, bass = await compared(services, Column("alto"), Column("bass"))
    assert await asked_next(services, voices, bass) == ("bass", "")


async def test_a_recipe_is_named_by_its_version_only_where_another_counts(services, voices):
    recipe = await services.recipes.make("local", Content("Poet", values=RHYME), "")
    await services.recipes.save("local", recipe, 1, Content("Poet", values={"system_prompt": "No rhyme."}), "")
    columns = Column("alto", {"id": recipe}), Column("bass", {"id": recipe, "version": 1})
    now, first = await compared(services, *columns)
    assert await asked_next(services, voices, first) == ("bass", "Rhyme.")
    assert await recipe_of(services, first) == {"id": recipe, "version": 1}
    assert await asked_next(services, voices, now) == ("alto", "No rhyme.")
    assert await recipe_of(services, now) == {"id": recipe}


async def test_what_a_conversation_says_itself_does_not_cover_the_recipe_that_is_gone_on_with(services, voices):
    recipe = await services.recipes.make("local", Content("Poet", values=RHYME | {"model": "bass"}), "")
    own = Change({"system_prompt": "Be brief.", "temperature": 0.5})
    _, poet = await compared(services, Column("alto"), Column(recipe={"id": recipe}), change=own)
    assert await asked_next(services, voices, poet) == ("bass", "Rhyme.")
    assert voices.requests[-1].parameters.get("temperature") == 0.5


async def test_who_is_gone_on_with_without_a_recipe_goes_on_without(services, voices):
    recipe = await services.recipes.make("local", Content("Poet", values=RHYME), "")
    plain, _ = await compared(services, Column("alto"), Column("bass", {"id": recipe}))
    conversation_id = (await services.conversations.messages.record("local", plain)).conversation_id
    await services.conversations.layers.change("local", conversation_id, Change({"recipe": {"id": recipe}}))
    assert await asked_next(services, voices, plain) == ("alto", "")


async def test_where_the_recipe_is_gone_the_conversation_goes_on_by_what_it_has(services, voices):
    recipe = await services.recipes.make("local", Content("Poet", values=RHYME), "")
    _, poet = await compared(services, Column("alto"), Column("bass", {"id": recipe}))
    async with services.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM recipes")
    assert await asked_next(services, voices, poet) == ("bass", "")


async def test_only_ones_own_answers_are_gone_on_with(services, voices):
    _, bass = await compared(services, Column("alto"), Column("bass"))
    record = await services.conversations.messages.record("local", bass)
    for who, message_id in ((OTHER, bass), (LOCAL, record.parent_id), (LOCAL, "nobody")):
        with pytest.raises(NotFound):
            await services.trials.go_on(who, message_id)
    assert (await services.conversations.open(LOCAL, record.conversation_id)).side_by_side == {record.parent_id}
