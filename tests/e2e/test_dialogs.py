"""Dialogs, the toast and the tab's title do what their buttons say."""

import re
import threading

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, query, show, until_heard
from tests.server import Server
from tests.upstream import Script, words

_PRESS_AT_ONCE = """
new MutationObserver((_, self) => {
  if (!document.getElementById("composer")) return;
  self.disconnect();
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", ctrlKey: true, bubbles: true, cancelable: true }));
}).observe(document, { subtree: true, childList: true });
"""


def test_a_key_pressed_as_soon_as_the_page_can_be_seen_is_not_lost(new_page: Page, server: Server):
    new_page.add_init_script(_PRESS_AT_ONCE)
    new_page.goto(server.url)
    expect(new_page.get_by_role("dialog", name="Keys")).to_be_visible()


@pytest.mark.parametrize("how", ["button", "key", "backdrop"])
def test_the_list_of_keys_closes_by_whatever_closes_it(chat: Chat, how):
    chat.page.keyboard.press("Control+/")
    dialog = chat.page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    if how == "button":
        dialog.get_by_role("button", name="Close").click()
    elif how == "key":
        chat.page.keyboard.press("Control+/")
    else:
        chat.page.mouse.click(5, 5)
    expect(dialog).to_be_hidden()
    chat.ask("and it stays closed")
    chat.expect_status("complete")
    expect(dialog).to_be_hidden()
    chat.page.keyboard.press("Control+/")
    expect(dialog).to_be_visible()


def test_deleting_everything_asks_and_deletes_or_does_not(chat: Chat, server):
    chat.ask("to be deleted")
    chat.expect_status("complete")
    chat.page.goto(f"{server.url}/settings")
    ask = chat.page.get_by_role("dialog")
    rows = chat.page.get_by_role("navigation").locator('a[href^="/c/"]')
    expect(rows.first).to_be_visible()
    chat.page.locator(".settings .button.danger").click()
    ask.get_by_role("button", name="Cancel").click()
    expect(ask).to_be_hidden()
    expect(rows.first).to_be_visible()
    chat.page.locator(".settings .button.danger").click()
    ask.locator(".button.danger").click()
    expect(rows).to_have_count(0)
    expect(ask).to_be_hidden()


def test_each_deletion_offers_undo_for_its_own_time(lone_chat: Chat, server):
    for text in ("one", "two", "three"):
        lone_chat.page.goto(server.url)
        lone_chat.get(text)
    rows = lone_chat.page.get_by_role("navigation").locator(".row")
    count = query(server, "SELECT count(*) FROM conversations WHERE deleted_at IS NULL")
    expect(rows).to_have_count(count)
    lone_chat.page.clock.install()

    def delete_first() -> None:
        rows.first.hover()
        rows.first.get_by_role("button").click()
        lone_chat.page.get_by_role("menuitem", name="Delete").click()

    delete_first()
    expect(rows).to_have_count(count - 1)
    lone_chat.page.clock.run_for(7000)
    delete_first()
    expect(rows).to_have_count(count - 2)
    lone_chat.page.clock.run_for(1500)
    expect(lone_chat.button("Undo")).to_be_visible()  # eight seconds from the second, not from the first
    lone_chat.button("Undo").click()  # looked at and then gone: the next toast must not wait for ever
    expect(rows).to_have_count(count - 1)
    delete_first()
    expect(rows).to_have_count(count - 2)
    expect(lone_chat.button("Undo")).to_be_visible()
    lone_chat.page.locator(".toast").hover()
    lone_chat.page.clock.run_for(20_000)
    expect(lone_chat.button("Undo")).to_be_visible()  # while it is looked at
    lone_chat.page.mouse.move(700, 300)
    lone_chat.button("Undo").focus()
    lone_chat.page.clock.run_for(20_000)
    expect(lone_chat.button("Undo")).to_be_visible()  # or about to be pressed
    lone_chat.field.focus()
    lone_chat.page.clock.run_for(9000)
    expect(lone_chat.button("Undo")).to_have_count(0)


def _read_all(server: Server) -> None:
    """As if every conversation of earlier tests had been looked at."""
    query(server, "UPDATE conversations SET read_at = updated_at")


def test_the_title_tells_of_answers_elsewhere_and_of_those_that_ended_unseen(chat: Chat, upstream, server):
    _read_all(server)
    end = threading.Event()
    upstream.then(Script(words(10), held=end))
    chat.ask("long")
    until_heard(chat, "word3 ")
    chat.button("New chat").first.click()
    expect(chat.page).to_have_title("● chat_app")
    end.set()
    expect(chat.page).to_have_title("✓ chat_app")
    chat.page.goto(f"{server.url}/settings")
    expect(chat.page).to_have_title("✓ Settings")
    chat.page.get_by_role("navigation").locator('a[href^="/c/"]').first.click()
    expect(chat.page).to_have_title("A title from the model")


def test_an_answer_that_ends_while_the_tab_is_hidden_is_unread_until_it_is_looked_at(chat: Chat, upstream, server):
    _read_all(server)
    end = threading.Event()
    upstream.then(Script(words(10), held=end))
    chat.ask("look away")
    until_heard(chat, "word3 ")
    show(chat.page, "hidden")
    end.set()
    expect(chat.page).to_have_title("✓ A title from the model")
    show(chat.page, "visible")
    expect(chat.page).to_have_title("A title from the model")


def test_a_dialog_closes_by_a_click_beside_it_and_not_by_one_on_its_own_empty_space(chat: Chat):
    chat.page.keyboard.press("Control+/")
    dialog = chat.page.locator("dialog[open]")
    box = dialog.bounding_box()
    assert box is not None
    chat.page.mouse.click(box["x"] + 6, box["y"] + 6)
    chat.page.mouse.move(box["x"] + 60, box["y"] + 40)
    chat.page.mouse.down()
    chat.page.mouse.move(box["x"] + 6, box["y"] + 40)
    chat.page.mouse.up()
    expect(dialog).to_be_visible()
    chat.page.mouse.click(box["x"] - 20, box["y"] + 40)
    expect(dialog).to_have_count(0)


def test_chosen_colours_stay_whatever_the_system_does_and_the_systems_are_followed_when_asked(new_context, server):
    page = new_context(color_scheme="light").new_page()
    page.goto(f"{server.url}/settings")
    root = page.locator("html")
    page.get_by_label("Light").check()
    page.emulate_media(color_scheme="dark")
    # Whoever follows the system has done so two frames later; there is no event for its absence.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(root).to_have_class(re.compile(r"\blight\b"))
    page.get_by_label("System").first.check()
    expect(root).to_have_class(re.compile(r"\bdark\b"))
    page.emulate_media(color_scheme="light")
    expect(root).to_have_class(re.compile(r"\blight\b"))
    page.get_by_label("Dark").check()
    page.reload()
    expect(root).to_have_class(re.compile(r"\bdark\b"))
