"""Vectors at Pinecone: made room for, tidied up, and missing without harm; the contract is that of every store."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from chat_app.conversations.indexing import Indexer
from chat_app.errors import VectorsKeyRefused, VectorsMismatched, VectorsUnavailable
from chat_app.events import Finish, TextDelta
from chat_app.jobs import Jobs
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from chat_app.search.base import StoreHealth
from chat_app.search.index import SearchIndex
from chat_app.search.pinecone import PineconeStore, Place
from chat_app.services import Services
from chat_app.store.backlog import Backlog
from chat_app.store.database import Database
from chat_app.store.jobs import JobStore
from chat_app.store.vectors import ChunkStore
from tests.conftest import services_with
from tests.conversations.talk import send, until_settled
from tests.conversations.test_indexing import MadeUp
from tests.pinecone_server import KEY, PineconeServer
from tests.search.test_store import ANN, FarShelf, attach, document, refs, vector
from tests.waiting import until

AT_ONCE = 2000  # milliseconds from now: what was put off is due


@pytest.fixture
def server() -> Iterator[PineconeServer]:
    with PineconeServer().serve() as server:
        yield server


@pytest.fixture
async def table(database: Database) -> ChunkStore:
    return ChunkStore(database)


@pytest.fixture
def backlog(database: Database) -> Backlog:
    return Backlog(database)


@pytest.fixture
async def store(database: Database, table: ChunkStore, server: PineconeServer) -> AsyncIterator[FarShelf]:
    far = FarShelf(database, table, place(server))
    yield far
    await far.aclose()


@pytest.fixture
def due(monkeypatch) -> None:
    """What was put off is done at the next tidying."""
    monkeypatch.setattr("chat_app.search.pinecone._SETTLED_MS", -AT_ONCE)


def place(server: PineconeServer, **more) -> Place:
    return Place(**{"api_key": KEY, "index": "first", "control": server.url} | more)


async def test_the_index_is_made_when_the_first_vector_comes_and_found_by_others(
    store, table, backlog, database, server
):
    await store.upsert(ANN, [document("a", "apples")])
    assert await refs(store, ANN, vector=vector(1, 0)) == []
    assert server.dimensions == {}
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    assert server.dimensions == {"first": 2}
    other = FarShelf(database, table, place(server, host=server.url))
    assert await refs(other, ANN, vector=vector(1, 0)) == ["a:0"]
    assert await other.health() == StoreHealth("Pinecone")
    await other.aclose()
    [record] = server.vectors().values()
    assert (record.metadata["user"], record.metadata["space"], record.metadata["kind"]) == (
        "local",
        "tests",
        "document",
    )
    assert "apples" not in str(server.asked)  # no word of a text is there


async def test_what_is_deleted_or_changed_is_not_found_and_later_deleted_there(store, table, backlog, server, due):
    await store.upsert(ANN, [document("a", "apples", "pears"), document("b", "bridges")])
    await attach(store, backlog, ANN, {"a:0": vector(1, 0), "a:1": vector(1, 0.1), "b:0": vector(0, 1)})
    await store.delete(ANN, ["b"])
    await store.upsert(ANN, [document("a", "apples", "plums")])
    assert await refs(store, ANN, vector=vector(1, 0)) == ["a:0"]
    assert server.ids == {"a:0", "a:1", "b:0"}
    assert await store.tidy() is False
    assert server.ids == {"a:0"}
    assert await table.owed(10**15, 10) == []


async def test_a_kill_between_pinecone_and_the_database_leaves_no_vector_behind(
    store, table, backlog, server, due, monkeypatch
):
    await store.upsert(ANN, [document("a", "apples"), document("b", "bridges")])

    async def killed(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(table, "attach", killed)
        with pytest.raises(asyncio.CancelledError):
            await attach(store, backlog, ANN, {"a:0": vector(1, 0), "b:0": vector(0, 1)})
    assert server.ids == {"a:0", "b:0"}
    assert await refs(store, ANN, vector=vector(1, 0)) == []
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    await store.tidy()
    assert server.ids == {"a:0"}
    assert await refs(store, ANN, vector=vector(1, 0)) == ["a:0"]


async def test_starting_over_makes_all_vectors_anew(store, backlog, server, due):
    await store.upsert(ANN, [document("a", "apples")])
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    await backlog.start_over("local")
    assert await refs(store, ANN, vector=vector(1, 0)) == []
    await attach(store, backlog, ANN, {"a:0": vector(0, 1)})
    await store.tidy()
    assert await refs(store, ANN, vector=vector(0, 1)) == ["a:0"]


async def test_what_was_stored_a_moment_ago_is_found_a_moment_later(store, backlog, server):
    await store.upsert(ANN, [document("a", "apples")])
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    server.lag = 3
    await store.upsert(ANN, [document("b", "bridges")])
    await attach(store, backlog, ANN, {"b:0": vector(1, 0.1)})
    assert await refs(store, ANN, vector=vector(1, 0)) == ["a:0"]

    async def is_found() -> bool:
        return await refs(store, ANN, vector=vector(1, 0)) == ["a:0", "b:0"]

    await until(is_found)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, VectorsKeyRefused), (403, VectorsKeyRefused), (400, VectorsUnavailable), (413, VectorsUnavailable)],
)
async def test_a_refusal_is_told_by_its_kind_and_words_are_found_all_the_same(store, backlog, server, status, error):
    await store.upsert(ANN, [document("a", "apples")])
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    server.refusals = [(status, {})]
    with pytest.raises(error) as told:
        await refs(store, ANN, vector=vector(1, 0))
    assert KEY not in f"{told.value} {told.value.detail}"
    assert await refs(store, ANN, text="apples") == ["a:0"]
    assert await refs(store, ANN, vector=vector(1, 0)) == ["a:0"]


@pytest.mark.parametrize("status", [429, 503])
async def test_one_that_has_too_much_to_do_is_asked_again_when_it_says(store, backlog, server, status):
    await store.upsert(ANN, [document("a", "apples")])
    server.refusals = [(404, {}), (status, {"retry-after": "0.01"})]
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    assert await refs(store, ANN, vector=vector(1, 0)) == ["a:0"]


async def test_a_wrong_key_and_an_index_of_another_model_are_said(store, table, backlog, database, server):
    await store.upsert(ANN, [document("a", "apples")])
    await attach(store, backlog, ANN, {"a:0": vector(1, 0)})
    wrong = PineconeStore(table, "tests", place(server, api_key="pc-wrong"), cache_bytes=10**7)
    assert await wrong.health() == StoreHealth("Pinecone", "vectors_key_refused")
    other = PineconeStore(table, "wider", place(server), cache_bytes=10**7)
    with pytest.raises(VectorsMismatched):
        await refs(other, ANN, vector=vector(1, 0, 0))
    with pytest.raises(VectorsMismatched):
        await attach(other, backlog, ANN, {"a:0": vector(1, 0, 0)}, space="wider")
    for opened in (wrong, other):
        await opened.aclose()
    away = PineconeStore(table, "tests", Place(KEY, "x", host="http://127.0.0.1:9"), cache_bytes=10**7)
    assert (await away.health()).trouble == "vectors_unavailable"
    await away.aclose()


async def test_while_pinecone_is_away_words_are_found_and_indexing_catches_up_by_itself(tmp_path, server):
    answer = [TextDelta("Okapis are shy."), Finish("stop", Usage(1, 1))]
    async with services_with(tmp_path, FakeProvider(answer)) as services:
        await until_settled(services, await send(services, "what are okapis like"))
        embedder = MadeUp()
        far = PineconeStore(ChunkStore(services.database), embedder.model, place(server), cache_bytes=10**7)
        indexer = _indexer(services, far, embedder)

        async def is_indexed() -> bool:
            return await far.count(ANN) == 2

        await until(is_indexed)
        server.refusals = [(401, {})]
        assert await indexer.step() is False
        assert isinstance(indexer.lacking, VectorsKeyRefused)
        found = await SearchIndex(far, embedder).find(ANN, "okapis")
        assert [hit.words > 0 for hit in found.hits] == [True, True]
        indexer._look_at = 0  # the pause is over
        assert await indexer.step() is True
        assert indexer.lacking is None
        assert len(server.ids) == 2
        await far.aclose()


def _indexer(services: Services, store: PineconeStore, embedder: MadeUp) -> Indexer:
    jobs = Jobs(JobStore(services.database).claim, "the only worker")
    return Indexer(Backlog(services.database), services.documents.store, SearchIndex(store, embedder), jobs)
