"""Conversations leave with the files that came with them, each content once, and come back with them."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_app.api.identity import LOCAL_USER
from chat_app.errors import StoreUnavailable
from chat_app.messages import text_of
from tests import files
from tests.api.test_sent_files import Talk, talking
from tests.conftest import LOCAL
from tests.upstream import Upstream

PHOTO, WORDS, SOUND = files.photo(), b"words and more of them", files.sound()


@pytest.fixture
async def talk(tmp_path, upstream) -> AsyncIterator[Talk]:
    async with talking(tmp_path / "a", upstream) as made:
        yield made


@pytest.fixture
async def other(tmp_path, upstream) -> AsyncIterator[Talk]:
    """Another machine's."""
    async with talking(tmp_path / "b", upstream, max_file_bytes=100_000) as made:
        yield made


async def _export(talk: Talk, conversation_id: str = "") -> tuple[str, bytes]:
    """(name, content)."""
    path = f"/api/conversations/{conversation_id}/export?format=json" if conversation_id else "/api/export"
    answer = await talk.page.get(path)
    return answer.headers["content-disposition"].partition("''")[2], answer.content


async def _import(talk: Talk, contents: bytes) -> dict:
    return (await talk.page.post("/api/import", content=contents)).json()


def _opened(contents: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(contents))


def _conversations(contents: bytes) -> list[dict]:
    return json.loads(_opened(contents).read("conversations.json"))["conversations"]


def _archive(conversations: object, **given: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps(conversations))
        for name, content in given.items():
            archive.writestr(f"files/{name}", content)
    return file.getvalue()


def _own(*attachments: dict) -> dict:
    parts = [{"type": "text", "text": "look"}, *({"type": "attachment", "size_bytes": 1, **a} for a in attachments)]
    message = {"id": "m", "role": "user", "parts": parts}
    return {"format": "chat_app", "version": 1, "conversations": [{"key": "k", "title": "T", "messages": [message]}]}


def _named(name: str, **more: object) -> dict:
    return {"attachment_id": f"files/{name}", "name": name, "media_type": "text/plain", **more}


async def _questions(talk: Talk) -> list[dict]:
    """The files of everything that was asked, oldest conversation last."""
    exported = (await _export(talk))[1]
    if not zipfile.is_zipfile(io.BytesIO(exported)):
        return []
    parts = [p for c in _conversations(exported) for m in c["messages"] for p in m["parts"]]
    return [part for part in parts if part["type"] == "attachment"]


def _left(folder: Path) -> list[Path]:
    """Files that nobody has cleared away."""
    return [path for path in folder.glob("files/incoming/*") if path.is_file()]


async def _unsent(talk: Talk) -> int:
    async with talk.api.services.database.read() as connection:
        query = "SELECT count(*) FROM attachments WHERE message_id IS NULL"
        return (await connection.exec_driver_sql(query)).scalar_one()


async def test_a_conversation_without_files_is_plain_json(talk):
    turn = await talk.send("hello")
    name, contents = await _export(talk, turn["conversation_id"])

    assert name.endswith(".json")
    assert json.loads(contents)["format"] == "chat_app"


async def test_files_leave_with_their_conversations_each_content_once(talk, tmp_path):
    first = await talk.send("look", await talk.give("a.jpg", PHOTO), await talk.give("notes.txt", WORDS))
    await talk.send("again", await talk.give("copy of a.jpg", PHOTO), conversation_id=first["conversation_id"])
    await talk.send("elsewhere", await talk.give("b.jpg", PHOTO))
    name, contents = await _export(talk)

    archive = _opened(contents)
    assert name == "conversations.zip"
    assert sorted(map(len, (archive.read(n) for n in archive.namelist() if n.startswith("files/")))) == sorted(
        [len(PHOTO), len(WORDS)]
    )
    assert _left(tmp_path / "a") == []


async def test_what_left_comes_back_elsewhere_with_its_files_their_copies_and_what_is_said_in_them(talk, other):
    given = [
        await talk.give("harbour.jpg", PHOTO) | {"alt": "A harbour"},
        await talk.give("notes.txt", WORDS),
        await talk.give("voice.wav", SOUND),
    ]
    await talk.api.services.blobs.keep_transcript("local", given[2]["id"], "The quick brown fox.")
    turn = await talk.send("look", *given)
    await talk.send("and again", edit=turn["question_id"])  # a second branch with files of its own
    _, contents = await _export(talk, turn["conversation_id"])

    assert await _import(other, contents) == {"added": 1, "known": 0, "lost": 0}
    listed = (await other.api.services.conversations.library.library("local", limit=9))[0]
    page = await other.api.services.conversations.open(LOCAL, listed.id)
    photo, notes, voice = await other.files_of(page.messages[-2].id)
    for part, content in ((photo, PHOTO), (notes, WORDS), (voice, SOUND)):
        assert (await other.page.get(f"/api/files/{part['attachment_id']}?download=1")).content == content
    assert (photo["name"], photo["alt"]) == ("harbour.jpg", "A harbour")
    assert (await other.page.get(f"/api/files/{photo['attachment_id']}?as=thumb")).status_code == 200
    said = (await other.page.get(f"/api/files/{voice['attachment_id']}/transcript")).json()["text"]
    assert said == "The quick brown fox."
    assert len(await _questions(other)) == 6
    assert await _unsent(other) == 0

    await other.send("and now?", conversation_id=listed.id)
    assert "image_url" in str(other.asked["messages"][0])


async def test_importing_twice_adds_nothing_and_leaves_nothing_behind(talk, other, tmp_path):
    await talk.send("look", await talk.give("a.jpg", PHOTO))
    _, contents = await _export(talk)
    await _import(other, contents)

    assert await _import(other, contents) == {"added": 0, "known": 1, "lost": 0}
    assert await _unsent(other) == 0
    assert _left(tmp_path / "b") == []


async def test_a_file_that_cannot_be_taken_is_counted_and_the_words_come_all_the_same(other):
    large = _named("large.txt")
    archive = _archive(
        _own(_named("a.txt"), large, _named("none.txt")), **{"a.txt": WORDS, "large.txt": b"x" * 100_001}
    )

    assert await _import(other, archive) == {"added": 1, "known": 0, "lost": 2}
    names = [part["name"] for part in await _questions(other)]
    assert names == ["a.txt", "large.txt", "none.txt"]


async def test_what_an_archive_says_of_its_files_is_not_believed(other):
    claims = _named("a.txt", media_type="image/png", facts={"view_type": "image/svg+xml", "width": 9})
    await _import(other, _archive(_own(claims), **{"a.txt": WORDS}))

    (part,) = await _questions(other)
    assert part["media_type"] == "text/plain"
    assert "view_type" not in part.get("facts", {})
    assert part["size_bytes"] == len(WORDS)


async def test_an_archive_cannot_name_anothers_file(talk):
    given = await talk.give("secret.txt", WORDS)
    stranger = {"cookie": talk.api.identity.cookie("other")}
    foreign = _named("x") | {"attachment_id": given["id"]}
    await talk.page.post("/api/import", content=_archive(_own(foreign)), headers=stranger)

    assert (await talk.page.get(f"/api/files/{given['id']}", headers=stranger)).status_code == 404
    assert await _unsent(talk) == 1


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"PK\3\4 and no more", "archive"),
        (_archive(_own())[:-30], "archive"),
        (_archive(_own()).replace(b"conversations.json", b"somethingelse.json"), "no_conversations"),
        (_archive({"format": "chat_app", "version": 9, "conversations": []}), "format"),
        (_archive([{"mapping": 3}]), "unreadable"),
        (b"", "not_json"),
    ],
)
async def test_a_bad_archive_is_refused_in_a_sentence_and_nothing_is_kept(other, contents, reason, tmp_path):
    assert (await _import(other, contents))["error"]["reason"] == reason
    assert await other.api.services.conversations.library.all_ids("local") == []
    assert _left(tmp_path / "b") == []


async def test_a_damaged_file_in_an_archive_brings_nothing(other):
    archive = bytearray(_archive(_own(_named("a.txt"), _named("b.txt")), **{"a.txt": WORDS, "b.txt": WORDS * 9}))
    at = archive.index(b"files/b.txt") + len("files/b.txt") + 5
    archive[at : at + 8] = b"damaged!"

    assert (await _import(other, bytes(archive)))["error"]["reason"] == "archive"
    assert await other.api.services.conversations.library.all_ids("local") == []
    assert await _unsent(other) == 0


async def test_a_bomb_of_an_archive_is_not_unpacked(tmp_path, upstream: Upstream):
    many = {f"{n}.txt": b"0" * 1_000_000 for n in range(30)}
    bomb = _archive(_own(*(_named(name) for name in many)), **many)
    async with talking(tmp_path, upstream, max_archive_bytes=20_000_000) as talk:
        assert (await _import(talk, bomb))["error"]["reason"] == "too_large"
        words = _archive([" " * 30_000_000])
        assert len(words) < 100_000
        talk.api.services.settings.__dict__["max_import_bytes"] = 1_000_000
        assert (await _import(talk, words))["error"]["reason"] == "too_large"
        assert _left(tmp_path) == []


async def test_a_disk_that_is_full_in_the_middle_brings_nothing(other, monkeypatch):
    taken = other.api.services.conversations.attachments.take

    async def take(user_id, pieces, name):
        if name == "b.txt":
            raise StoreUnavailable("The file cannot be stored just now.")
        return await taken(user_id, pieces, name)

    monkeypatch.setattr(other.api.services.conversations.attachments, "take", take)
    archive = _archive(_own(_named("a.txt"), _named("b.txt")), **{"a.txt": WORDS, "b.txt": WORDS})

    assert (await _import(other, archive))["error"]["code"] == "store_unavailable"
    assert await other.api.services.conversations.library.all_ids("local") == []
    assert await _unsent(other) == 0


async def test_the_archive_that_chatgpt_sends_is_read_as_it_is(other):
    said = {"author": {"role": "user"}, "content": {"parts": ["why"]}, "create_time": 2}
    entry = {"conversation_id": "g", "title": "Trees", "current_node": "a", "mapping": {"a": {"message": said}}}

    assert await _import(other, _archive([entry])) == {"added": 1, "known": 0, "lost": 0}


async def test_the_files_of_chatgpts_archive_come_with_its_messages_and_those_that_are_missing_are_counted(other):
    content = {"content_type": "multimodal_text", "parts": [
        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-AbCdEfGh1", "size_bytes": 9},
        {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_00000000ab", "size_bytes": 9},
    ]}  # fmt: skip
    notes = {"id": "file-Notes12345", "name": "notes.txt", "mime_type": "text/plain", "size": 5}
    said = {"author": {"role": "user"}, "content": content, "metadata": {"attachments": [notes]}}
    entry = {"conversation_id": "g", "title": "Flags", "current_node": "a", "mapping": {"a": {"message": said}}}
    given = {"file-AbCdEfGh1-flag.png": files.image("PNG"), "file-Notes12345-notes.txt": b"words"}

    assert await _import(other, _archive([entry], **given)) == {"added": 1, "known": 0, "lost": 1}
    (record,) = await other.api.services.conversations.library.library(LOCAL_USER, limit=9)
    (message,) = await other.api.services.conversations.messages.all_of(LOCAL_USER, record.id)
    assert [(part.name, part.media_type, part.facts.width) for part in message.parts] == [
        ("notes.txt", "text/plain", 0), ("file-AbCdEfGh1", "image/png", 640), ("file_00000000ab", "image/png", 0),
    ]  # fmt: skip


async def test_the_words_that_claude_read_in_files_come_with_the_message_and_other_files_are_counted(other):
    read = {"file_name": "a.txt", "file_type": "txt", "file_size": 5, "extracted_content": "words of it"}
    said = {"uuid": "1", "sender": "human", "text": "why", "attachments": [read], "files": [{"file_name": "flag.png"}]}
    later = {"uuid": "2", "sender": "assistant", "text": "because", "attachments": None, "files": [{"file_name": None}]}
    entry = {"uuid": "c", "name": "Leaves", "chat_messages": [said, later]}

    assert await _import(other, json.dumps([entry]).encode()) == {"added": 1, "known": 0, "lost": 2}
    (record,) = await other.api.services.conversations.library.library(LOCAL_USER, limit=9)
    message, _ = await other.api.services.conversations.messages.all_of(LOCAL_USER, record.id)
    assert text_of(message.parts) == "why\n\na.txt:\nwords of it"
    assert [part.name for part in message.parts[1:]] == ["flag.png"]


async def test_two_names_of_one_content_stay_two_and_a_transcript_goes_with_the_content(talk, other):
    first = await talk.give("voice.wav", SOUND)
    await talk.api.services.blobs.keep_transcript("local", first["id"], "The quick brown fox.")
    turn = await talk.send("one", first, await talk.give("data.csv", b"a,b"))
    await talk.send("two", await talk.give("memo.wav", SOUND), await talk.give("data.txt", b"a,b"))
    await _import(other, (await _export(talk))[1])

    kept = await _questions(other)
    assert {(part["name"], part["media_type"]) for part in kept} == {
        ("voice.wav", "audio/wav"), ("memo.wav", "audio/wav"), ("data.csv", "text/csv"), ("data.txt", "text/plain")
    }  # fmt: skip
    conversations = _conversations((await _export(other))[1])
    assert "The quick brown fox." in str([each.get("transcripts") for each in conversations])
    assert turn["is_new"]


async def test_an_archive_that_was_packed_anew_in_a_folder_brings_its_files(other):
    whole = _opened(_archive(_own(_named("a.txt")), **{"a.txt": WORDS}))
    anew = io.BytesIO()
    with zipfile.ZipFile(anew, "w") as archive:
        for name in whole.namelist():
            archive.writestr(f"my conversations/{name}", whole.read(name))

    assert (await _import(other, anew.getvalue()))["lost"] == 0


async def test_the_conversations_of_an_archive_alone_say_that_their_files_are_not_there(other):
    alone = json.dumps(_own(_named("a.txt"), _named("b.txt"))).encode()

    assert await _import(other, alone) == {"added": 1, "known": 0, "lost": 2}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
async def test_what_python_cannot_unpack_piece_by_piece_is_refused(other, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("conversations.json", json.dumps(_own(_named("a.txt"))))
        archive.writestr("files/a.txt", b"0" * 1_000_000)

    assert (await _import(other, file.getvalue()))["error"]["reason"] == "archive"


async def test_an_archive_of_a_million_files_is_refused_before_they_are_listed(other, monkeypatch):
    monkeypatch.setattr("chat_app.conversations.archives._MOST_DIRECTORY", 1000)
    many = _archive(_own(), **{f"{n}.txt": b"" for n in range(30)})

    assert (await _import(other, many))["error"]["reason"] == "archive"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
async def test_a_damaged_archive_is_taken_or_refused_in_a_sentence_and_leaves_nothing(other, damages):
    archive = bytearray(_archive(_own(_named("a.txt")), **{"a.txt": WORDS}))
    for at, byte in damages:
        archive[at % len(archive)] = byte
    answer = await other.page.post("/api/import", content=bytes(archive))

    assert answer.status_code in (200, 400)
    assert await _unsent(other) == 0


async def test_what_is_nested_too_deeply_to_be_written_again_is_refused(other):
    deep: list = []
    for _ in range(500):
        deep = [deep]
    entry = _own()
    entry["conversations"][0]["messages"][0]["asked"] = {"extra": deep}

    assert (await _import(other, json.dumps(entry).encode()))["error"]["reason"] == "deep"
