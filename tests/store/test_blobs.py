"""Files on the disk and in the tables: whole or not at all, once for all who have them, and gone with the last."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from chat_app.errors import FileRefused, NotFound, StoreUnavailable
from chat_app.messages import FileFacts
from chat_app.store.blobs import AttachmentRecord, BlobStore, Received
from chat_app.store.database import Database, now_ms
from chat_app.store.tables import users

MOST = 1000


@pytest.fixture
async def store(database: Database, tmp_path: Path) -> BlobStore:
    async with database.write() as connection:
        person = {"id": "other", "created_at": 1, "name": "Wei", "role": "user", "preferences": "{}"}
        await connection.execute(insert(users), person)
    return BlobStore(database, tmp_path / "files")


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _received(store: BlobStore, content: bytes = b"hello") -> Received:
    return await store.receive(_pieces(content[:2], content[2:]), MOST)


async def _given(store: BlobStore, user: str, name: str = "a.txt") -> AttachmentRecord:
    received = await _received(store)
    try:
        return await store.add(user, received, name, "text/plain")
    finally:
        received.drop()


def _files(store: BlobStore) -> list[Path]:
    return [path for path in store._folder.rglob("*") if path.is_file()]


async def test_the_same_content_looked_into_better_has_what_was_made_then_and_never_less(store):
    async def given(pages: bytes, facts: FileFacts) -> AttachmentRecord:
        received = await _received(store)
        received.path.with_suffix(".pages").write_bytes(pages)
        try:
            added = await store.add("local", received, "a.pdf", "application/pdf", facts)
        finally:
            received.drop()
        return await store.read("local", added.id)

    half = await given(b"half", FileFacts(pages=2, wordless=2, scans=((1, 4),)))
    whole = await given(b"all of it", FileFacts(pages=2, wordless=2, scans=((1, 4), (2, 5))))
    none = await given(b"", FileFacts(pages=2, wordless=2))

    assert half.blob_id == whole.blob_id == none.blob_id
    assert none.facts.scans == ((1, 4), (2, 5))
    assert store.path_of(none.blob_id).with_suffix(".pages").read_bytes() == b"all of it"


async def test_what_came_is_stored_once_and_each_owner_has_a_file_of_their_own(store):
    records = [
        await _given(store, user, name) for user, name in (("local", "a.txt"), ("other", "b.txt"), ("local", "c.txt"))
    ]

    (file,) = _files(store)
    assert file.read_bytes() == b"hello"
    assert file.stat().st_mode & 0o077 == 0 or file.parent.stat().st_mode & 0o077 == 0
    for user, record in zip(("local", "other", "local"), records, strict=True):
        assert await store.read(user, record.id) == record
        assert store.path_of(record.blob_id) == file
    with pytest.raises(NotFound):
        await store.read("other", records[0].id)


async def test_a_file_that_is_empty_too_large_or_broken_off_leaves_nothing(store):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 500
        raise ConnectionResetError

    for pieces, error in (
        (_pieces(), FileRefused),
        (_pieces(b"x" * 600, b"x" * 600), FileRefused),
        (broken(), StoreUnavailable),
    ):
        with pytest.raises(error):
            await store.receive(pieces, MOST)
    assert _files(store) == []


async def test_a_disk_that_cannot_be_written_is_said(store):
    store._folder.mkdir()
    (store._folder / "incoming").write_text("no folder")

    with pytest.raises(StoreUnavailable):
        await _received(store)


async def test_the_blob_of_a_file_goes_with_its_last_owner_and_no_sooner(store):
    mine = await _given(store, "local")
    theirs = await _given(store, "other", "b.txt")
    (file,) = _files(store)
    os.utime(file, (1, 1))
    await store.remove("local", mine.id)
    with pytest.raises(NotFound):
        await store.remove("local", theirs.id)
    await store.sweep(0)
    assert store.path_of((await store.read("other", theirs.id)).blob_id).read_bytes() == b"hello"

    await store.remove("other", theirs.id)
    await store.sweep(now_ms() + 1000)
    assert _files(store) == []


async def test_what_was_never_sent_is_swept_after_its_time_and_what_is_under_way_is_not(store):
    old = await _given(store, "local")
    under_way = await _received(store, b"under way")
    await store.sweep(now_ms() - 60_000)
    assert await store.read("local", old.id) == old
    assert under_way.path.exists()

    await store.sweep(now_ms() + 1000)
    with pytest.raises(NotFound):
        await store.read("local", old.id)
    assert _files(store) == []


async def test_many_who_give_the_same_at_once_share_one_file(store):
    records = await asyncio.gather(*(_given(store, "local") for _ in range(8)))

    assert len({record.id for record in records}) == 8
    assert len({(await store.read("local", record.id)).blob_id for record in records}) == 1
    await store.sweep(now_ms() - 60_000)
    assert [path.read_bytes() for path in _files(store)] == [b"hello"]


async def test_a_file_that_somebody_deleted_behind_our_back_is_there_again_when_it_is_given_again(store):
    first = await _given(store, "local")
    store.path_of(first.blob_id).unlink()
    again = await _given(store, "other")

    assert again.blob_id == first.blob_id
    assert store.path_of(again.blob_id).read_bytes() == b"hello"


async def test_a_file_that_was_swept_and_comes_again_is_there(store, database):
    first = await _given(store, "local")
    await store.remove("local", first.id)
    await store.sweep(now_ms() + 1000)
    again = await _given(store, "local")

    assert store.path_of((await store.read("local", again.id)).blob_id).read_bytes() == b"hello"
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM blobs"))).scalar_one() == 1
