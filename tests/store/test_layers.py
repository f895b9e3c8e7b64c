"""What people and conversations say of parameters, in SQL."""

import asyncio

import pytest

from chat_app.errors import NotFound
from chat_app.messages import TextPart
from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database
from chat_app.store.layers import LayerStore, Said
from chat_app.store.messages import MessageStore
from chat_app.store.records import Asked, NewTurn


@pytest.fixture
def layers(database: Database) -> LayerStore:
    return LayerStore(database)


async def _conversation(database: Database, **more) -> str:
    turn = await MessageStore(database).add_turn("local", NewTurn((TextPart("q"),), "m", "key", "t", **more))
    return turn.conversation_id


async def test_a_conversation_begins_with_its_layer_and_each_is_changed_by_itself(database, layers):
    mine = await _conversation(database, layer={"temperature": 0.5})
    await layers.change("local", None, lambda said: said.person | {"top_p": 0.9})
    said = await layers.change("local", mine, lambda said: said.conversation | {"seed": None})

    assert (said.person, said.conversation) == ({"top_p": 0.9}, {"temperature": 0.5, "seed": None})
    assert await layers.read("local", mine) == said
    assert (await layers.read("local", None)).conversation == {}


async def test_changes_at_the_same_moment_both_count(database, layers):
    mine = await _conversation(database)

    async def change(name: str) -> Said:
        return await layers.change("local", mine, lambda said: said.conversation | {name: 1})

    async with asyncio.TaskGroup() as group:
        for name in "abcdef":
            group.create_task(change(name))

    assert (await layers.read("local", mine)).conversation == dict.fromkeys("abcdef", 1)


async def test_someone_elses_or_a_deleted_conversation_is_not_there(database, layers):
    mine = await _conversation(database)
    for attempt in (
        layers.read("other", mine),
        layers.change("other", mine, lambda said: {}),
        layers.read("local", "x"),
    ):
        with pytest.raises(NotFound):
            await attempt
    await ConversationStore(database).set_deleted("local", mine, deleted=True)
    with pytest.raises(NotFound):
        await layers.read("local", mine)


async def test_a_person_has_a_name_a_language_and_a_clock(layers):
    await layers.place("local", locale="zh-CN", time_zone="Asia/Shanghai")
    await layers.rename("local", "Wei")
    said = await layers.read("local", None)

    assert (said.name, said.locale, said.time_zone) == ("Wei", "zh-CN", "Asia/Shanghai")


async def test_an_answer_remembers_what_it_was_asked_with(database):
    store = MessageStore(database)
    asked = Asked("Be brief.", {"temperature": 0.1, "stop": None}, "version")
    turn = await store.add_turn("local", NewTurn((TextPart("q"),), "m", "key", "t", asked=asked))
    again = await store.add_reply("local", turn.question_id, "m", "again", asked)

    assert [(await store.details("local", reply)).asked for reply in (turn.reply_id, again.reply_id)] == [asked, asked]
