"""Documents over HTTP: taken, cut, searched, read by pages, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert

from chat_app.messages import Principal
from chat_app.providers.fake import FakeProvider
from chat_app.store.tables import users
from tests import files
from tests.api.page import api_over, ask
from tests.conftest import services_with
from tests.waiting import until

LEASE = (
    "# Lease\n\nThe tenant pays on the first day.\n\n## Deposit\n\nThe deposit of two rents comes back within six weeks. "
    * 3
)
BOOK = files.pdf(*(f"Page {number} of the handbook. The valve {number} is blue." for number in range(1, 501)))


@pytest.fixture
async def api(tmp_path) -> AsyncIterator:
    async with services_with(tmp_path, FakeProvider([]), max_file_bytes=3_000_000) as services:
        async with services.database.write() as connection:
            person = {"id": "bob", "created_at": 1, "name": "Bob", "role": "user", "preferences": "{}"}
            await connection.execute(insert(users), person)
        yield api_over(services)


async def give(api, name: str, content: bytes | str, **more) -> dict:
    """Add a document; how it is listed then."""
    answer = await ask(api, "POST", f"/documents?name={name}", content=content, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(api, **more) -> dict[str, dict]:
    """The documents by their names."""
    told = (await ask(api, "GET", "/documents", **more)).json()
    return {each["name"]: each for each in told["documents"]}


async def until_indexed(api, **more) -> dict[str, dict]:
    async def look() -> dict | None:
        told = await listed(api, **more)
        return told if all(each["is_indexed"] for each in told.values()) else None

    return await until(look)


async def found(api, query: str, **more) -> list[dict]:
    return (await ask(api, "GET", f"/search?q={query}", **more)).json()["hits"]


async def test_a_document_is_cut_found_by_its_words_and_name_and_read_at_the_place(api):
    given = await give(api, "lease.md", LEASE)
    assert (given["refused"], given["media_type"]) == (None, "text/markdown")
    lease = (await until_indexed(api))["lease.md"]
    assert lease["chunks"] >= 2
    assert lease["embedded"] == 0
    [hit] = await found(api, "deposit+weeks")
    assert (hit["document"], hit["title"], hit["page"]) == (lease["id"], "lease.md", 0)
    assert ["deposit", True] in hit["pieces"]
    assert await found(api, "deposit&kind=document") != []
    assert await found(api, "deposit&kind=message") == []
    assert await found(api, "deposit&role=user") == []
    titles = (await ask(api, "GET", "/search?q=LEASE")).json()["titles"]
    assert [(each["document"], each["title"]) for each in titles] == [(lease["id"], "lease.md")]
    view = (await ask(api, "GET", f"/documents/{lease['id']}/text?chunk={hit['chunk']}")).json()
    assert (view["view"], view["views"], view["page"], view["text"]) == (0, 1, 0, LEASE)
    chunk = next(each for each in view["chunks"] if each["ref"] == hit["chunk"])
    assert "deposit" in view["text"][chunk["begins"] : chunk["ends"]].casefold()
    whole = await ask(api, "GET", f"/documents/{lease['id']}/file")
    assert (whole.text, whole.headers["content-disposition"]) == (LEASE, "attachment; filename*=utf-8''lease.md")


async def test_five_hundred_pages_keep_their_numbers(api):
    await give(api, "book.pdf", BOOK)
    book = (await until_indexed(api))["book.pdf"]
    assert (book["pages"], book["chunks"]) == (500, 500)
    hit = (await found(api, "valve+347+is+blue"))[0]
    assert hit["page"] == 347
    view = (await ask(api, "GET", f"/documents/{book['id']}/text?chunk={hit['chunk']}")).json()
    assert (view["page"], view["views"]) == (347, 500)
    assert "valve 347" in view["text"]
    [chunk] = view["chunks"]
    assert view["text"][chunk["begins"] : chunk["ends"]].strip() == view["text"]
    by_page = (await ask(api, "GET", f"/documents/{book['id']}/text?page=12")).json()
    assert (by_page["view"], by_page["page"]) == (11, 12)
    last = (await ask(api, "GET", f"/documents/{book['id']}/text?view=99999")).json()
    assert last["page"] == 500


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("secret.pdf", files.pdf("hidden", password="x"), "protected"),
        ("locked.docx", files.locked_word(), "protected"),
        ("old.doc", files.old_word(), "old"),
        ("cut.pdf", files.pdf("hello")[:300], "broken"),
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\n ", "wordless"),
        ("scan.pdf", files.scanned_pdf(), "scan"),
        ("picture.pdf", files.image("PNG"), "no_document"),
        ("song.md", files.sound(), "no_document"),
        ("program.exe", b"MZ\0\0\1\2\3" * 50, "kind"),
        ("bomb.docx", files.zip_bomb(), "heavy"),
        ("large.txt", b"x" * 3_000_001, "large"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_listed_with_why_and_the_others_go_on(api, name, content, reason):
    refused, _ = await asyncio.gather(give(api, name, content), give(api, "good.txt", "Bananas are yellow."))
    assert refused["refused"]["reason"] == reason
    told = await until_indexed(api)
    assert told[name]["refused"] == refused["refused"]
    assert told["good.txt"]["refused"] is None
    assert len(await found(api, "bananas")) == 1
    assert (await ask(api, "GET", f"/documents/{refused['id']}/text")).status_code == 404
    assert (await ask(api, "GET", f"/documents/{refused['id']}/file")).status_code == 404
    assert (await ask(api, "DELETE", f"/documents/{refused['id']}")).status_code == 204
    assert list(await listed(api)) == ["good.txt"]


async def test_a_deleted_document_is_not_found_any_more_and_its_file_is_swept(api):
    await give(api, "a.txt", "Zebras have stripes.")
    await give(api, "b.txt", "Zebras eat grass.")
    told = await until_indexed(api)
    assert len(await found(api, "zebras")) == 2
    assert (await ask(api, "DELETE", f"/documents/{told['a.txt']['id']}")).status_code == 204
    assert [hit["title"] for hit in await found(api, "zebras")] == ["b.txt"]
    assert (await ask(api, "DELETE", f"/documents/{told['a.txt']['id']}")).status_code == 404
    await api.state.services.blobs.sweep(10**15)
    assert (await ask(api, "GET", f"/documents/{told['b.txt']['id']}/file")).text == "Zebras eat grass."
    folder = api.state.services.settings.chat_app_data / "files"
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2  # one, and its words


async def test_documents_are_kept_in_collections_which_can_go_without_them(api):
    made = await ask(api, "POST", "/collections", json={"name": "  Hand  books "})
    collection = made.json()["id"]
    assert made.status_code == 201
    await give(api, f"a.txt&collection={collection}", "Apples.")
    lone = await give(api, "b.txt", "Pears.")
    assert (await ask(api, "PATCH", f"/documents/{lone['id']}", json={"collection": collection})).status_code == 204
    told = (await ask(api, "GET", "/documents")).json()
    assert told["collections"] == [{"id": collection, "name": "Hand books"}]
    assert {each["collection"] for each in told["documents"]} == {collection}
    assert (await ask(api, "POST", "/collections", json={"name": "Hand books"})).status_code == 400
    assert (await ask(api, "POST", "/collections", json={"name": " "})).status_code == 400
    assert (await ask(api, "PATCH", f"/documents/{lone['id']}", json={"collection": "none"})).status_code == 404
    assert (await ask(api, "POST", "/documents?name=c.txt&collection=none", content="x y")).status_code == 404
    assert (await ask(api, "DELETE", f"/collections/{collection}")).status_code == 204
    assert (await ask(api, "DELETE", f"/collections/{collection}")).status_code == 404
    assert {each["collection"] for each in (await listed(api)).values()} == {""}


async def test_nobody_sees_finds_moves_or_deletes_anothers(api):
    await give(api, "mine.txt", "Quokkas smile.")
    collection = (await ask(api, "POST", "/collections", json={"name": "Mine"})).json()["id"]
    mine = (await until_indexed(api))["mine.txt"]["id"]
    chunk = (await found(api, "quokkas"))[0]["chunk"]
    await give(api, "theirs.txt", "Wombats dig.", user="bob")
    assert list(await until_indexed(api, user="bob")) == ["theirs.txt"]
    assert await found(api, "quokkas", user="bob") == []
    assert (await ask(api, "GET", "/documents", user="bob")).json()["collections"] == []
    assert (await ask(api, "GET", "/search?q=mine", user="bob")).json()["titles"] == []
    for method, path, more in (
        ("GET", f"/documents/{mine}/text", {}), ("GET", f"/documents/{mine}/file", {}), ("DELETE", f"/documents/{mine}", {}),
        ("PATCH", f"/documents/{mine}", {"json": {"collection": ""}}), ("DELETE", f"/collections/{collection}", {}),
        ("POST", f"/documents?name=x.txt&collection={collection}", {"content": "x y"}),
    ):  # fmt: skip
        assert (await ask(api, method, path, user="bob", **more)).status_code == 404, path
    theirs = (await listed(api, user="bob"))["theirs.txt"]["id"]
    view = await ask(api, "GET", f"/documents/{theirs}/text?chunk={chunk}", user="bob")
    assert view.json()["text"] == "Wombats dig."
    assert (await ask(api, "GET", "/documents", user="")).status_code == 401


async def test_a_file_that_comes_twice_by_its_key_is_one_document(api):
    first, second = [await give(api, "a.txt&key=one-and-only", "Apples.") for _ in range(2)]
    refused = [await give(api, "b.txt&key=another", b"") for _ in range(2)]
    assert first["id"] == second["id"]
    assert refused[0]["id"] == refused[1]["id"]
    theirs = await give(api, "a.txt&key=one-and-only", "Apples.", user="bob")
    assert theirs["id"] != first["id"]
    assert len(await listed(api)) == 2


async def test_what_is_refused_takes_no_room(tmp_path):
    async with services_with(tmp_path, FakeProvider([]), max_documents_bytes=40, max_file_bytes=30) as services:
        api = api_over(services)
        assert (await give(api, "large.txt", "x" * 31))["refused"]["reason"] == "large"
        for name in "ab":
            assert (await give(api, f"{name}.txt", f"Fifteen {name} letter"))["refused"] is None
        given = await asyncio.gather(*(give(api, f"{number}.txt", f"two words {number}") for number in range(4)))
        assert [each["refused"]["reason"] for each in given] == ["documents"] * 4


async def test_deleting_all_conversations_leaves_documents_as_they_were(api):
    await give(api, "a.txt", "Zebras have stripes.")
    await until_indexed(api)
    await api.state.services.conversations.delete_everything(Principal("local"))
    assert (await listed(api))["a.txt"]["chunks"] == 1
    assert len(await found(api, "zebras")) == 1


async def test_there_is_an_end_to_what_one_person_keeps(tmp_path):
    async with services_with(tmp_path, FakeProvider([]), max_documents_bytes=20) as services:
        api = api_over(services)
        assert (await give(api, "a.txt", "Fifteen letters"))["refused"] is None
        refused = (await give(api, "b.txt", "Fifteen letters"))["refused"]
        assert refused == {"code": "file_refused", "reason": "documents", "values": {"most": "2e-05"}}


@pytest.mark.parametrize("query", ["view=-1", "view=x", "page=99999999999999", "view=1.5", "view=" + "0" * 5000])
async def test_a_part_that_is_none_is_refused(api, query):
    given = await give(api, "a.txt", "Apples.")
    answer = await ask(api, "GET", f"/documents/{given['id']}/text?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_a_long_page_is_read_in_parts_that_make_the_whole(api):
    text = "".join(f"Line {number} of a long text without pages.\n" for number in range(600)).strip()
    given = await give(api, "long.txt", text)
    await until_indexed(api)
    first = (await ask(api, "GET", f"/documents/{given['id']}/text")).json()
    parts = [(await ask(api, "GET", f"/documents/{given['id']}/text?view={n}")).json() for n in range(first["views"])]
    assert len(parts) == 4
    assert "".join(part["text"] for part in parts) == text
    assert all(part["text"].endswith("\n") for part in parts[:-1])
    hit = (await found(api, "line+577"))[0]
    there = (await ask(api, "GET", f"/documents/{given['id']}/text?chunk={hit['chunk']}")).json()
    assert there["view"] == 3


async def test_a_file_that_comes_twice_at_the_same_moment_is_one_document(api):
    for name, content in (("a.txt&key=good", "Apples."), ("b.txt&key=refused", b"")):
        given = await asyncio.gather(*(give(api, name, content) for _ in range(3)))
        assert len({each["id"] for each in given}) == 1
    assert len(await listed(api)) == 2


NAMELESS = {
    "a document that is moved": ("PATCH", "/documents/%00", {"collection": ""}, 404),
    "one that is deleted": ("DELETE", "/documents/%00", None, 404),
    "a collection that is deleted": ("DELETE", "/collections/%00", None, 404),
    "a message that is shown": ("POST", "/messages/show", {"id": "\0"}, 404),
    "a conversation that others are related to": ("GET", "/search/related?conversation=%00", None, 200),
}


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize(("method", "path", "body", "status"), NAMELESS.values(), ids=NAMELESS)
async def test_an_id_that_no_database_can_hold_is_one_that_is_not_there(api, method, path, body, status):
    assert (await ask(api, method, path, **({} if body is None else {"json": body}))).status_code == status
