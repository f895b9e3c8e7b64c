"""What a person thinks of an answer: kept once, changed, taken back, and nobody else's."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import insert, select, update
from starlette.applications import Starlette

from chat_app.conversations.feedback import MOST_COMMENT, TAGS
from chat_app.errors import ModelFailed
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.store.records import Turn
from chat_app.store.tables import feedback_events, messages, users
from tests.api.page import api_over, ask
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_settled


@pytest.fixture
def model() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def services(tmp_path, each_database, model) -> AsyncIterator[Services]:
    async with services_with(tmp_path, model) as opened:
        async with opened.database.write() as connection:
            person = {"id": "bob", "created_at": 1, "name": "Bob", "role": "user", "preferences": "{}"}
            await connection.execute(insert(users), person)
        yield opened


@pytest.fixture
async def turn(services: Services) -> Turn:
    asked = await send(services)
    await until_settled(services, asked)
    return asked


@pytest.fixture
def api(services: Services) -> Starlette:
    return api_over(services)


async def rate(api: Starlette, message_id: str, user: str = "local", **rating) -> httpx.Response:
    return await ask(api, "PUT", f"/messages/{message_id}/rating", user=user, json=rating)


async def shown(api: Starlette, message_id: str) -> dict | None:
    """What the page is told of it."""
    [words] = (await ask(api, "GET", f"/messages?ids={message_id}")).json()["messages"]
    return words["rating"]


async def events(services: Services) -> list[tuple]:
    """(kind, message, others) of all events, the first one first."""
    of = feedback_events.c
    async with services.database.read() as connection:
        rows = await connection.execute(select(of.kind, of.message_id, of.others).order_by(of.id))
        return [(row.kind, row.message_id, json.loads(row.others)) for row in rows]


async def test_an_answer_has_the_thumb_that_was_given_last_with_its_reasons(api, services, turn):
    assert await shown(api, turn.reply_id) is None
    first = await rate(api, turn.reply_id, thumb="up")
    assert first.json() == {"rating": {"thumb": "up", "tags": [], "comment": ""}}
    second = await rate(api, turn.reply_id, thumb="down", tags=["long", "wrong"], comment="  太长了 \x00")
    expected = {"thumb": "down", "tags": ["wrong", "long"], "comment": "太长了 \ufffd".strip()}
    assert second.json() == {"rating": expected}
    assert await shown(api, turn.reply_id) == expected
    assert await events(services) == [("down", turn.reply_id, [])]


async def test_a_thumb_that_is_taken_back_is_gone_and_so_it_is_twice(api, services, turn):
    await rate(api, turn.reply_id, thumb="up")
    for _ in range(2):
        assert (await ask(api, "DELETE", f"/messages/{turn.reply_id}/rating")).status_code == 204
        assert await shown(api, turn.reply_id) is None
    assert await events(services) == []


async def test_words_that_a_browser_has_kept_are_told_anew_once_they_are_rated(api, turn):
    path = f"/messages?ids={turn.reply_id}"
    etags = {(await ask(api, "GET", path)).headers["etag"]}
    for rating in ({"thumb": "up"}, {"thumb": "up", "tags": ["clear"]}, {"thumb": "up", "comment": "c"}):
        await rate(api, turn.reply_id, **rating)
        etags.add((await ask(api, "GET", path)).headers["etag"])
    assert len(etags) == 4
    etag = (await ask(api, "GET", path)).headers["etag"]
    assert (await ask(api, "GET", path, headers={"if-none-match": etag})).status_code == 304


@pytest.mark.parametrize(
    "rating",
    [
        {}, {"thumb": "sideways"}, {"thumb": "up", "tags": ["wrong"]}, {"thumb": "down", "tags": ["made up"]},
        {"thumb": "up", "tags": "clear"}, {"thumb": "up", "comment": 3}, {"thumb": "up", "tags": ["clear"] * 21},
        {"thumb": "up", "comment": "x" * (MOST_COMMENT + 1)}, {"thumb": "up", "comment": "x" * 100_000},
    ],
)  # fmt: skip
async def test_what_is_no_rating_is_refused_and_the_one_there_was_stays(api, turn, rating):
    await rate(api, turn.reply_id, thumb="up", tags=["clear"])
    refused = await rate(api, turn.reply_id, **rating)
    assert refused.status_code == 400
    assert (await shown(api, turn.reply_id))["tags"] == ["clear"]


async def test_only_ones_own_answers_are_rated_and_no_questions(api, services, turn):
    for user, message in (("bob", turn.reply_id), ("local", turn.question_id), ("local", "none"), ("local", "%00")):
        assert (await rate(api, message, user, thumb="up")).status_code == 404
        assert (await ask(api, "DELETE", f"/messages/{message}/rating", user=user)).status_code == 404
    assert await events(services) == []


async def test_an_answer_is_rated_once_it_has_ended(api, services, model):
    model.pace_s = 30
    running = await send(services, "slowly")
    assert (await rate(api, running.reply_id, thumb="up")).status_code == 409
    await services.conversations.stop(LOCAL, running.reply_id)
    await until_settled(services, running)
    assert (await rate(api, running.reply_id, thumb="down")).status_code == 200


async def test_what_is_edited_or_asked_for_anew_is_noted_once_with_what_came_of_it(services, turn):
    conversations, key = services.conversations, "the same key"
    again = [await conversations.regenerate(LOCAL, turn.reply_id, model="fake", key=key) for _ in range(2)]
    await until_settled(services, again[0])
    edit = [
        await conversations.edit(LOCAL, turn.reply_id, text="Better.", model="fake", key="an edit") for _ in range(2)
    ]
    assert await events(services) == [
        ("regenerate", turn.reply_id, [again[0].reply_id]),
        ("edit", turn.reply_id, [edit[0].reply_id]),
    ]


async def test_what_another_tab_has_said_with_the_same_thumb_stays(api, turn):
    await rate(api, turn.reply_id, thumb="up", tags=["clear"], comment="said")
    kept = {"thumb": "up", "tags": ["clear"], "comment": "said"}
    assert (await rate(api, turn.reply_id, thumb="up")).json() == {"rating": kept}
    assert (await rate(api, turn.reply_id, thumb="up", tags=[])).json() == {"rating": kept | {"tags": []}}
    assert (await rate(api, turn.reply_id, thumb="down")).json()["rating"]["comment"] == ""


async def test_asking_anew_from_a_persons_own_words_says_nothing_of_a_model(services, turn):
    own = await services.conversations.edit(LOCAL, turn.reply_id, text="Better.", model="fake", key="an edit")
    again = await services.conversations.regenerate(LOCAL, own.reply_id, model="fake", key="again")
    await until_settled(services, again)
    assert await events(services) == [("edit", turn.reply_id, [own.reply_id])]


async def test_an_answer_that_failed_and_a_question_asked_anew_say_nothing_of_a_model(services, model):
    model.script = [ModelFailed("on purpose")]
    failed = await send(services, "fails")
    await until_settled(services, failed)
    model.script = FakeProvider().script
    again = await services.conversations.regenerate(LOCAL, failed.reply_id, model="fake", key="again")
    await until_settled(services, again)
    asked = await services.conversations.regenerate(LOCAL, failed.question_id, model="fake", key="of the question")
    await until_settled(services, asked)
    assert await events(services) == []


async def test_what_is_deleted_for_good_takes_its_feedback_along(api, services, turn):
    await rate(api, turn.reply_id, thumb="up", comment="secret")
    await services.conversations.delete_everything(LOCAL)
    assert await events(services) == []


def test_the_page_names_the_reasons_that_there_are():
    from pathlib import Path

    from chat_app.ui import locales

    for file in Path(locales.__file__).parent.glob("*.json"):
        names = {key for key in json.loads(file.read_text()) if key.startswith("rating.tag_")}
        assert names == {f"rating.tag_{thumb}_{tag}" for thumb, tags in TAGS.items() for tag in tags}
    source = (Path(locales.__file__).parent.parent / "islands" / "rating.jsx").read_text()
    for thumb, tags in TAGS.items():
        assert f"{thumb}: {json.dumps(list(tags))}" in source


async def test_figures_are_told_by_model_with_the_interval_of_their_thumbs(api, services, turn):
    await rate(api, turn.reply_id, thumb="up")
    told = (await ask(api, "GET", "/feedback?days=7&offset=-480")).json()
    refused = await ask(api, "GET", "/feedback?days=0")
    [line] = told["lines"]
    assert (line["model"], line["counts"]["answers"], line["counts"]["up"]) == ("fake", 1, 1)
    assert [round(each, 3) for each in line["liked"]] == [1, 0.207, 1]
    assert [period["day"] for period in line["periods"]] == [told["today"]]
    assert refused.status_code == 400


async def behind(api: Starlette, user: str = "local", **asked) -> httpx.Response:
    return await ask(api, "GET", "/feedback/answers", user=user, params={"model": "fake"} | asked)


async def test_each_figure_opens_its_answers_a_page_after_the_other(api, services):
    replies = []
    for number in range(33):
        asked = await send(services, f"question {number}")
        await until_settled(services, asked)
        replies.append(asked.reply_id)
    await rate(api, replies[0], thumb="down", tags=["long"], comment="too long")
    [line] = (await ask(api, "GET", "/feedback?days=7")).json()["lines"]
    [day] = line["periods"]
    assert day["liked"] == line["liked"]
    [week] = (await ask(api, "GET", "/feedback?days=14&every=7")).json()["lines"][0]["periods"]
    assert (week["day"], week["counts"]["answers"]) == (day["day"] - 6, 33)
    of_week = (await behind(api, what="down", days=14, day=week["day"], every=7)).json()
    assert [each["id"] for each in of_week["answers"]] == [replies[0]]
    first = (await behind(api, what="answers", days=7, day=day["day"])).json()
    assert (len(first["answers"]), first["has_more"]) == (30, True)
    rest = (await behind(api, what="answers", before=first["answers"][-1]["id"])).json()
    found = [each["id"] for each in (*first["answers"], *rest["answers"])]
    assert (found, rest["has_more"]) == (replies[::-1], False)
    [down] = (await behind(api, what="down")).json()["answers"]
    assert (down["question"], down["rating"]) == (
        "question 0", {"thumb": "down", "tags": ["long"], "comment": "too long"},
    )  # fmt: skip
    assert first["answers"][0]["rating"] is None
    assert (await behind(api, what="answers", day=day["day"] - 1)).json()["answers"] == []
    assert (await behind(api, user="bob", what="answers")).json()["answers"] == []
    for wrong in ({"what": "all"}, {"day": day["day"] + 1}, {"day": "x"}):
        assert (await behind(api, **wrong)).status_code == 400


async def test_a_page_that_is_open_over_midnight_still_opens_the_oldest_of_its_days(api, services, turn):
    day = (await ask(api, "GET", "/feedback?days=7")).json()["today"]
    oldest = await behind(api, what="answers", days=7, today=day - 1, day=day - 7)
    assert (oldest.status_code, oldest.json()["answers"]) == (200, [])
    assert (await behind(api, what="answers", days=7, day=day - 7)).status_code == 400
    assert (await behind(api, what="answers", days=7, today=day)).json()["answers"] != []
    assert (await behind(api, what="answers", days=7, today=day - 1)).json()["answers"] == []
    assert (await behind(api, what="answers", days=7, today=day + 1)).status_code == 400


async def again(services: Services, turn: Turn, key: str) -> str:
    """One more answer to its question."""
    other = await services.conversations.regenerate(LOCAL, turn.question_id, model="fake", key=key)
    await until_settled(services, other)
    return other.reply_id


async def prefer(api: Starlette, message_id: str, *others: str, user: str = "local") -> int:
    path = f"/messages/{message_id}/preference"
    return (await ask(api, "PUT", path, user=user, json={"others": others})).status_code


async def preferred(api: Starlette, *ids: str) -> list[bool]:
    found = (await ask(api, "GET", f"/messages?ids={','.join(ids)}")).json()["messages"]
    by_id = {each["id"]: each["preferred"] for each in found}
    return [by_id[message_id] for message_id in ids]


async def test_of_the_answers_to_a_question_the_one_is_preferred_that_was_chosen_last(api, services, turn):
    ids = [turn.reply_id, await again(services, turn, "a second"), await again(services, turn, "a third")]
    assert await preferred(api, *ids) == [False, False, False]
    tag = (await ask(api, "GET", f"/messages?ids={ids[1]}")).headers["etag"]
    assert await prefer(api, ids[0], ids[1], ids[2]) == 204
    assert await prefer(api, ids[1], ids[2], ids[0], ids[0]) == 204
    assert await preferred(api, *ids) == [False, True, False]
    assert (await ask(api, "GET", f"/messages?ids={ids[1]}")).headers["etag"] != tag
    assert await events(services) == [("prefer", ids[1], [ids[2], ids[0]])]
    await services.conversations.delete(LOCAL, ids[1])
    assert await prefer(api, ids[0], ids[1]) == 404
    assert await prefer(api, ids[0], ids[2]) == 204
    await services.conversations.restore(LOCAL, ids[1])
    assert await preferred(api, *ids) == [True, False, False]
    assert await prefer(api, ids[1], ids[0]) == 204
    for _ in range(2):
        assert (await ask(api, "DELETE", f"/messages/{ids[1]}/preference")).status_code == 204
    assert await preferred(api, *ids) == [False, False, False]


async def test_nothing_is_preferred_to_itself_to_nothing_to_others_answers_or_by_others(api, services, turn):
    other, beside = await send(services, "something else"), await again(services, turn, "a second")
    await until_settled(services, other)
    assert await prefer(api, turn.reply_id) == 400
    assert await prefer(api, turn.reply_id, beside, turn.reply_id) == 400
    assert await prefer(api, turn.reply_id, other.reply_id) == 404
    assert await prefer(api, turn.reply_id, turn.question_id) == 404
    assert await prefer(api, turn.question_id, beside) == 404
    assert await prefer(api, turn.reply_id, beside, user="bob") == 404
    assert (await ask(api, "DELETE", f"/messages/{turn.reply_id}/preference", user="bob")).status_code == 404
    async with services.database.write() as connection:
        await connection.execute(update(messages).where(messages.c.id == beside).values(status="streaming"))
    assert await prefer(api, turn.reply_id, beside) == 409
    assert await prefer(api, beside, turn.reply_id) == 409
    assert await events(services) == []
