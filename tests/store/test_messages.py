import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from chat_app.errors import Conflict, NotFound, StoreUnavailable
from chat_app.messages import TextPart, Usage
from chat_app.store.answers import AnswerStore
from chat_app.store.conversations import ConversationStore
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.messages import MessageStore
from chat_app.store.records import Checkpoint, NewTurn, Settlement, Turn
from chat_app.store.tables import users


@pytest.fixture
def answers(database: Database) -> AnswerStore:
    return AnswerStore(database)


@pytest.fixture
async def store(database: Database) -> AsyncIterator[MessageStore]:
    async with database.write() as connection:
        await connection.execute(
            insert(users).values(id="other", created_at=0, name="other", role="user", preferences="{}")
        )
    return MessageStore(database)


def _new(text: str = "q", **changes) -> NewTurn:
    values = {"parts": (TextPart(text),), "model": "m", "idempotency_key": new_id(), "title": text}
    return NewTurn(**(values | changes))


def _end(turn: Turn, text: str = "a", **changes) -> Settlement:
    values = {"status": "complete", "parts": (TextPart(text),)}
    return Settlement(turn.reply_id, turn.conversation_id, turn.generation_id, **(values | changes))


async def _thread(store: MessageStore, turns: int) -> list[Turn]:
    made: list[Turn] = []
    for index in range(turns):
        last = made[-1] if made else None
        turn = await store.add_turn(
            "local",
            _new(
                f"q{index}",
                conversation_id=last.conversation_id if last else None,
                parent_id=last.reply_id if last else None,
            ),
        )
        await AnswerStore(store._database).settle(_end(turn, f"a{index}"))
        made.append(turn)
    return made


async def _leaf(store: MessageStore, turn: Turn) -> str:
    record = await ConversationStore(store._database).get("local", turn.conversation_id)
    assert record.leaf_message_id is not None
    return record.leaf_message_id


async def test_a_turn_is_a_question_and_its_running_answer(store):
    turn = await store.add_turn("local", _new("why"))

    page = await store.page("local", turn.reply_id, 10)

    assert [(m.role, m.status, m.model) for m in page] == [("user", "complete", ""), ("assistant", "streaming", "m")]
    assert await store.running("local") == {turn.reply_id: turn.conversation_id}
    words = {w.id: w.parts for w in await store.words("local", [turn.question_id, turn.reply_id])}
    assert words == {turn.question_id: '[{"type":"text","text":"why"}]', turn.reply_id: "[]"}


async def test_the_same_key_at_the_same_moment_makes_one_answer_and_one_version(store):
    turn = await store.add_turn("local", NewTurn((TextPart("q"),), "m", "key-q", "q"))
    replies = await asyncio.gather(*(store.add_reply("local", turn.question_id, "m", "key-r") for _ in range(8)))
    parts = (TextPart("mine"),)
    versions = await asyncio.gather(*(store.add_version("local", turn.reply_id, parts, "key-v") for _ in range(8)))

    assert len({reply.reply_id for reply in replies}) == 1
    assert sum(reply.is_new for reply in replies) == 1
    assert len(set(versions)) == 1


async def test_the_same_key_gives_the_same_turn(store):
    new = _new()
    first, second = await store.add_turn("local", new), await store.add_turn("local", new)

    assert first.is_new
    assert not second.is_new
    assert (second.question_id, second.reply_id) == (first.question_id, first.reply_id)


async def test_a_page_takes_the_end_of_the_branch_and_steps_back_from_there(store):
    turns = await _thread(store, 5)

    last = await store.page("local", turns[-1].reply_id, 4)
    before = await store.page("local", last[0].id, 4)

    assert [m.id for m in last] == [turns[3].question_id, turns[3].reply_id, turns[4].question_id, turns[4].reply_id]
    assert before[-1].id == last[0].id
    assert [m.text for m in reversed(await store_texts(store, turns[-1].reply_id))][:2] == ["q0", "a0"]


async def store_texts(store: MessageStore, leaf: str):
    from chat_app.messages import Message

    return [Message(m.role, m.parts) for m in await store.history("local", leaf, 100)]


async def test_an_edited_question_is_a_sibling_and_the_arrows_know(store):
    first = (await _thread(store, 1))[0]
    second = await store.add_turn("local", _new("again", conversation_id=first.conversation_id, parent_id=None))

    page = await store.page("local", second.reply_id, 10)

    assert page[0].siblings == (first.question_id, second.question_id)
    assert page[1].siblings == (second.reply_id,)


async def test_walking_to_a_branch_ends_at_its_latest_leaf(store):
    turns = await _thread(store, 3)
    await store.add_turn("local", _new("x", conversation_id=turns[0].conversation_id, parent_id=None))

    leaf = await store.select_branch("local", turns[0].question_id)

    assert leaf == turns[2].reply_id
    record = await ConversationStore(store._database).get("local", turns[0].conversation_id)
    assert record.leaf_message_id == leaf


async def test_one_more_answer_stands_beside_the_first(store):
    turn = (await _thread(store, 1))[0]
    again = await store.add_reply("local", turn.question_id, "other-model", "k")
    same = await store.add_reply("local", turn.question_id, "other-model", "k")

    assert (await store.record("local", again.reply_id)).siblings == (turn.reply_id, again.reply_id)
    assert (same.reply_id, same.is_new) == (again.reply_id, False)


async def test_an_ended_answer_tells_how_it_came_about(store, answers):
    turn = await store.add_turn("local", _new())
    end = _end(turn, sent={"seed": 1}, dropped=("top_k",), notes={"a": 1}, usage=Usage(1, 2, 0, None), duration_ms=5)

    await answers.settle(end)
    details = await store.details("local", turn.reply_id)

    assert (details.sent, details.dropped, details.notes) == ({"seed": 1}, ("top_k",), {"a": 1})
    assert details.usage == Usage(1, 2, 0, None)
    assert details.status == "complete"


async def test_a_writer_that_was_replaced_cannot_overwrite(store, answers):
    turn = await store.add_turn("local", _new())
    await answers.reap(now_ms() + 1000)
    taken = await store.reopen("local", turn.reply_id)

    found = await answers.checkpoint([Checkpoint(turn.reply_id, turn.generation_id, (TextPart("late"),))])
    await answers.settle(_end(turn, "late"))
    await answers.checkpoint([Checkpoint(turn.reply_id, taken.generation_id, (TextPart("new"),))])

    assert found.lost == {turn.generation_id}
    assert (await store.words("local", [turn.reply_id]))[0].parts == '[{"type":"text","text":"new"}]'


async def test_a_writer_that_was_thought_dead_and_was_not_carries_on(store, answers):
    turn = await store.add_turn("local", _new())
    await answers.reap(now_ms() + 1000)
    alive = Checkpoint(turn.reply_id, turn.generation_id, (TextPart("alive"),))

    assert (await answers.checkpoint([alive])).revived == {turn.generation_id}
    assert (await answers.checkpoint([alive])).revived == set()
    assert (await store.record("local", turn.reply_id)).status == "streaming"
    await answers.settle(_end(turn))
    assert (await store.record("local", turn.reply_id)).status == "complete"


async def test_a_checkpoint_that_comes_after_the_end_changes_nothing(store, answers):
    turn = await store.add_turn("local", _new())
    await answers.settle(_end(turn, "whole"))
    await answers.checkpoint([Checkpoint(turn.reply_id, turn.generation_id, (TextPart("part"),))])

    words = (await store.words("local", [turn.reply_id]))[0]
    assert (words.status, words.parts) == ("complete", '[{"type":"text","text":"whole"}]')


async def test_only_silent_answers_are_reaped(store, answers):
    silent, alive = await store.add_turn("local", _new()), await store.add_turn("local", _new())
    at = now_ms() + 5
    while now_ms() <= at:
        await asyncio.sleep(0.001)
    await answers.checkpoint([Checkpoint(alive.reply_id, alive.generation_id, ())])

    reaped = await answers.reap(at)

    assert reaped == [("local", silent.conversation_id, silent.reply_id, silent.generation_id)]
    assert (await store.record("local", alive.reply_id)).status == "streaming"


async def test_an_interrupted_answer_may_gain_words_and_never_lose_any(store, answers):
    turn = await store.add_turn("local", _new())
    await answers.checkpoint([Checkpoint(turn.reply_id, turn.generation_id, (TextPart("one two"),))])
    mine = turn.reply_id, turn.generation_id
    assert not await answers.salvage(*mine, (TextPart("running answers are not touched"),))
    await answers.reap(now_ms() + 1000)
    assert not await answers.salvage(turn.reply_id, "another's", (TextPart("one two three"),))
    assert await answers.salvage(*mine, (TextPart("one"),))
    assert (await store.words("local", [turn.reply_id]))[0].parts == '[{"type":"text","text":"one two"}]'

    assert await answers.salvage(*mine, (TextPart("one two three"),))
    assert (await store.words("local", [turn.reply_id]))[0].parts == '[{"type":"text","text":"one two three"}]'


async def test_a_complete_or_running_answer_does_not_go_on(store, answers):
    turn = await store.add_turn("local", _new())
    with pytest.raises(Conflict):
        await store.reopen("local", turn.reply_id)
    await answers.settle(_end(turn))
    with pytest.raises(Conflict):
        await store.reopen("local", turn.reply_id)


async def test_a_deleted_answer_gives_way_to_its_neighbour_and_comes_back(store, answers):
    turn = (await _thread(store, 1))[0]
    other = await store.add_reply("local", turn.question_id, "m", "again")
    await answers.settle(_end(other, "other"))

    await store.set_deleted("local", other.reply_id, deleted=True)
    after = await store.page("local", await _leaf(store, turn), 9)
    await store.set_deleted("local", other.reply_id, deleted=False)
    back = await store.page("local", await _leaf(store, turn), 9)

    assert [(m.id, len(m.siblings)) for m in after] == [(turn.question_id, 1), (turn.reply_id, 1)]
    assert [(m.id, len(m.siblings)) for m in back] == [(turn.question_id, 1), (other.reply_id, 2)]


async def test_what_follows_a_deleted_message_goes_and_comes_back_with_it(store):
    turns = await _thread(store, 3)

    await store.set_deleted("local", turns[1].question_id, deleted=True)
    left = [m.id for m in await store.all_of("local", turns[0].conversation_id)]
    leaf = await _leaf(store, turns[0])
    await store.set_deleted("local", turns[1].question_id, deleted=False)

    assert left == [turns[0].question_id, turns[0].reply_id]
    assert leaf == turns[0].reply_id
    assert await _leaf(store, turns[0]) == turns[2].reply_id
    assert len(await store.all_of("local", turns[0].conversation_id)) == 6


async def test_walking_branches_passes_deleted_messages_by(store, answers):
    turns = await _thread(store, 2)
    edited = await store.add_turn(
        "local", _new("edited", conversation_id=turns[0].conversation_id, parent_id=turns[0].reply_id)
    )
    await answers.settle(_end(edited))
    await store.set_deleted("local", edited.question_id, deleted=True)

    assert await store.select_branch("local", turns[0].question_id) == turns[1].reply_id


async def test_a_persons_own_version_stands_beside_the_answer_once(store):
    turn = (await _thread(store, 1))[0]

    made = await store.add_version("local", turn.reply_id, (TextPart("mine"),), "k")
    again = await store.add_version("local", turn.reply_id, (TextPart("mine"),), "k")

    assert made == again == await _leaf(store, turn)
    record = await store.record("local", made)
    assert (record.role, record.status, record.siblings) == ("assistant", "complete", (turn.reply_id, made))
    assert (await store.details("local", made)).notes == {"edited_from": turn.reply_id}
    assert (await store_texts(store, made))[0].text == "mine"


async def test_nobody_reaches_another_persons_messages(store):
    turn = (await _thread(store, 1))[0]

    assert await store.page("other", turn.reply_id, 10) == []
    assert await store.words("other", [turn.reply_id]) == []
    assert await store.history("other", turn.reply_id, 10) == []
    assert await store.all_of("other", turn.conversation_id) == []
    assert await store.running("other") == {}
    for attempt in (
        store.record("other", turn.reply_id),
        store.details("other", turn.reply_id),
        store.select_branch("other", turn.reply_id),
        store.reopen("other", turn.reply_id),
        store.set_deleted("other", turn.reply_id, deleted=True),
        store.add_version("other", turn.reply_id, (TextPart("mine"),), "k"),
        store.add_reply("other", turn.question_id, "m", "k"),
        store.add_turn("other", _new(conversation_id=turn.conversation_id)),
        store.add_turn("other", _new(conversation_id=turn.conversation_id, parent_id=turn.reply_id)),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_locked_database_is_said_and_nothing_is_half_stored(tmp_path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'locked.db'}"
    holder, database = Database(url), Database(url, busy_timeout_s=0.05)
    await holder.migrate()
    store = MessageStore(database)
    async with holder.write():
        with pytest.raises(StoreUnavailable):
            await store.add_turn("local", _new())
        assert await store.running("local") == {}
    assert (await store.add_turn("local", _new())).is_new
    await holder.aclose()
    await database.aclose()
