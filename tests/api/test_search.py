"""Search over HTTP: what is asked, what is told, and what is refused."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from chat_app.events import Finish, TextDelta
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from chat_app.search.embedder import LOCAL
from tests.api.page import api_over, ask
from tests.conftest import LOCAL as PERSON
from tests.conftest import services_with
from tests.conversations.talk import hold_indexer, send, until_settled
from tests.pinecone_server import KEY, PineconeServer
from tests.waiting import until


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Starlette]:
    async with services_with(tmp_path, FakeProvider([TextDelta("Okapis are shy.")])) as services:
        yield api_over(services)


async def found(api: Starlette, query: str, count: int = 1) -> dict:
    """What is found, once so much is."""

    async def look() -> dict | None:
        told = (await ask(api, "GET", f"/search?{query}")).json()
        # How far the index is was read before the search: a hit may be newer than that.
        return told if len(told["hits"]) == count and not told["progress"]["left"] else None

    return await until(look)


async def test_messages_and_titles_are_found_with_the_part_that_matches(api):
    turn = await send(api.state.services, "what are okapis like")
    await until_settled(api.state.services, turn)
    told = await found(api, "q=okapi", 2)
    answer = next(hit for hit in told["hits"] if hit["role"] == "assistant")
    assert answer["pieces"] == [["Okapis", True], [" are shy.", False]]
    assert (answer["conversation"], answer["message"]) == (turn.conversation_id, turn.reply_id)
    assert (answer["model"], answer["pinned"], answer["meaning"]) == ("fake", False, 0)
    assert answer["words"] > 0
    assert [each["conversation"] for each in told["titles"]] == [turn.conversation_id]
    assert told["lacking"] == ""
    assert told["progress"] == {"left": 0, "all": 2, "unindexed": 0}

    for query, count in (
        ("role=user", 1), ("role=assistant&model=fake", 1), ("model=other", 0), (f"after={min(hit['at'] for hit in told['hits'])}", 2),
        ("before=1000", 0), ("pinned=1", 0),
    ):  # fmt: skip
        assert len((await found(api, f"q=okapi&{query}", count))["hits"]) == count
    assert (await ask(api, "GET", "/search?q=okapi", user="other")).json()["hits"] == []
    assert (await ask(api, "GET", "/search?q=okapi", user="")).status_code == 401


@pytest.mark.parametrize("query", ["role=root", "after=x", "before=-1", "after=" + "9" * 40, "before=1.5"])
async def test_a_filter_that_is_none_is_refused(api, query):
    answer = await ask(api, "GET", f"/search?q=x&{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "text", ["", "   ", '"', "%", "' OR 1=1 --", "\x00", "*", "a" * 5000, "(((", "\ud83d\ude00", "🙂" * 900]
)
async def test_any_text_may_be_searched_for(api, text):
    answer = await ask(api, "GET", "/search", params={"q": text.encode("utf-8", "surrogatepass")})
    assert answer.status_code == 200
    assert answer.json()["hits"] == []


async def test_a_message_is_shown_on_its_branch_to_its_owner_alone(api):
    services = api.state.services
    turn = await send(services, "what are okapis like")
    await until_settled(services, turn)
    again = await services.conversations.regenerate(PERSON, turn.question_id, model="fake", key="again")
    await until_settled(services, again)
    shown = await ask(api, "POST", "/messages/show", json={"id": turn.reply_id})
    assert shown.json() == {"conversation": turn.conversation_id}
    library = services.conversations.library
    assert (await library.get("local", turn.conversation_id)).leaf_message_id == turn.reply_id
    await ask(api, "POST", "/messages/show", json={"id": turn.question_id})  # it is in view already
    assert (await library.get("local", turn.conversation_id)).leaf_message_id == turn.reply_id
    assert (await ask(api, "POST", "/messages/show", json={"id": turn.reply_id}, user="other")).status_code == 404
    assert (await ask(api, "POST", "/messages/show", json={"id": "nowhere"})).status_code == 404
    assert (await ask(api, "POST", "/messages/show", json={})).status_code == 400
    await library.set_deleted("local", turn.conversation_id, deleted=True)
    assert (await ask(api, "POST", "/messages/show", json={"id": turn.reply_id})).status_code == 404


async def test_the_index_says_how_far_it_is_and_is_made_anew(api, monkeypatch):
    may_go = hold_indexer(monkeypatch)
    turn = await send(api.state.services, "what are okapis like")
    await until_settled(api.state.services, turn)
    await found(api, "q=okapi", 2)
    assert (await ask(api, "GET", "/search/index")).json() == {
        "model": "",
        "store": "embedded",
        "trouble": "",
        "messages": 2,
        "documents": 0,
        "progress": {"left": 0, "all": 2, "unindexed": 0},
    }
    may_go.clear()
    assert (await ask(api, "POST", "/search/index")).json()["progress"]["left"] == 2
    may_go.set()
    await found(api, "q=okapi", 2)


@pytest.mark.parametrize(
    ("key", "dimension", "trouble"),
    [("pc-wrong", 384, "vectors_key_refused"), (KEY, 768, "vectors_mismatched"), (KEY, 384, "")],
)
async def test_what_is_wrong_with_pinecone_is_said_and_words_are_found(tmp_path, key, dimension, trouble):
    answer = FakeProvider([TextDelta("Okapis are shy."), Finish("stop", Usage(1, 1))])
    with PineconeServer(dimensions={"chat-app": dimension}).serve() as pinecone:
        where = {"pinecone_api_key": key, "pinecone_controller_host": pinecone.url, "embedding_model": LOCAL}
        async with services_with(tmp_path, answer, **where) as services:
            api = api_over(services)
            await until_settled(services, await send(services, "what are okapis like"))

            async def told() -> dict | None:
                told = (await ask(api, "GET", "/search?q=okapis")).json()
                is_done = not told["progress"]["left"] or trouble
                return told if len(told["hits"]) == 2 and is_done and told["lacking"] == trouble else None

            hits = (await until(told, within_s=60))["hits"]
            assert all((hit["meaning"] > 0) is (trouble == "") for hit in hits)
            state = (await ask(api, "GET", "/search/index")).json()
            assert state["store"] == "Pinecone"
            assert state["trouble"] in (trouble, "")  # of its length only a question tells
            assert "Okapis" not in str(pinecone.asked)
