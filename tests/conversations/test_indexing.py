"""The index follows what is said: found at once, gone at once, nothing twice, and words alone where meaning is away."""

import asyncio
import struct
from collections.abc import Sequence

from sqlalchemy import text

from chat_app.conversations.finding import Finding, Results, Wanted
from chat_app.conversations.indexing import Indexer
from chat_app.entries import Scope
from chat_app.errors import EmbedderUnavailable
from chat_app.events import TextDelta
from chat_app.jobs import Jobs
from chat_app.messages import TextPart
from chat_app.providers.fake import FakeProvider
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.index import SearchIndex
from chat_app.services import Services
from chat_app.store import packs
from chat_app.store.answers import AnswerStore
from chat_app.store.backlog import Backlog, Progress
from chat_app.store.hits import HitStore
from chat_app.store.jobs import JobStore
from chat_app.store.records import Checkpoint
from chat_app.store.vectors import ChunkStore
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import OTHER, hold_indexer, send, until_settled
from tests.waiting import until

SAID = [TextDelta("Blossom end rot is a lack of calcium. "), TextDelta("Water evenly.")]
SOME = (TextPart("said too late"),)


async def find(services: Services, text: str, **more) -> list[str]:
    """The texts of what is found."""
    results = await services.finding.find(more.pop("who", LOCAL), Wanted(text, **more))
    return ["".join(piece for piece, _ in each.pieces) for each in results.hits]


async def until_found(services: Services, text: str, count: int = 1) -> Results:
    """Wait until so much is found."""

    async def found() -> Results | None:
        results = await services.finding.find(LOCAL, Wanted(text))
        return results if len(results.hits) == count and not results.progress.unindexed else None

    return await until(found)


async def test_a_question_and_its_answer_are_found_once_they_have_ended(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services, "why are my tomatoes black below")
        await until_settled(services, turn)
        results = await until_found(services, "calcium")
        [hit] = results.hits
        assert (hit.chunk.source, hit.chunk.group, hit.chunk.role) == (turn.reply_id, turn.conversation_id, "assistant")
        assert ("calcium", True) in hit.pieces
        assert await find(services, "tomatoes") == ["why are my tomatoes black below"]
        assert await find(services, "tomatoes", role="assistant") == []
        assert await find(services, "calcium", model="fake") != []
        assert await find(services, "calcium", model="other") == []
        assert await find(services, "calcium", who=OTHER) == []
        assert await find(services, "calcium", pinned=True) == []
        await services.conversations.library.set_pinned("local", turn.conversation_id, pinned=True)
        assert await find(services, "calcium", pinned=True) != []
        assert await find(services, "  ") == []


async def test_conversations_are_found_by_their_titles(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        await services.conversations.rename(LOCAL, turn.conversation_id, "100% Balkon_Garten")
        for text, is_found in (("balkon", True), ("garten 100%", True), ("1%0", False), ("balkonXgarten", False)):
            results = await services.finding.find(LOCAL, Wanted(text))
            assert [each.title for each in results.titles] == ["100% Balkon_Garten"] * is_found, text
        assert (await services.finding.find(OTHER, Wanted("balkon"))).titles == ()
        assert (await services.finding.find(LOCAL, Wanted("balkon", pinned=True))).titles == ()


async def test_what_is_deleted_is_gone_at_once_and_found_again_when_it_is_brought_back(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services, "why are my tomatoes black below")
        await until_settled(services, turn)
        await until_found(services, "tomatoes")
        library = services.conversations.library
        await library.set_deleted("local", turn.conversation_id, deleted=True)
        assert await find(services, "tomatoes") == []
        assert (await services.finding.find(LOCAL, Wanted("tomatoes"))).titles == ()
        await library.set_deleted("local", turn.conversation_id, deleted=False)
        await until_found(services, "tomatoes")

        follow = await send(services, "and cucumbers?", conversation_id=turn.conversation_id)
        await until_settled(services, follow)
        await until_found(services, "calcium", 2)
        undone = await services.conversations.delete(LOCAL, follow.question_id)
        assert await find(services, "cucumbers") == []
        assert len(await find(services, "calcium")) == 1  # its answer followed it
        await services.conversations.restore(LOCAL, undone)
        await until_found(services, "cucumbers")
        await until_found(services, "calcium", 2)
        await library.delete_everything("local")
        assert await find(services, "calcium") == []


async def test_an_answer_that_ends_after_its_question_was_deleted_is_not_found(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        follow = await send(services, "and cucumbers?", conversation_id=turn.conversation_id)
        await until_settled(services, follow)
        await until_found(services, "calcium", 2)
        await services.conversations.delete(LOCAL, follow.question_id)
        await services.conversations.messages.add_version("local", follow.reply_id, SOME, "late")
        await until_found(services, "calcium")
        assert await find(services, "late") == []


async def test_other_words_for_an_answer_are_found_beside_the_first(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        await services.conversations.edit(LOCAL, turn.reply_id, text="Too little lime.", model="fake", key="mine")
        [hit] = (await until_found(services, "lime")).hits
        assert hit.chunk.source != turn.reply_id


class MadeUp:
    """An embedder whose vectors are how often each of some words stands in a text."""

    def __init__(self, model: str = "made up") -> None:
        self.model, self.least, self.is_local, self.at_once, self.fails = model, 0.5, True, 16, False
        self.asked: list[str] = []

    def reads(self, text: str) -> bool:
        return True

    async def embed(self, texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
        if self.fails:
            raise EmbedderUnavailable("It is away.")
        self.asked += texts
        return [struct.pack("<2f", *self._unit(text)) for text in texts]

    def _unit(self, text: str) -> tuple[float, float]:
        x, y = 1 + 9 * text.count("calcium"), 1 + 9 * text.count("cucumber")
        return x / (x * x + y * y) ** 0.5, y / (x * x + y * y) ** 0.5

    async def prepare(self) -> None: ...

    async def aclose(self) -> None: ...


def indexer(services: Services, embedder: MadeUp, holder: str = "the only worker") -> Indexer:
    """Another over the same database, whose steps a test takes itself."""
    store = EmbeddedStore(ChunkStore(services.database), embedder.model, cache_bytes=10_000_000)
    jobs = Jobs(JobStore(services.database).claim, holder)
    return Indexer(Backlog(services.database), services.documents.store, SearchIndex(store, embedder), jobs)


async def progress(services: Services, embedder: MadeUp) -> Progress:
    return await Backlog(services.database).progress("local", embedder.model)


async def test_vectors_are_made_of_an_answer_with_its_question_and_another_model_makes_them_anew(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services, "why are my cucumbers bitter"))
        await until_found(services, "calcium")
        first, second = MadeUp(), MadeUp("another")
        assert (await progress(services, first)).unembedded == 2
        while await indexer(services, first).step():
            pass
        assert sorted(first.asked) == [
            "why are my cucumbers bitter",
            "why are my cucumbers bitter\nBlossom end rot is a lack of calcium. Water evenly.",
        ]
        assert (await progress(services, first)).unembedded == 0
        assert (await progress(services, second)).unembedded == 2
        while await indexer(services, second).step():
            pass
        assert await progress(services, second) == Progress(0, 0, 2)
        [vector] = await second.embed(["calcium"])
        own = EmbeddedStore(ChunkStore(services.database), "made up", cache_bytes=10_000_000)
        assert await own.query(Scope("local"), vector=vector) == []


async def test_while_no_vectors_are_made_words_are_found_and_it_catches_up_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("chat_app.conversations.indexing._PAUSE_FIRST_S", 0)
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services))
        await until_found(services, "calcium")
        embedder = MadeUp()
        own = indexer(services, embedder)
        embedder.fails = True
        assert not await own.step()
        assert isinstance(own.lacking, EmbedderUnavailable)
        found = await own._index.find(Scope("local"), "calcium")
        assert isinstance(found.lacking, EmbedderUnavailable)
        assert len(found.hits) == 1
        embedder.fails = False
        while await own.step():
            pass
        assert own.lacking is None
        found = await own._index.find(Scope("local"), "calcium")
        assert found.lacking is None
        assert found.hits[0].meaning > 0.9


async def test_one_worker_does_it_and_another_when_that_one_is_gone(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services))
        await until_found(services, "calcium")
        store, embedder = JobStore(services.database), MadeUp()
        assert await store.claim("index", "", "the only worker", 1)
        assert await until(lambda: store.claim("index", "", "a", 60_000))
        assert await store.claim("index", "", "a", 60_000)
        assert not await indexer(services, embedder, "b").step()
        assert await indexer(services, embedder, "a").step()


async def test_all_is_indexed_anew_when_a_person_asks_for_it(tmp_path, monkeypatch):
    may_go = hold_indexer(monkeypatch)
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services))
        await until_found(services, "calcium")
        may_go.clear()
        await services.finding.start_over(LOCAL)
        assert (await services.finding.progress(LOCAL)).unindexed == 2
        may_go.set()
        results = await until_found(services, "calcium")
        assert results.progress == Progress(0, 0, 2)


async def test_deleted_texts_take_no_places_from_those_that_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr("chat_app.conversations.finding._DEPTH", 1)
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services, "calcium calcium"))
        await until_found(services, "calcium", 2)
        assert len(await find(services, "calcium")) == 2


async def test_other_conversations_of_the_same_subject_are_related_and_the_own_is_not(tmp_path):
    async with services_with(tmp_path, FakeProvider([TextDelta("Yes.")])) as services:
        turns = [
            await send(services, text)
            for text in ("calcium and lime for tomatoes", "lime and calcium for tomato plants", "a train to Bern")
        ]
        for turn in turns:
            await until_settled(services, turn)
        await until_found(services, "calcium", 2)
        related = await services.finding.related(LOCAL, turns[0].conversation_id)
        assert [chunk.group for chunk in related] == [turns[1].conversation_id]
        assert await services.finding.related(LOCAL, turns[2].conversation_id) == []
        assert await services.finding.related(LOCAL, "nowhere") == []
        assert await services.finding.related(OTHER, turns[0].conversation_id) == []


async def test_the_same_question_is_known_again_and_a_part_of_it_or_an_answer_is_not(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services, "how do I water tomatoes in July")
        await until_settled(services, turn)
        await until_found(services, "july")
        before = services.finding.asked_before
        found = await before(LOCAL, "How do I water tomatoes in July?")
        assert found is not None
        assert found.source == turn.question_id
        assert await before(LOCAL, "water roses in winter near Bern") is None
        assert await before(LOCAL, "tomatoes") is None  # one word is no question
        assert await before(LOCAL, "Blossom end rot is a lack of calcium") is None
        assert await before(OTHER, "how do I water tomatoes in July") is None


async def test_what_is_not_sent_is_shown_to_no_other_server(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services, "how do I water cucumbers in July"))
        await until_found(services, "july")
        far, near = MadeUp(), MadeUp()
        far.is_local = False
        for embedder in (far, near):
            index = SearchIndex(EmbeddedStore(ChunkStore(services.database), "made up", cache_bytes=10**7), embedder)
            await Finding(Backlog(services.database), HitStore(services.database), index).asked_before(
                LOCAL, "my secret draft about cucumbers"
            )
        assert far.asked == []
        assert near.asked == ["my secret draft about cucumbers"]


async def test_the_words_of_an_answer_that_broke_off_are_found(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        messages = services.conversations.messages
        stored = (await messages.history("local", turn.reply_id, 1))[0]
        async with services.database.write() as connection:
            stopped = "UPDATE messages SET status = 'stopped' WHERE id = :id"
            await connection.execute(text(stopped), {"id": turn.reply_id})
        again = await messages.reopen("local", turn.reply_id)
        grown = (*stored.parts, TextPart(" And magnesium."))
        answers = AnswerStore(services.database)
        await answers.checkpoint([Checkpoint(again.reply_id, again.generation_id, grown)])
        await answers.reap(2**62)  # its process was killed
        await until_found(services, "magnesium")


async def test_what_is_brought_back_while_the_indexer_reads_is_not_forgotten(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        await until_found(services, "calcium")
        library, own = services.conversations.library, indexer(services, MadeUp())
        await library.set_deleted("local", turn.conversation_id, deleted=True)
        await services.finding.start_over(LOCAL)
        read = await own._backlog.unindexed(10)
        assert all(message.is_gone for message in read)
        await library.set_deleted("local", turn.conversation_id, deleted=False)
        await own._store(read)
        await until_found(services, "calcium")


async def test_a_fault_in_one_step_ends_neither_the_indexer_nor_the_application(tmp_path, monkeypatch):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        faults = iter([ValueError("a fault of ours")])
        upsert = EmbeddedStore.upsert

        async def fails_once(self, scope, originals):
            for fault in faults:
                raise fault
            await upsert(self, scope, originals)

        monkeypatch.setattr(EmbeddedStore, "upsert", fails_once)
        await until_settled(services, await send(services))
        await until_found(services, "calcium")


async def test_words_wait_for_no_slow_model(tmp_path, monkeypatch):
    monkeypatch.setattr("chat_app.search.index._PATIENCE_S", 0.01)
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services))
        await until_found(services, "calcium")
        slow = MadeUp()

        async def forever(texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
            await asyncio.Event().wait()
            return []

        slow.embed = forever
        found = await indexer(services, slow)._index.find(Scope("local"), "calcium")
        assert len(found.hits) == 1
        assert isinstance(found.lacking, EmbedderUnavailable)


async def test_without_a_model_old_vectors_are_not_counted_as_missing(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        await until_settled(services, await send(services))
        await until_found(services, "calcium")
        embedder = MadeUp()
        while await indexer(services, embedder).step():
            pass
        assert (await services.finding.progress(LOCAL)).unembedded == 0


async def test_titles_are_found_whatever_their_capitals(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        turn = await send(services)
        await until_settled(services, turn)
        await services.conversations.rename(LOCAL, turn.conversation_id, "Ärger mit Балкон")
        for asked in ("ärger", "ÄRGER", "балкон", "Балкон mit"):
            assert len((await services.finding.find(LOCAL, Wanted(asked))).titles) == 1


async def test_what_is_indexed_is_laid_together_once_nothing_waits_and_is_found_and_deleted_as_before(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(packs, "LEAST", 2)
    async with services_with(tmp_path, FakeProvider(SAID)) as services:

        async def packed() -> int:
            async with services.database.read() as connection:
                return (await connection.execute(text("SELECT count(*) FROM chunk_packs"))).scalar_one()

        turn = await send(services, "why are my tomatoes black below")
        await until_settled(services, turn)
        await until(packed)
        assert await find(services, "tomatoes") == ["why are my tomatoes black below"]
        await services.conversations.delete_conversation(LOCAL, turn.conversation_id)
        assert await find(services, "tomatoes") == []
        assert await packed() == 0
