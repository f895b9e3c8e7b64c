"""The panel while saves, reads, sends and other tabs are under way: no value is lost, and none goes elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.browser import Chat, until_seen
from tests.e2e.test_parameters import Panel, _asked
from tests.server import Server

READ = "**/api/parameters?**"


@pytest.fixture
def lone(lone_chat: Chat) -> tuple[Chat, Panel]:
    return lone_chat, Panel(lone_chat.page).open()


def test_two_new_chats_in_two_tabs_have_values_of_their_own(new_context, server: Server, upstream):
    context = new_context()
    chats = []
    for prompt in ("First.", "Second."):
        page = context.new_page()
        page.goto(server.url)
        (Panel(page) if chats else Panel(page).open()).field("system_prompt").fill(prompt)
        chats.append(Chat(page))
    for chat in chats:
        expect(Panel(chat.page).source("system_prompt")).to_have_text("this conversation")
        chat.get("hello")

    assert [
        c.body["messages"][0]["content"] for c in upstream.chats if c.body["messages"][-1]["content"] == "hello"
    ] == ["First.", "Second."]


@pytest.mark.breaks
def test_what_is_taken_back_while_the_first_message_is_under_way_is_taken_back(lone, upstream):
    chat, panel = lone
    held: list[Route] = []
    chat.page.route("**/api/turns", lambda route: held.append(route), times=1)  # Playwright marks it
    panel.field("top_k").fill("5")
    chat.ask("hello")
    until_seen(chat.page, lambda: bool(held))
    panel.field("top_k").fill("")
    held[0].continue_()
    chat.expect_status("complete")
    chat.conversation_id()
    expect(panel.source("top_k")).to_have_text("not sent")
    chat.get("again")

    assert [_asked(upstream, at).get("top_k") for at in (0, 1)] == [5, None]
    chat.page.reload()
    expect(panel.source("top_k")).to_have_text("not sent")


@pytest.mark.breaks
def test_what_is_changed_while_the_server_knows_no_such_conversation_is_there_once_it_does_again(lone, upstream):
    """As after its deletion, in the seconds in which Undo brings it back."""
    chat, panel = lone
    chat.get("hello")
    chat.conversation_id()
    chat.page.route(READ, lambda route: route.fulfill(status=404, json={"error": {"code": "not_found"}}))
    with chat.page.expect_response(lambda response: response.request.method == "PATCH" and response.status == 404):
        panel.field("top_k").fill("5")
    chat.page.unroute(READ)
    chat.page.reload()
    expect(panel.field("top_k")).to_have_value("5")
    chat.get("again")
    assert _asked(upstream)["top_k"] == 5


def test_an_answer_of_the_server_that_is_older_than_a_change_does_not_undo_it(lone):
    chat, panel = lone
    chat.get("hello")
    expect(panel.root.get_by_role("region", name="Last answer")).to_be_visible()
    held: list[Route] = []
    chat.page.route(
        READ, lambda route: held.append(route) if route.request.method == "GET" and not held else route.continue_()
    )
    look = "void document.dispatchEvent(new Event('visibilitychange'))"  # again and again: whoever looks while a read runs shares it
    until_seen(chat.page, lambda: bool(held) or chat.page.evaluate(look))
    with chat.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        panel.field("top_k").fill("9")
    panel.field("seed").focus()
    with chat.page.expect_response(lambda answer: answer.request.method == "GET" and "parameters" in answer.url):
        held[0].continue_()

    expect(panel.field("top_k")).to_have_value("9")
    expect(panel.source("top_k")).to_have_text("this conversation")


@pytest.mark.breaks
def test_what_could_not_be_saved_before_a_reload_is_saved_after_it_and_counts_with_the_panel_closed(lone, upstream):
    chat, panel = lone
    chat.get("hello")
    chat.page.route(READ, lambda route: route.abort() if route.request.method == "PATCH" else route.continue_())
    panel.field("top_k").fill("4")
    chat.page.keyboard.press("Control+Shift+Period")
    expect(panel.root).to_have_count(0)
    chat.page.unroute(READ)
    with chat.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        chat.page.reload()
    chat.button("Try again").last.click()
    chat.page.get_by_role("menuitem", name="Same model").click()
    expect(chat.answers.last.get_by_text("2/2")).to_be_visible()
    chat.expect_status("complete")

    assert _asked(upstream)["top_k"] == 4


@pytest.mark.breaks
def test_what_the_server_does_not_take_stays_where_it_was_written_with_a_sentence(lone):
    chat, panel = lone
    chat.get("hello")
    panel.field("top_k").fill("4")
    long = "字" * 400_000  # 1.2 MB on the way
    panel.field("system_prompt").fill(long)
    expect(panel.sentence("system_prompt")).to_have_text("The server did not take this. It is not used.")
    chat.page.reload()
    expect(panel.field("system_prompt")).to_have_value(long)
    panel.reset("system_prompt")
    expect(panel.field("top_k")).to_have_value("4")
    expect(panel.root.get_by_role("alert")).to_have_count(0)


def test_what_cannot_become_a_default_stays_in_its_conversation(lone):
    chat, panel = lone
    chat.button("Recipe").click()
    chat.page.get_by_role("option", name="Writer").click()
    panel.field("system_prompt").fill("Speak {{tone}}.")
    panel.field("top_k").fill("3")
    expect(panel.source("top_k")).to_have_text("this conversation")
    panel.root.get_by_role("button", name="Make these my defaults").click()
    expect(panel.source("top_k")).to_have_text("my default")
    expect(panel.root.get_by_text("Not made a default, and kept here: system_prompt.")).to_be_visible()
    expect(panel.field("system_prompt")).to_have_value("Speak {{tone}}.")
    chat.page.request.patch(
        chat.page.url.split("/new")[0] + "/api/preferences",
        data={"reset": ["top_k"]},
        headers={"origin": chat.page.url.split("/new")[0]},
    )


@pytest.mark.breaks
def test_what_waits_for_the_server_is_said_only_as_long_as_it_waits(lone):
    chat, panel = lone
    late = panel.root.get_by_role("status").filter(has_text="cannot be reached")
    chat.page.route(READ, lambda route: route.abort() if route.request.method == "PATCH" else route.continue_())
    panel.field("top_k").fill("5")
    expect(late).to_be_visible()
    panel.field("top_k").fill("")
    expect(late).to_have_count(0)
    panel.field("top_k").fill("7")
    expect(late).to_be_visible()
    chat.get("hello")
    chat.page.unroute(READ)
    chat.button("New chat").click()
    expect(panel.field("top_k")).to_have_value("")
    expect(late).to_have_count(0)


def test_a_group_stays_open_around_a_field_that_is_emptied_and_written_again(lone):
    _, panel = lone
    panel.page.evaluate("localStorage.removeItem('chat_app.groups')")
    panel.root.get_by_role("textbox", name="presence_penalty, as a number").fill("0.5")
    panel.page.reload()
    exact = panel.root.get_by_role("textbox", name="presence_penalty, as a number")
    expect(exact).to_have_value("0.5")
    exact.fill("")
    exact.press_sequentially("1.2")
    expect(exact).to_have_value("1.2")
    expect(exact).to_be_focused()
