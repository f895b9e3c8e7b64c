"""The files of messages on the page: looked at, listened to, kept and left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests import files
from tests.browser import Chat, findings, until_seen
from tests.e2e.tray import Tray, sent_pictures


def test_files_stay_through_editing_and_another_answer(chat: Chat, tray: Tray, upstream):
    tray.choose(flag_png=files.image("PNG"))
    tray.expect_here("flag.png")
    chat.get("look")
    chat.questions.last.hover()
    chat.button("Edit").first.click()
    field = chat.page.get_by_role("textbox", name="Edit message")
    edited = chat.page.get_by_role("list", name="Files of the edited message")
    expect(edited.get_by_role("listitem", name="flag.png").locator("img")).to_be_visible()
    field.fill("look again")
    field.press("Control+Enter")
    expect(chat.questions.last.locator(".body")).to_have_text("look again")
    chat.expect_status("complete")
    assert len(sent_pictures(upstream)) == 1
    expect(chat.questions.last.get_by_role("button", name="Open flag.png")).to_be_visible()
    chat.page.reload()
    expect(chat.questions.last.get_by_role("button", name="Open flag.png")).to_be_visible()


def test_a_file_can_be_left_out_of_an_edited_message_which_the_old_one_keeps(chat: Chat, tray: Tray, upstream):
    tray.choose(flag_png=files.image("PNG"), notes_txt=b"words")
    tray.expect_here("flag.png", "notes.txt")
    chat.get("look")
    chat.questions.last.hover()
    chat.button("Edit").first.click()
    edited = chat.page.get_by_role("list", name="Files of the edited message")
    assert findings(chat.page) == []
    edited.get_by_role("button", name="Remove flag.png").press("Enter")
    expect(chat.page.get_by_role("textbox", name="Edit message")).to_be_focused()
    chat.page.reload()
    chat.questions.last.hover()
    chat.button("Edit").first.click()
    expect(edited.get_by_role("listitem")).to_have_count(1)
    chat.page.get_by_role("textbox", name="Edit message").press("Control+Enter")
    expect(edited).to_have_count(0)
    chat.expect_status("complete")

    assert upstream.chats[-1].body["messages"][-1]["content"] == (
        '<document name="notes.txt">\nwords\n</document>\n\nlook'
    )
    expect(chat.questions.last.get_by_role("link", name=re.compile("notes.txt"))).to_be_visible()
    expect(chat.questions.last.locator(".picture")).to_have_count(0)
    chat.questions.last.get_by_role("button", name="Previous").click()
    expect(chat.questions.last.get_by_role("button", name="Open flag.png")).to_be_visible()


def _held(chat: Chat, path: str) -> list[Route]:
    held: list[Route] = []
    chat.page.route(re.compile(path), lambda route: held.append(route))
    return held


@pytest.mark.breaks
def test_an_edited_message_whose_words_come_late_keeps_its_files(chat: Chat, tray: Tray, upstream):
    tray.choose(one_png=files.image("PNG"), two_png=files.image("PNG", 200))
    tray.expect_here("one.png", "two.png")
    chat.get("look")
    edited = chat.page.get_by_role("list", name="Files of the edited message")
    chat.questions.last.hover()
    chat.button("Edit").first.click()
    edited.get_by_role("button", name="Remove one.png").click()
    is_held = [True]
    chat.page.route(re.compile("/api/messages"), lambda route: route.abort() if is_held else route.continue_())
    chat.page.reload()
    expect(chat.questions).to_have_count(1)
    chat.field.press("ArrowUp")
    send = chat.page.locator(".edit .primary")
    expect(send).to_be_disabled()
    is_held.clear()
    expect(edited.get_by_role("listitem")).to_have_count(1)
    send.click()
    expect(edited).to_have_count(0)
    chat.expect_status("complete")
    assert len(sent_pictures(upstream)) == 1


def test_an_edit_that_is_under_way_over_a_reload_shows_its_files_after_it(chat: Chat, tray: Tray, upstream):
    tray.choose(one_png=files.image("PNG"))
    tray.expect_here("one.png")
    chat.get("look")
    held = _held(chat, "/api/turns")
    chat.questions.last.hover()
    chat.button("Edit").first.click()
    chat.page.get_by_role("textbox", name="Edit message").fill("look again")
    chat.page.keyboard.press("Control+Enter")
    until_seen(chat.page, lambda: held)
    chat.page.unroute(re.compile("/api/turns"))
    chat.page.reload()
    expect(chat.questions.last.locator(".body")).to_have_text("look again")
    expect(chat.questions.last.get_by_role("button", name="Open one.png")).to_be_visible()
    chat.expect_status("complete")
    assert len(sent_pictures(upstream)) == 1


def test_pictures_are_looked_at_one_after_another(chat: Chat, tray: Tray):
    tray.choose(one_png=files.image("PNG"), two_jpg=files.photo())
    tray.expect_here("one.png", "two.jpg")
    chat.get("look")
    opener = chat.page.get_by_role("button", name="Open one.png")
    opener.click()
    viewer = chat.page.get_by_role("dialog", name="Picture")
    shown = viewer.get_by_role("img")
    expect(shown).to_have_attribute("alt", "one.png")
    expect(viewer).to_contain_text("1 / 2")
    width = shown.bounding_box()["width"]
    chat.page.keyboard.press("+")
    until_seen(chat.page, lambda: shown.bounding_box()["width"] > width * 1.4)
    chat.page.keyboard.press("ArrowRight")
    expect(shown).to_have_attribute("alt", "two.jpg")
    assert findings(chat.page) == []
    with chat.page.expect_download() as download:
        viewer.get_by_role("link", name="Download the original").click()
    assert download.value.suggested_filename == "two.jpg"
    assert Path(download.value.path()).read_bytes() == files.photo()
    chat.page.keyboard.press("ArrowRight")
    expect(shown).to_have_attribute("alt", "one.png")
    chat.page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    expect(opener).to_be_focused()


SHIFTED = """() => new Promise((done) => {
  let shifted = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((each) => (shifted += each.value)))
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(shifted), 300); // what was before comes as a task of its own
})"""


def test_pictures_are_asked_for_as_they_near_the_view_and_nothing_moves_when_they_come(chat: Chat, tray: Tray):
    for name in ("one", "two", "three", "four", "five"):
        tray.choose(**{f"{name}_png": files.image("PNG", 300, 600)})
        tray.expect_here(f"{name}.png")
        chat.get(f"look at {name}\n" + "and more\n" * 20)
    asked: list[Route] = []
    chat.page.route(re.compile("as=thumb"), lambda route: asked.append(route))
    chat.page.reload()
    until_seen(chat.page, lambda: asked)
    last = chat.questions.last
    expect(chat.page.locator('.body[data-loaded="false"]')).to_have_count(0)
    expect(chat.answers.last.locator(".prose p").last).to_be_visible()
    tops = "[...document.querySelectorAll('article')].map(article => article.getBoundingClientRect().top)"
    before = chat.page.evaluate(tops)
    assert last.locator(".picture").bounding_box()["height"] == 320
    assert len(asked) < 5
    asked[0].continue_()
    shown = last.get_by_role("button", name="Open five.png").locator("img")
    until_seen(chat.page, lambda: shown.evaluate("image => image.complete && image.naturalWidth > 0"))

    assert chat.page.evaluate(tops) == before
    assert chat.page.evaluate(SHIFTED) == 0
    chat.page.unroute(re.compile("as=thumb"))
    expect(chat.page.get_by_role("img", name="one.png")).to_have_count(1)
    last.locator(".picture").click()
    chat.page.keyboard.press("ArrowRight")
    expect(chat.page.get_by_role("dialog", name="Picture").get_by_role("img")).to_have_attribute("alt", "one.png")


def test_a_recording_is_heard_from_wherever_one_wants(chat: Chat, tray: Tray):
    tray.choose(talk_wav=files.sound(seconds=90))
    tray.expect_here("talk.wav")
    chat.get("What is said?")
    player = chat.questions.last.locator("audio")
    expect(chat.questions.last).to_contain_text("1:30")
    with chat.page.expect_response(lambda answer: answer.status == 206 and answer.headers["content-range"] != ""):
        player.evaluate("player => { player.muted = true; player.currentTime = 80; return player.play(); }")
    until_seen(chat.page, lambda: player.evaluate("player => player.currentTime > 80 && player.duration === 90"))
    player.evaluate("player => { player.pause(); player.currentTime = 10; }")
    until_seen(chat.page, lambda: player.evaluate("player => !player.seeking && player.currentTime === 10"))


def test_a_moving_picture_moves_when_it_is_looked_at(chat: Chat, tray: Tray):
    tray.choose(moving_gif=files.animation())
    tray.expect_here("moving.gif")
    chat.get("What moves?")
    with chat.page.expect_response(re.compile(r"/api/files/[^?]+$")) as whole:
        chat.page.get_by_role("button", name="Open moving.gif").click()
    assert whole.value.body() == files.animation()
