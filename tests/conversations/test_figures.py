"""What is counted of answers is what happened to them, each once, by model, version and day."""

import pytest
from sqlalchemy import text

from chat_app.errors import ModelFailed
from chat_app.events import Finish, TextDelta
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.store.feedback import Rating
from chat_app.store.figures import Behind, Slice
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_heard, until_settled

DAY_MS = 86_400_000


@pytest.fixture
def model() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def services(tmp_path, each_database, model):
    async with services_with(tmp_path, model) as opened:
        yield opened


async def set_columns(services: Services, message_id: str, **values: object) -> None:
    """Let an answer have taken so long, cost so much, or be of another day or version."""
    named = ", ".join(f"{name} = :{name}" for name in values)
    async with services.database.write() as connection:
        await connection.execute(text(f"UPDATE messages SET {named} WHERE id = :id"), values | {"id": message_id})


def part(what: str, model: str = "fake", version: str = "") -> Slice:
    return Slice(what, model, version, 0, 1 << 60)


async def behind(services: Services, what: str, model: str = "fake", version: str = "") -> list[Behind]:
    found, has_more = await services.figures.behind("local", part(what, model, version))
    assert not has_more
    return found


async def test_answers_are_counted_with_how_they_ended_and_what_was_thought_of_them(services, model):
    async def ask(question: str) -> str:
        turn = await send(services, question)
        await until_settled(services, turn)
        return turn.reply_id

    liked, disliked, unrated = [await ask(name) for name in ("one", "two", "three")]
    await services.feedback.rate(LOCAL, liked, Rating("up"))
    await services.feedback.rate(LOCAL, disliked, Rating("down"))
    again = await services.conversations.regenerate(LOCAL, disliked, model="fake", key="again")
    await until_settled(services, again)
    twice = await services.conversations.regenerate(LOCAL, disliked, model="fake", key="once more")  # one answer still
    await until_settled(services, twice)
    await services.conversations.delete(LOCAL, twice.reply_id)
    edited = await services.conversations.edit(LOCAL, unrated, text="Better.", model="fake", key="an edit")
    await services.feedback.rate(LOCAL, edited.reply_id, Rating("up"))  # a person's own: no model's
    model.script = [ModelFailed("on purpose")]
    await ask("fails")
    model.script, model.pace_s = [TextDelta("w")] * 500, 0.01
    stopped = await send(services, "long")
    await until_heard(services, stopped)
    await services.conversations.stop(LOCAL, stopped.reply_id)
    await until_settled(services, stopped)
    for message_id in (liked, disliked, unrated, again.reply_id):
        timed = {"first_token_ms": 100, "duration_ms": 2100, "output_tokens": 40}
        await set_columns(services, message_id, cost_micros=30, **timed)
    for column in ("first_token_ms", "cost_micros"):
        await set_columns(services, stopped.reply_id, **{column: None})

    [figures] = await services.figures.of("local", 0)
    expected = {
        "answers": 6,
        "stopped": 1,
        "failed": 1,
        "up": 1,
        "down": 1,
        "regenerated": 1,
        "edited": 1,
        "preferred": 0,
    }
    assert {name: figures.counts[name] for name in expected} == expected
    assert (figures.model, figures.recipe, figures.first_token_ms, figures.tokens_per_s) == ("fake", "", 100, 20)
    assert figures.cost_micros == 30
    assert (round(figures.liked.low, 3), figures.liked.value, round(figures.liked.high, 3)) == (0.095, 0.5, 0.905)
    assert await services.figures.of("bob", 0) == []

    ids = {
        "up": [liked],
        "down": [disliked],
        "rated": [disliked, liked],
        "regenerated": [disliked],
        "edited": [unrated],
    }
    for what, expected_ids in ids.items():
        assert [each.id for each in await behind(services, what)] == expected_ids
    for what in ("answers", "stopped", "failed", "preferred", "first_tokens", "priced"):
        assert len(await behind(services, what)) == figures.counts[what], what
    assert len(await behind(services, "speaking")) == 4
    [first] = await behind(services, "up")
    assert (first.question, first.thumb, first.conversation_id != "") == ("one", "up", True)
    assert first.tokens_per_s == 20
    assert await behind(services, "answers", model="other") == await behind(services, "answers", version="x@1") == []
    assert await services.figures.behind("bob", part("answers")) == ([], False)


async def test_they_are_apart_by_day_in_the_readers_time_by_model_and_by_version(services):
    ids = []
    for question in ("one", "two", "three", "four"):
        turn = await send(services, question)
        await until_settled(services, turn)
        ids.append(turn.reply_id)
    at = 20_000 * DAY_MS
    await set_columns(services, ids[0], created_at=at, recipe_version_id="assistant@1")
    await set_columns(services, ids[1], created_at=at + 1000, recipe_version_id="assistant@1")
    await set_columns(services, ids[2], created_at=at + DAY_MS - 1000, recipe_version_id="gone")
    await set_columns(services, ids[3], created_at=at - 1, model="other")
    found = await services.figures.of("local", at)
    assert [(each.recipe_version_id, [day.day for day in each.periods]) for each in found] == [
        ("assistant@1", [20_000]), ("gone", [20_000]),
    ]  # fmt: skip
    ahead = await services.figures.of("local", 0, offset_ms=8 * 3_600_000)
    assert [(each.model, [day.day for day in each.periods]) for each in ahead] == [
        ("fake", [20_000]), ("fake", [20_001]), ("other", [20_000]),
    ]  # fmt: skip


async def test_the_days_of_a_period_are_counted_together_up_to_today(services):
    for back in (0, 1, 4, 5, 9, 12):
        turn = await send(services, f"{back} days ago")
        await until_settled(services, turn)
        await set_columns(services, turn.reply_id, created_at=(20_000 - back) * DAY_MS, cost_micros=10)
    [figures] = await services.figures.of("local", 0, today=20_000, every=5)
    found = [(each.day, each.counts["answers"], each.cost_micros) for each in figures.periods]
    assert found == [(19_996, 3, 10), (19_991, 2, 10), (19_986, 1, 10)]
    assert figures.counts["answers"] == 6


async def test_what_is_deleted_is_not_counted(services):
    for question, delete in (("one", True), ("two", False)):
        turn = await send(services, question)
        await until_settled(services, turn)
        if delete:
            await services.conversations.delete_conversation(LOCAL, turn.conversation_id)
    [figures] = await services.figures.of("local", 0)
    assert figures.counts["answers"] == 1
    assert [each.question for each in await behind(services, "answers")] == ["two"]


async def test_what_follows_a_deleted_message_is_not_counted_until_it_is_back(services):
    first = await send(services, "one")
    await until_settled(services, first)
    second = await send(services, "two", conversation_id=first.conversation_id)
    await until_settled(services, second)
    await services.conversations.delete(LOCAL, first.reply_id)
    assert await services.figures.of("local", 0) == []
    await services.conversations.restore(LOCAL, first.reply_id)
    [figures] = await services.figures.of("local", 0)
    assert figures.counts["answers"] == 2


async def test_nothing_that_is_unknown_is_told_as_nought(services, model):
    model.script = (TextDelta("x"), Finish("stop", Usage()))
    turn = await send(services, "one")
    await until_settled(services, turn)
    await set_columns(services, turn.reply_id, first_token_ms=None, cost_micros=None)
    [figures] = await services.figures.of("local", 0)
    assert (figures.liked, figures.first_token_ms, figures.tokens_per_s, figures.cost_micros) == (None,) * 4
    [period] = figures.periods
    assert (period.first_token_ms, period.tokens_per_s, period.cost_micros) == (None,) * 3
    [answer] = await behind(services, "answers")
    assert answer.tokens_per_s is None
