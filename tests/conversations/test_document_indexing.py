"""Documents on their way into the index: in stretches, once, and none holds up the others."""

import pytest
from sqlalchemy import text

from chat_app.entries import Original
from chat_app.extraction.pages import read_pages
from chat_app.providers.fake import FakeProvider
from chat_app.search.chunks import chunks_of
from chat_app.services import Services
from chat_app.store.vectors import ChunkStore
from tests.conftest import services_with
from tests.conversations.test_indexing import SAID, until_found
from tests.waiting import until


async def document(services: Services, name: str, content: bytes) -> str:
    """Add one; its id."""

    async def pieces():
        yield content

    return (await services.documents.take("local", pieces(), name, len(content), None)).id


def words_of_document(services: Services, blob_id: str):
    return services.blobs.path_of(blob_id).with_suffix(".text")


@pytest.mark.parametrize("damage", ["gone", "garbled"])
async def test_a_document_whose_words_cannot_be_read_says_so_and_holds_up_nobody(tmp_path, damage):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        store = services.documents.store
        first = await document(services, "first.txt", b"Aardvarks eat ants.")
        words = words_of_document(services, (await store.read("local", first)).blob_id)
        await until_found(services, "aardvarks")
        words.unlink() if damage == "gone" else words.write_bytes(b"\xff\xfe\xff")
        async with services.database.write() as connection:
            await connection.execute(text("UPDATE documents SET is_indexed = false"))
        await document(services, "second.txt", b"Badgers eat worms.")
        await until_found(services, "badgers")
        refused = (await store.read("local", first)).refused
        assert refused is not None
        assert refused.reason == "broken"


async def test_words_that_cannot_be_read_just_now_are_read_later(tmp_path, monkeypatch):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        failing = [OSError("too many open files")]

        def read(path):
            if failing:
                raise failing.pop()
            return read_pages(path)

        monkeypatch.setattr("chat_app.conversations.indexing.read_pages", read)
        await document(services, "first.txt", b"Aardvarks eat ants.")
        await until_found(services, "aardvarks")
        assert not failing


async def test_a_document_of_which_a_stretch_is_missing_is_cut_again(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        found = tuple(chunks_of("One is here.\n\n# Two\n\nTwo comes after it, and has more words than one."))
        document_id = await document(services, "first.txt", b"Aardvarks eat ants.")
        await until_found(services, "aardvarks")
        async with services.database.write() as connection:
            await connection.execute(text("UPDATE documents SET is_indexed = false, refused = 'x'"))  # nobody cuts it
        table, words = ChunkStore(services.database), [b""]
        last = Original("document", document_id, document_id, found[:1], first=7)
        await table.put("local", [last], [words])
        async with services.database.read() as connection:
            query = text("SELECT is_indexed FROM documents")
            assert not (await connection.execute(query)).scalar_one()
        whole = Original("document", document_id, document_id, found[:1])
        await table.put("local", [whole], [words])
        await table.put("local", [whole], [words])  # one that comes twice is there once
        async with services.database.read() as connection:
            assert (await connection.execute(query)).scalar_one()


async def test_deleting_a_document_while_it_is_cut_leaves_nothing_of_it(tmp_path):
    async with services_with(tmp_path, FakeProvider(SAID)) as services:
        text_of_many = "".join(
            f"# Part {number}\n\nThe lemming number {number} jumps over the fence.\n\n" for number in range(400)
        )
        document_id = await document(services, "long.md", text_of_many.encode())

        async def is_begun() -> bool:
            return await ChunkStore(services.database).count("local") > 0

        await until(is_begun)
        await services.documents.store.remove("local", document_id)

        async def is_over() -> bool:
            return await services.documents.store.uncut() is None

        await until(is_over)
        await document(services, "other.txt", b"Badgers eat worms.")
        await until_found(services, "badgers")
        assert await ChunkStore(services.database).count("local") == 1
