"""Files that people give and get: by HTTP, streamed, and nobody else's."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from itertools import pairwise

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from chat_app.api.identity import LOCAL_USER
from chat_app.store.tables import users
from tests import files
from tests.api.programs import Api, serving
from tests.waiting import until

PNG = files.image("PNG")


@pytest.fixture
async def api(tmp_path) -> AsyncIterator[Api]:
    async with serving(tmp_path, max_file_bytes=100_000) as made:
        yield made


def _page(api: Api, user: str = LOCAL_USER) -> httpx.AsyncClient:
    headers = {"cookie": api.identity.cookie(user), "origin": api.url}
    return httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60, verify=False)


def _left(api: Api) -> list[str]:
    folder = api.services.settings.chat_app_data / "files"
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_file_is_taken_given_back_whole_and_in_ranges_and_taken_back(api):
    async with _page(api) as page:
        taken = await page.post("/api/files?name=..%2F报告.png", content=PNG)
        file = taken.json()
        assert (taken.status_code, file) == (
            201,
            {
                "id": file["id"], "name": "报告.png", "media_type": "image/png", "size_bytes": len(PNG),
                "facts": {"width": 640, "height": 480, "view_type": "image/png"},
            },
        )  # fmt: skip
        whole = await page.get(f"/api/files/{file['id']}")
        part = await page.get(f"/api/files/{file['id']}", headers={"range": "bytes=8-11"})
        saved = await page.get(f"/api/files/{file['id']}?download=1")
        assert (whole.content, whole.headers["content-type"]) == (PNG, "image/png")
        assert (part.status_code, part.content) == (206, PNG[8:12])
        assert whole.headers["x-content-type-options"] == "nosniff"
        assert whole.headers["content-security-policy"].startswith("default-src 'none'")
        assert whole.headers["content-disposition"].startswith("inline; filename*=utf-8''%E6%8A%A5")
        assert saved.headers["content-disposition"].startswith("attachment; ")
        assert (await page.delete(f"/api/files/{file['id']}")).status_code == 204
        assert (await page.get(f"/api/files/{file['id']}")).status_code == 404


async def test_a_pictures_copies_are_given_to_its_owner_and_say_nothing_of_where_it_was_taken(api):
    async with _page(api) as page, _page(api, "other") as other:
        file = (await page.post("/api/files?name=a.jpg", content=files.photo())).json()
        view, thumb, original = [
            await page.get(f"/api/files/{file['id']}{way}") for way in ("?as=view", "?as=thumb", "?download=1")
        ]
        assert (await other.get(f"/api/files/{file['id']}?as=view")).status_code == 404
        assert (await page.get(f"/api/files/{file['id']}?as=%2e%2e")).status_code == 404
    assert (file["facts"]["width"], file["facts"]["height"]) == (480, 640)
    assert (view.headers["content-type"], thumb.headers["content-type"]) == ("image/jpeg", "image/webp")
    assert b"Secret" in original.content
    assert b"Secret" not in view.content + thumb.content


@pytest.mark.parametrize(
    ("name", "content"), [("x.svg", b"<svg onload='x'/>"), ("x.html", b"<script>x</script>"), ("x", files.pdf("words"))]
)
async def test_what_may_run_in_a_browser_is_never_shown_there(api, name, content):
    async with _page(api) as page:
        file = (await page.post(f"/api/files?name={name}", content=content)).json()
        got = await page.get(f"/api/files/{file['id']}")

    assert got.headers["content-disposition"].startswith("attachment; ")
    assert got.headers["content-type"] in ("text/plain; charset=utf-8", "application/pdf")


@pytest.mark.parametrize(
    ("content", "reason", "values"),
    [
        (b"", "empty", {}), (b"x" * 100_001, "large", {"most": "0.1"}), (b"\x7fELF" + bytes(50), "kind", {"name": "x.png"}),
        (files.image("PNG")[:900], "broken", {}), (files.bomb(20_000, 20_000), "pixels", {"most": 25}),
    ],
)  # fmt: skip
async def test_what_cannot_be_taken_is_said_and_leaves_nothing(api, content, reason, values):
    async def pieces() -> AsyncIterator[bytes]:  # without a length
        yield content

    async with _page(api) as page:
        for body in (content, pieces()):
            refused = await page.post("/api/files?name=x.png", content=body)
            assert refused.json()["error"] | {"message": ""} == {
                "code": "file_refused", "message": "", "reason": reason, "values": values,
            }  # fmt: skip
    assert _left(api) == []


async def test_nobody_gets_takes_back_or_learns_of_somebody_elses_file(api):
    async with _page(api) as mine, _page(api, "other") as theirs:
        file = (await mine.post("/api/files?name=a.png", content=PNG)).json()
        for answer in (
            await theirs.get(f"/api/files/{file['id']}"), await theirs.delete(f"/api/files/{file['id']}"),
            await mine.get("/api/files/nothing"), await mine.get("/api/files/..%2Fchat.db"),
        ):  # fmt: skip
            assert answer.status_code == 404
        assert (await mine.get(f"/api/files/{file['id']}")).content == PNG
    async with httpx.AsyncClient(base_url=api.url, headers={"origin": api.url}, verify=False) as nobody:
        assert (await nobody.post("/api/files", content=PNG)).status_code == 401


async def test_an_upload_that_is_cut_leaves_nothing(api):
    async def is_under_way() -> bool:
        return _left(api) != []

    async def is_gone() -> bool:
        return _left(api) == []

    _, writer = await asyncio.open_connection("127.0.0.1", int(api.url.rpartition(":")[2]))
    try:
        lines = (
            "POST /api/files?name=a HTTP/1.1", f"host: {api.url[7:]}", f"origin: {api.url}",
            f"cookie: {api.identity.cookie(LOCAL_USER)}", "content-length: 90000", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode() + b"x" * 60_000)
        await until(is_under_way)
    finally:
        writer.close()
    await until(is_gone)


async def test_what_one_person_attaches_and_does_not_send_is_bounded_for_them_alone(tmp_path):
    async with serving(tmp_path, max_unsent_bytes=1000) as api, _page(api) as mine, _page(api, "other") as theirs:
        async with api.services.database.write() as connection:
            person = {"id": "other", "created_at": 1, "name": "Wei", "role": "user", "preferences": "{}"}
            await connection.execute(insert(users), person)
        first, second, third = [await mine.post("/api/files", content=letter * 400) for letter in (b"a", b"b", b"c")]
        assert (first.status_code, second.status_code) == (201, 201)
        assert (third.status_code, third.json()["error"]["reason"]) == (400, "unsent")
        assert len([name for name in _left(api) if "." not in name]) == 2
        assert (await theirs.post("/api/files", content=b"c" * 400)).status_code == 201
        await mine.delete(f"/api/files/{first.json()['id']}")
        assert (await mine.post("/api/files", content=b"c" * 400)).status_code == 201


async def test_fifty_at_once_are_all_there(api):
    async with _page(api) as page:
        contents = [f"line {number}".encode() + os.urandom(20).hex().encode() for number in range(40)]
        contents += [files.image("PNG", 50 + number) for number in range(10)]  # each by a process of its own
        given = [a.json() for a in await asyncio.gather(*(page.post("/api/files?name=a", content=c) for c in contents))]
        for content, file in zip(contents, given, strict=True):
            assert (await page.get(f"/api/files/{file['id']}")).content == content


@pytest.mark.slow
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=st.text(max_size=300), content=st.binary(max_size=3000), cuts=st.lists(st.integers(0, 3000), max_size=5))
async def test_whatever_is_uploaded_under_whatever_name_is_taken_or_refused_and_leaves_nothing_half(
    api, name, content, cuts
):
    async def pieces() -> AsyncIterator[bytes]:
        places = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
        for start, end in pairwise(places):
            yield content[start:end]

    given_name = name.encode("utf-8", "replace").decode()
    async with _page(api) as page:
        answer = await page.post("/api/files", params={"name": given_name}, content=pieces())
        assert answer.status_code in (201, 400), answer.text
        if answer.status_code == 201:
            file = answer.json()
            assert (await page.get(f"/api/files/{file['id']}?download=1")).content == content
            assert (await page.delete(f"/api/files/{file['id']}")).status_code == 204
        else:
            assert answer.json()["error"]["reason"]
    incoming = api.services.blobs.scratch
    assert [path for path in incoming.glob("*") if path.is_file()] == []


async def test_a_disk_that_fails_where_words_are_written_is_no_fault_of_the_file(api, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("chat_app.conversations.attachments.write_text", full)
    async with _page(api) as page:
        answer = await page.post("/api/files?name=a.txt", content=b"words")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    assert _left(api) == []


async def test_an_upload_that_stands_still_is_given_up_and_leaves_nothing(api, monkeypatch):
    monkeypatch.setattr("chat_app.api.files._STALLED_S", 0.2)

    async def stalls() -> AsyncIterator[bytes]:
        yield b"words"
        await asyncio.sleep(2)
        yield b"that come too late"

    async with _page(api) as page:
        answer = await page.post("/api/files?name=a.txt", content=stalls())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert _left(api) == []
