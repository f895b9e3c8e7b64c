"""Files on the page: given by button, drop and paste, sent with a message, looked at in it."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests import files
from tests.browser import Chat, findings, query, until_seen
from tests.e2e.tray import Tray, sent_pictures
from tests.server import Server
from tests.waiting import until_now

UPLOADS = re.compile(r"/api/files\?")


@pytest.mark.parametrize("way", ["the button", "a drop", "a paste"])
def test_a_picture_is_given_seen_sent_and_shown(chat: Chat, tray: Tray, upstream, way):
    photo = files.photo()
    if way == "the button":
        tray.choose(harbour_jpg=photo)
    else:
        _hand_over(chat.page, "drop" if way == "a drop" else "paste", "harbour.jpg", photo)
    tray.expect_here("harbour.jpg")
    chat.field.fill("What is this?")
    chat.field.press("Enter")
    chat.expect_status("complete")
    chat.conversation_id()

    (picture,) = sent_pictures(upstream)
    assert picture.size == (480, 640)
    assert dict(picture.getexif()) == {}
    expect(tray.rows).to_have_count(0)
    expect(chat.questions.last.get_by_role("button", name="Open harbour.jpg")).to_be_visible()
    chat.page.reload()
    shown = chat.questions.last.get_by_role("button", name="Open harbour.jpg").locator("img")
    until_seen(chat.page, lambda: shown.evaluate("image => image.complete && image.naturalWidth") == 384)
    chat.get("and now?")
    body = upstream.chats[-1].body if len(upstream.chats) > 1 else {}
    assert "image_url" in str(body["messages"][0])


def _hand_over(page: Page, event: str, name: str, content: bytes) -> None:
    page.get_by_role("textbox", name="Message", exact=True).evaluate(
        """(field, [event, name, data]) => {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
          const options = { bubbles: true, cancelable: true };
          if (event === "paste") field.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: transfer }));
          else for (const each of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(each, { ...options, dataTransfer: transfer }));
        }""",
        [event, name, base64.b64encode(content).decode()],
    )


@pytest.mark.parametrize(
    ("way", "accepts", "captures"),
    [("Take a photo", "image/*", "environment"), ("Choose photos", "image/*", None), ("Choose files", None, None)],
)
def test_a_phone_offers_its_camera_its_photos_and_its_files(new_context, server: Server, way, accepts, captures):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = new_context(**phone).new_page()
    page.goto(server.url)
    page.get_by_role("button", name="Attach files").tap()
    assert findings(page) == []
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name=way).tap()
    given = chooser.value.element
    assert (given.get_attribute("accept"), given.get_attribute("capture")) == (accepts, captures)
    assert chooser.value.is_multiple()
    chooser.value.set_files([{"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": files.photo()}])
    expect(page.locator(".attached.here img")).to_be_visible()


def test_while_files_are_dragged_over_the_page_it_says_where_they_go(chat: Chat):
    drag = """name => { const transfer = new DataTransfer(); transfer.items.add(new File(["x"], "x.txt"));
        document.body.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer: transfer })); }"""
    chat.page.evaluate(drag, "dragenter")
    expect(chat.page.get_by_text("Drop the files here")).to_be_visible()
    chat.page.evaluate(drag, "dragleave")
    expect(chat.page.get_by_text("Drop the files here")).to_have_count(0)


def test_words_that_are_pasted_with_a_picture_of_them_are_words(chat: Chat, tray: Tray):
    chat.field.evaluate(
        """field => { const transfer = new DataTransfer(); transfer.setData("text/plain", "a cell");
          transfer.items.add(new File(["x"], "cell.png", { type: "image/png" }));
          field.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: transfer })); }"""
    )
    expect(tray.rows).to_have_count(0)


def test_several_are_sent_without_words_each_with_what_it_shows(chat: Chat, tray: Tray, upstream, server: Server):
    tray.choose(one_png=files.image("PNG"), two_webp=files.image("WEBP"), three_heic=files.image("HEIF"))
    tray.expect_here("one.png", "two.webp", "three.heic")
    tray.row("two.webp").get_by_role("button", name="Describe the picture").click()
    chat.page.get_by_role("textbox", name="Alternative text of two.webp").fill("Two flags")
    tray.button("Remove one.png").click()
    chat.button("Send").click()
    chat.expect_status("complete")

    assert len(sent_pictures(upstream)) == 2
    expect(chat.questions.last.get_by_role("button", name="Open Two flags").locator("img")).to_have_attribute(
        "alt", "Two flags"
    )
    expect(chat.questions.last.locator(".body")).to_be_hidden()
    left = "SELECT count(*) FROM attachments WHERE name = 'one.png' AND message_id IS NULL"
    until_now(lambda: query(server, left) == 0)


@pytest.mark.breaks
def test_what_cannot_be_taken_says_why_beside_it_and_holds_nothing_else_up(chat: Chat, tray: Tray, upstream):
    tray.choose(
        cut_jpg=files.image("JPEG")[:3000], bomb_png=files.bomb(), empty_png=b"", program_png=b"\x7fELF" + bytes(90),
        good_png=files.image("PNG"),
    )  # fmt: skip
    for name, sentence in {
        "cut.jpg": "The file cannot be read: it is damaged or cut off.",
        "bomb.png": "The picture has more than 25 million pixels.",
        "empty.png": "The file is empty.",
        "program.png": "program.png is of a kind that cannot be read here",
    }.items():
        expect(tray.row(name).get_by_role("alert")).to_contain_text(sentence)
    tray.expect_here("good.png")
    chat.field.fill("look")
    chat.field.press("Enter")
    expect(chat.page.get_by_text("Retry or remove the file that is not uploaded.")).to_be_visible()
    for name in ("cut.jpg", "bomb.png", "empty.png", "program.png"):
        tray.button(f"Remove {name}").click()
    chat.field.press("Enter")
    chat.expect_status("complete")
    assert len(sent_pictures(upstream)) == 1


def test_a_text_that_is_called_a_picture_is_taken_as_the_text_it_is(chat: Chat, tray: Tray):
    tray.choose(notes_png=b"just words")
    tray.expect_here("notes.png")
    expect(tray.row("notes.png").locator("img")).to_have_count(0)
    tray.button("Remove notes.png").click()


def test_files_that_are_pasted_with_nothing_but_their_names_are_files(chat: Chat, tray: Tray):
    chat.field.evaluate(
        """field => { const transfer = new DataTransfer(); transfer.setData("text/plain", "/home/wei/report.txt");
          transfer.items.add(new File(["x"], "report.txt", { type: "text/plain" }));
          field.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: transfer })); }"""
    )
    tray.expect_here("report.txt")
    expect(chat.field).to_have_value("")


def test_a_folder_that_is_dropped_is_told_to_be_none_that_can_be_attached(chat: Chat, tray: Tray):
    chat.page.evaluate(
        """() => { const folder = { kind: "file", webkitGetAsEntry: () => ({ isDirectory: true }) };
          const event = new DragEvent("drop", { bubbles: true, cancelable: true });
          Object.defineProperty(event, "dataTransfer", { value: { types: ["Files"], items: [folder] } });
          document.body.dispatchEvent(event); }"""
    )
    expect(chat.page.get_by_text("A folder cannot be attached: attach what is in it.")).to_be_visible()
    expect(tray.rows).to_have_count(0)


@pytest.mark.breaks
def test_what_failed_among_many_is_in_view_and_keys_keep_the_focus(chat: Chat, tray: Tray):
    chat.page.set_viewport_size({"width": 390, "height": 844})
    tray.choose(**{f"{letter}_png": files.image("PNG") for letter in "abcdefg"}, bad_jpg=files.image("JPEG")[:3000])
    tray.expect_here(*(f"{letter}.png" for letter in "abcdefg"))
    alert = tray.row("bad.jpg").get_by_role("alert")
    expect(alert).to_be_visible()

    def is_in_view() -> bool:
        place, box = alert.bounding_box(), chat.page.locator(".tray").bounding_box()
        return box["y"] <= place["y"] and place["y"] + place["height"] <= box["y"] + box["height"] + 1

    until_seen(chat.page, is_in_view)
    tray.row("a.png").get_by_role("button", name="Describe the picture").press("Enter")
    expect(chat.page.get_by_role("textbox", name="Alternative text of a.png")).to_be_focused()


def test_an_eleventh_file_has_no_room_and_the_first_ten_stay(chat: Chat, tray: Tray):
    tray.choose(**{f"{letter}_txt": letter.encode() for letter in "abcdefghijk"})
    expect(chat.page.get_by_text("A message can have 10 files.")).to_be_visible()
    tray.expect_here(*(f"{letter}.txt" for letter in "abcdefghij"))
    expect(tray.row("k.txt")).to_have_count(0)


@pytest.mark.breaks
def test_an_upload_whose_connection_breaks_goes_on_by_itself(chat: Chat, tray: Tray):
    tries: list[str] = []

    def cut_twice(route: Route) -> None:
        tries.append(route.request.url)
        if len(tries) <= 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    chat.page.route(UPLOADS, cut_twice)
    tray.choose(a_txt=b"words")
    expect(tray.row("a.txt").get_by_role("progressbar")).to_be_visible()
    tray.expect_here("a.txt")
    assert len(tries) == 3


@pytest.mark.breaks
def test_a_server_that_is_away_is_said_and_the_file_can_be_tried_again(lone_chat: Chat):
    chat, tray = lone_chat, Tray(lone_chat)
    chat.page.clock.install()
    chat.page.route(UPLOADS, lambda route: route.abort("connectionrefused"))
    tray.choose(a_txt=b"words")
    until_seen(chat.page, lambda: chat.page.clock.run_for(1000) or tray.row("a.txt").get_by_role("alert").is_visible())
    expect(tray.row("a.txt").get_by_role("alert")).to_have_text("The server cannot be reached.")
    chat.page.unroute(UPLOADS)
    tray.row("a.txt").get_by_role("button", name="Retry").click()
    tray.expect_here("a.txt")


def test_an_upload_can_be_cancelled_and_a_message_waits_for_one_that_runs(chat: Chat, tray: Tray):
    held: list[Route] = []
    chat.page.route(UPLOADS, lambda route: held.append(route))
    tray.choose(a_txt=b"words")
    until_seen(chat.page, lambda: held)
    chat.field.fill("look")
    chat.field.press("Enter")
    expect(chat.page.get_by_text("The files are still being uploaded.")).to_be_visible()
    expect(chat.questions).to_have_count(0)
    tray.button("Cancel a.txt").click()
    expect(tray.rows).to_have_count(0)
    expect(chat.page.get_by_text("The files are still being uploaded.")).to_have_count(0)
    expect(chat.field).to_have_value("look")


def test_files_that_are_there_outlive_a_reload_and_those_under_way_say_that_they_are_not(
    chat: Chat, tray: Tray, upstream
):
    tray.choose(here_png=files.image("PNG"))
    tray.expect_here("here.png")
    chat.page.route(UPLOADS, lambda route: None)
    tray.choose(late_txt=b"words")
    expect(tray.row("late.txt").get_by_role("progressbar")).to_be_visible()
    chat.page.reload()
    tray.expect_here("here.png")
    expect(tray.row("late.txt")).to_contain_text("Not uploaded: choose it again.")
    tray.button("Remove late.txt").click()
    chat.button("Send").click()
    chat.expect_status("complete")
    assert len(sent_pictures(upstream)) == 1


NOBODYS = "DELETE FROM attachments WHERE name = 'gone.txt'"
ANOTHERS = "UPDATE attachments SET user_id = 'wei' WHERE name = 'gone.txt'"


@pytest.mark.breaks
@pytest.mark.parametrize("change", [NOBODYS, ANOTHERS], ids=["gone", "somebody else's"])
def test_a_file_that_is_not_ones_own_any_more_says_so_and_can_be_left_out(
    chat: Chat, tray: Tray, server: Server, upstream, change
):
    query(
        server,
        "INSERT OR IGNORE INTO users (id, created_at, name, role, preferences) VALUES ('wei', 1, 'Wei', 'user', '{}')",
    )
    tray.choose(gone_txt=b"words", here_txt=b"more")
    tray.expect_here("gone.txt", "here.txt")
    query(server, change)
    chat.ask("look")
    expect(tray.row("gone.txt").get_by_role("alert")).to_contain_text("is not there any more")
    expect(chat.field).to_have_value("look")
    tray.button("Remove gone.txt").press("Enter")
    expect(chat.field).to_be_focused()
    chat.field.press("Enter")
    chat.expect_status("complete")
    assert "here.txt" in str(upstream.chats[0].body)
    for table, column in (("attachments", "user_id"), ("users", "id")):
        query(server, f"DELETE FROM {table} WHERE {column} = 'wei'")


WORDS = "Words 和字。\n".encode()
SIZES = {  # (some 20 MB, little), made when they are asked for
    "a.txt": lambda: (WORDS * (19_900_000 // len(WORDS)), WORDS),
    "a.png": lambda: (files.noise(), files.image("PNG")),
    "a.pdf": lambda: (files.noisy_pdf(), files.scanned_pdf()),
    "a.wav": lambda: (files.sound(seconds=310), files.sound()),
}


@pytest.mark.parametrize("name", SIZES)
def test_an_upload_of_20_mb_takes_no_more_memory_of_the_server_than_a_small_one(chat: Chat, server: Server, name):
    (process,) = server.workers()
    large, small = SIZES[name]()
    assert 19_000_000 < len(large) <= 20_000_000

    def give(content: bytes) -> None:
        origin = {"origin": server.url}
        answer = chat.page.request.post(f"{server.url}/api/files?name={name}", data=content, headers=origin)
        assert answer.status == 201, answer.text()
        chat.page.request.delete(f"{server.url}/api/files/{answer.json()['id']}", headers=origin)

    def peak_kb(given: bytes) -> int:
        Path(f"/proc/{process}/clear_refs").write_text("5")  # forget the peak so far (proc(5))
        give(given)
        return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1])

    give(small)
    assert peak_kb(large) - peak_kb(small) <= 10_000


@pytest.mark.breaks
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_in_the_tray(new_context, server: Server, width, scheme):
    page = new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto(server.url)
    tray = Tray(Chat(page))
    tray.choose(one_png=files.image("PNG"), cut_png=files.image("PNG")[:500], words_md=b"# words")
    tray.expect_here("one.png", "words.md")
    expect(tray.row("cut.png").get_by_role("alert")).to_be_visible()
    tray.row("one.png").get_by_role("button", name="Describe the picture").click()
    assert findings(page) == []


def test_what_another_tab_uploads_is_not_called_lost(chat: Chat, tray: Tray):
    held: list[Route] = []
    chat.page.route(UPLOADS, lambda route: held.append(route))
    tray.choose(a_txt=b"words")
    until_seen(chat.page, lambda: held)
    other = chat.page.context.new_page()
    other.goto(chat.page.url)
    row = other.locator(".attached")
    expect(row).to_contain_text("Being uploaded in another tab.")
    held[0].continue_()
    tray.expect_here("a.txt")
    expect(row).to_have_class("attached here")
    other.close()
    tray.button("Remove a.txt").click()
