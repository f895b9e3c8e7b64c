"""Files that are not what they seem, or that nobody here can take: each gets a sentence where the person looks."""

from __future__ import annotations

import base64
import io
import json
import random
import resource
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests import files
from tests.browser import Chat, query, until_seen
from tests.server import Server
from tests.upstream import Script, Upstream
from tests.wire import Wire

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "mine"</script></svg>'
POLYGLOT = files.image("PNG") + files.pdf("a second life")
AS_TEXT = "By its content it is a text, and goes as one."


def _give(chat: Chat, name: str, content: bytes, kind: str = "") -> None:
    chat.page.locator(".composer input[type=file]").set_input_files(
        [{"name": name, "mimeType": kind or "application/octet-stream", "buffer": content}]
    )


def _stored(server: Server) -> int:
    return query(server, "SELECT count(*) FROM attachments WHERE message_id IS NULL")


def _content(upstream: Upstream) -> str:
    return str(upstream.chats[-1].body["messages"][-1]["content"])


@pytest.mark.breaks
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("cut.jpg", files.image("JPEG")[:3000], "The file cannot be read: it is damaged or cut off."),
        ("bomb.png", files.bomb(), "The picture has more than 25 million pixels."),
        ("empty.png", b"", "The file is empty."),
        ("bomb.docx", files.zip_bomb(), "The file takes too much time or memory to read."),
        ("secret.pdf", files.pdf("hidden", password="not-a-secret"), "The file is protected by a password."),
        ("locked.docx", files.locked_word(), "The file is protected by a password."),
        ("old.doc", files.old_word(), "old.doc is of an older format of Office: save it as DOCX, XLSX or PPTX."),
        ("long.flac", files.sound("FLAC", 601, 8000), "The recording is longer than 10 minutes."),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_what_cannot_be_taken_says_why_offers_no_second_try_and_leaves_nothing(
    chat: Chat, server: Server, name, content, sentence
):
    before = _stored(server)
    _give(chat, name, content)
    row = chat.page.locator(".attached")
    expect(row.get_by_role("alert")).to_have_text(sentence)
    expect(row.get_by_role("button", name="Retry")).to_have_count(0)
    assert _stored(server) == before
    assert [path for path in (server.folder / "files" / "incoming").iterdir() if path.is_file()] == []


@pytest.mark.parametrize(
    ("name", "kind", "content", "shown", "note"),
    [
        ("notes.png", "image/png", b"just words", "notes.png", AS_TEXT),
        ("drawing.svg", "image/svg+xml", SVG, "drawing.svg", AS_TEXT),
        ("two.png", "image/png", POLYGLOT, "two.png", "Two files in one: it is sent as the first of them."),
        ("two.pdf", "application/pdf", POLYGLOT, "two.pdf", "By its content it is a picture, and goes as one."),
        ("../../etc/passwd", "", b"root", "passwd", "Its name held a path, or signs that do not show"),
        ("a\u202egnp.txt", "text/plain", b"words", "agnp.txt", "Its name held a path, or signs that do not show"),
        ("scan.pdf", "application/pdf", files.scanned_pdf(), "scan.pdf", "Pages without text: 2."),
    ],
)
def test_what_is_not_what_it_seems_says_as_what_it_is_taken(
    chat: Chat, server: Server, name, kind, content, shown, note
):
    _give(chat, name, content, kind)
    row = chat.page.locator(".attached.here")
    expect(row.locator(".name")).to_have_text(shown)
    expect(row.locator(".note")).to_contain_text(note)
    assert chat.page.title() != "mine"
    row.get_by_role("button", name=f"Remove {shown}").click()
    expect(row).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("times.pdf", files.pdf("The ferry leaves at 07:10", "and at 09:55"), ("[page 2]", "ferry leaves at 07:10")),
        ("plan.docx", files.word(), ("plan.docx",)),
    ],
)
def test_documents_go_as_their_words_and_the_details_say_so(chat: Chat, upstream, name, content, words):
    _give(chat, name, content)
    expect(chat.page.locator(".attached.here")).to_be_visible()
    chat.get("When?")

    for each in words:
        assert each in _content(upstream)
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Details").click()
    expect(chat.page.get_by_role("dialog")).to_contain_text(f"Sent as text{name}")


def test_a_moving_picture_is_sent_as_one_that_stands_and_another_model_gets_it_too(chat: Chat, upstream):
    _give(chat, "moving.gif", files.animation())
    expect(chat.page.locator(".attached.here img")).to_be_visible()
    chat.get("What moves?")
    chat.answers.last.hover()
    chat.answers.last.get_by_role("button", name="Try again").click()
    chat.page.get_by_role("menuitem", name="other").click()
    until_seen(chat.page, lambda: len(upstream.chats) == 2)
    chat.expect_status("complete")

    assert [call.body["model"] for call in upstream.chats] == ["echo", "other"]
    for call in upstream.chats:
        (part,) = [part for part in call.body["messages"][-1]["content"] if part["type"] == "image_url"]
        url = part["image_url"]["url"]
        assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).format in ("PNG", "JPEG")


def test_a_picture_is_pasted_wherever_the_focus_is_and_no_page_gives_way_to_a_dropped_file(chat: Chat, server: Server):
    event = """([kind, name, data]) => {
      const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], name, { type: "image/png" }));
      const made = kind === "paste"
        ? new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: transfer })
        : new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer });
      document.body.dispatchEvent(made);
      return made.defaultPrevented;
    }"""
    data = base64.b64encode(files.image("PNG")).decode()
    chat.page.evaluate("document.activeElement.blur()")
    assert chat.page.evaluate(event, ["paste", "pasted.png", data])
    expect(chat.page.locator(".attached.here")).to_have_attribute("aria-label", "pasted.png")
    chat.button("Remove pasted.png").click()
    chat.page.goto(f"{server.url}/settings")
    expect(chat.page.locator(".about")).to_be_visible()
    assert chat.page.evaluate(event, ["dragover", "a.png", data])
    assert chat.page.evaluate(event, ["drop", "a.png", data])


@pytest.mark.breaks
def test_an_upload_that_stands_still_is_tried_again(lone_chat: Chat):
    chat, held = lone_chat, []
    chat.page.clock.install()
    chat.page.route("**/api/files?*", lambda route: held.append(route) if not held else route.continue_())
    _give(chat, "a.txt", b"words")
    until_seen(chat.page, lambda: held)
    chat.page.clock.run_for(31_000)
    expect(chat.page.locator(".attached.here")).to_be_visible()


@pytest.mark.breaks
def test_a_connection_that_is_lost_at_60_percent_is_tried_again_and_leaves_nothing_half(new_context, server: Server):
    content = bytes(random.Random(7).choices(b"abcdefgh \n", k=3_000_000))
    with Wire().open() as wire:
        chat = Chat(new_context(proxy=wire.proxy).new_page())
        chat.page.goto(server.url)
        before = _stored(server)
        wire.cut_after(1_800_000)
        _give(chat, "long.txt", content)
        until_seen(chat.page, lambda: wire.has_cut)
        expect(chat.page.locator(".attached.here")).to_be_visible()
        assert _stored(server) == before + 1
        file_id = query(server, "SELECT max(id) FROM attachments")
        assert chat.page.request.get(f"{server.url}/api/files/{file_id}").body() == content
        until_seen(chat.page, lambda: not any((server.folder / "files" / "incoming").iterdir()))
        chat.button("Remove long.txt").click()


@pytest.mark.breaks
def test_a_disk_that_is_full_is_told_as_such(chat: Chat, server: Server):
    place = server.folder / "files" / "incoming"
    place.mkdir(parents=True, exist_ok=True)
    for path in place.iterdir():
        path.unlink()
    place.rmdir()
    Path(place).write_bytes(b"")  # no folder can be made here, as none can be on a disk without room
    try:
        _give(chat, "a.txt", b"words")
        row = chat.page.locator(".attached")
        expect(row.get_by_role("alert")).to_have_text("The server cannot store it just now: its disk may be full.")
    finally:
        place.unlink()
    row.get_by_role("button", name="Retry").click()
    expect(chat.page.locator(".attached.here")).to_be_visible()


@pytest.mark.breaks
def test_a_write_that_fails_in_the_middle_leaves_nothing_and_can_be_tried_again(chat: Chat, server: Server):
    (process,) = server.workers()
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (15_000_000, before[1]))  # as on a disk with room for so much
    try:
        _give(chat, "long.txt", b"words " * 3_000_000)
        row = chat.page.locator(".attached")
        expect(row.get_by_role("alert")).to_have_text("The server cannot store it just now: its disk may be full.")
        assert not any((server.folder / "files" / "incoming").iterdir())
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)
    row.get_by_role("button", name="Retry").click()
    expect(chat.page.locator(".attached.here")).to_be_visible()
    chat.button("Remove long.txt").click()


def test_passages_says_that_it_reads_no_files(chat: Chat):
    chat.button("Model").click()
    chat.page.get_by_role("option", name="Passages").click()
    _give(chat, "a.txt", b"words")
    expect(chat.page.locator(".unable")).to_have_text(
        "Passages quotes the guide, documents and earlier answers, and reads no attached files: they stay for models that do."
    )
    chat.button("Remove a.txt").click()
    expect(chat.page.locator(".unable")).to_have_count(0)


@pytest.mark.breaks
def test_a_model_that_turns_out_to_be_blind_says_so_and_goes_on_with_the_words(chat: Chat, server: Server, upstream):
    refused = Script(status=400, body=json.dumps({"message": "echo is not a multimodal model", "code": 400}).encode())
    upstream.then(refused)
    _give(chat, "flag.png", files.image("PNG"))
    expect(chat.page.locator(".attached.here")).to_be_visible()
    chat.ask("What is it?")
    card = chat.answers.last.locator(".card")
    try:
        expect(card).to_contain_text("echo does not take all of these files.")
        card.get_by_role("button", name="Retry").click()
        chat.expect_status("complete")
        assert _content(upstream) == "[flag.png]\n\nWhat is it?"
        _give(chat, "other.png", files.image("PNG"))
        expect(chat.page.locator(".unable")).to_contain_text("echo cannot see pictures")
        chat.button("Remove other.png").click()
    finally:  # others share the server, and their model sees
        name = chat.page.request.get(f"{server.url}/api/servers").json()["servers"][0]["name"]
        asked = {"data": {"server": name}, "headers": {"origin": server.url}}
        assert chat.page.request.post(f"{server.url}/api/servers/test", **asked).ok
    chat.get("and now?")
    assert "image_url" in str(upstream.chats[-1].body["messages"][0])
