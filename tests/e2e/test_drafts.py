"""Words that are being written are not lost: not to another tab, to a full store, nor to a page that is still coming."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser import Chat, sift, until_heard, until_seen
from tests.server import Server
from tests.upstream import Script, words

pytestmark = pytest.mark.breaks

TURNS = "**/api/turns"
FILL = """() => { const piece = "x".repeat(100_000);
    try { for (let i = 0; ; i += 1) localStorage.setItem("filler" + i, piece); } catch { /* full */ }
    try { for (let i = 0; ; i += 1) localStorage.setItem("crumb" + i, "x"); } catch { /* to the last character */ } }"""


def _hold_the_state(page: Page, until: str = "") -> Callable[[], None]:
    """Let nothing that the server says after a word reach the page; what is given back lets it all through."""
    held: list[Callable[[], None]] = []
    is_open: list[bool] = []

    def through(socket: WebSocketRoute) -> None:
        to_server = socket.connect_to_server()

        def to_page(frame: str | bytes) -> None:
            nonlocal until
            if is_open or until:
                socket.send(frame)
            else:
                held.append(lambda: socket.send(frame))
            if until in str(frame):
                until = ""

        to_server.on_message(to_page)

    def release() -> None:
        is_open.append(True)
        for send in held:
            send()

    page.route_web_socket(re.compile("/_event/"), through)
    return release


def _kept(page: Page, text: str) -> None:
    """Wait until the browser has kept these words."""
    until_seen(page, lambda: page.evaluate("t => Object.values(localStorage).some((kept) => kept.includes(t))", text))


def test_a_tab_in_which_nobody_writes_shows_the_draft_of_another_and_takes_nothing_from_it(lone_chat, server: Server):
    idle = Chat(lone_chat.page.context.new_page())
    idle.page.goto(f"{server.url}/new")
    expect(idle.field).to_be_visible()
    lone_chat.field.fill("written in the first tab")
    expect(idle.field).to_have_value("written in the first tab")
    lone_chat.page.close()
    idle.page.goto(f"{server.url}/settings")
    idle.page.get_by_role("button", name="New chat").first.click()
    expect(idle.field).to_have_value("written in the first tab")


def test_a_draft_that_was_sent_in_one_tab_does_not_come_back_from_another(lone_chat, server: Server):
    idle = Chat(lone_chat.page.context.new_page())
    idle.page.goto(f"{server.url}/new")
    lone_chat.field.fill("sent in the first tab")
    expect(idle.field).to_have_value("sent in the first tab")
    lone_chat.field.press("Enter")
    lone_chat.expect_status("complete")
    expect(idle.field).to_have_value("")
    idle.page.reload()
    expect(idle.field).to_have_value("")


def test_words_typed_just_before_the_page_is_left_are_kept(lone_chat, server: Server):
    lone_chat.field.type("the last word")
    lone_chat.page.goto(f"{server.url}/settings")
    lone_chat.page.goto(f"{server.url}/new")
    expect(lone_chat.field).to_have_value("the last word")


def test_two_tabs_that_both_write_keep_their_own_words(lone_chat, server: Server):
    other = Chat(lone_chat.page.context.new_page())
    other.page.goto(f"{server.url}/new")
    other.field.fill("mine")
    lone_chat.field.fill("also mine")
    _kept(other.page, "also mine")
    expect(other.field).to_have_value("mine")
    expect(lone_chat.field).to_have_value("also mine")


def test_a_full_browser_keeps_words_while_the_tab_is_open_says_so_and_sends_them(lone_chat, upstream):
    lone_chat.get("first")
    lone_chat.page.evaluate(FILL)
    lone_chat.field.fill("no room for this")
    expect(lone_chat.page.get_by_text("This browser has no room for a draft this long")).to_be_visible()
    lone_chat.page.get_by_role("button", name="New chat").first.click()
    expect(lone_chat.field).to_have_value("")
    lone_chat.page.go_back()
    expect(lone_chat.field).to_have_value("no room for this")
    lone_chat.field.press("Enter")
    expect(lone_chat.answers).to_have_count(2)
    lone_chat.expect_status("complete")

    assert upstream.chats[-1].body["messages"][-1]["content"] == "no room for this"
    expect(lone_chat.page.get_by_text("This browser has no room")).to_have_count(0)


@pytest.mark.parametrize("value", ["{", "3", '{"text":"only"}', "null", '{"pasted":[3],"text":"x"}'])
def test_values_that_somebody_damaged_are_dropped_and_the_page_is_there(lone_chat, value):
    lone_chat.get("first")
    conversation_id = lone_chat.conversation_id()
    lone_chat.page.evaluate(
        """([value, id]) => { for (const name of ["draft.new", "draft." + id, "outbox.1"]) localStorage.setItem("chat_app." + name, value);
        for (const name of ["place." + id]) sessionStorage.setItem("chat_app." + name, value); }""",
        [value, conversation_id],
    )
    lone_chat.page.reload()
    expect(lone_chat.questions).to_have_text(["first"])
    expect(lone_chat.field).to_have_value("")
    lone_chat.get("second")


def test_a_draft_is_there_before_the_state_is_and_what_is_typed_then_goes_on_from_it(lone_chat):
    lone_chat.get("first")
    lone_chat.field.fill("half a thought")
    _kept(lone_chat.page, "half a thought")
    release = _hold_the_state(lone_chat.page)
    lone_chat.page.reload()
    expect(lone_chat.field).to_have_value("half a thought")
    lone_chat.field.press("End")
    lone_chat.field.type(", and more")
    release()
    expect(lone_chat.questions).to_have_text(["first"])
    expect(lone_chat.field).to_have_value("half a thought, and more")


def test_what_is_typed_just_before_another_conversation_is_opened_stays_with_its_own(lone_chat, upstream):
    lone_chat.get("one")
    first = lone_chat.conversation_id()
    lone_chat.page.get_by_role("button", name="New chat").first.click()
    expect(lone_chat.questions).to_have_count(0)
    lone_chat.get("two")
    lone_chat.conversation_id()
    second = lone_chat.page.url
    lone_chat.field.type("for two")
    lone_chat.page.get_by_role("navigation").locator(f'a[href="/c/{first}"]').click()
    expect(lone_chat.questions).to_have_text(["one"])
    expect(lone_chat.field).to_have_value("")
    lone_chat.page.reload()
    expect(lone_chat.questions).to_have_text(["one"])
    expect(lone_chat.field).to_have_value("")
    lone_chat.page.goto(second)
    expect(lone_chat.field).to_have_value("for two")


def test_what_is_sent_before_the_page_knows_the_conversations_model_goes_to_that_model(lone_chat, upstream):
    lone_chat.button("Model").click()
    lone_chat.page.get_by_role("option", name=re.compile("^other")).click()
    lone_chat.get("first")
    release = _hold_the_state(lone_chat.page)
    lone_chat.page.reload()
    expect(lone_chat.field).to_be_visible()
    lone_chat.ask("second")
    release()
    expect(lone_chat.answers).to_have_count(2)
    lone_chat.expect_status("complete")

    assert [call.body["model"] for call in upstream.chats] == ["other", "other"]
    expect(lone_chat.button("Model")).to_have_text("other ▾")


def test_words_that_were_taken_back_and_sent_can_be_sent_once_more(lone_chat, upstream):
    upstream.then(Script(words(2000), pace_s=0.02))
    lone_chat.ask("first")
    until_heard(lone_chat, "word1 ")
    lone_chat.ask("continue")
    lone_chat.button("Do not send").click()
    lone_chat.field.fill("")
    lone_chat.button("Stop").click()
    lone_chat.expect_status("stopped")
    lone_chat.get("continue")
    lone_chat.get("continue")

    asked = [call.body["messages"][-1]["content"] for call in upstream.chats]
    assert asked == ["first", "continue", "continue"]


def test_words_taken_back_on_their_way_are_the_same_send_once_and_a_new_one_after_that(lone_chat, upstream):
    lone_chat.get("first")
    lost = []

    def lose(route) -> None:
        lost.append(route.fetch())  # the server has it, the page does not know
        route.abort()

    lone_chat.page.route(TURNS, lose, times=1)
    lone_chat.page.evaluate(
        "() => { window.setTimeout = new Proxy(setTimeout, { apply: (f, _, [c, ms]) => f(c, ms === 500 ? 60_000 : ms) }); }"
    )
    lone_chat.ask("again")
    until_seen(lone_chat.page, lambda: bool(lost))  # taken back before it went, it would not be on its way
    lone_chat.button("Do not send").click()
    expect(lone_chat.questions).to_have_text(["first", "again"])
    lone_chat.field.press("Enter")
    expect(lone_chat.field).to_have_value("")
    expect(lone_chat.page.locator(".composer")).to_have_attribute("data-pending", "false")
    lone_chat.expect_status("complete")
    lone_chat.get("again")

    asked = [call.body["messages"][-1]["content"] for call in upstream.chats]
    assert asked == ["first", "again", "again"]


@pytest.mark.parametrize("place", ["/new", "/settings"])
def test_what_was_under_way_is_sent_wherever_the_page_comes_back(lone_chat, upstream, server: Server, place):
    lone_chat.get("first")
    path = f"/c/{lone_chat.conversation_id()}"
    lone_chat.page.route(TURNS, lambda route: route.abort())
    lone_chat.ask("second")
    expect(lone_chat.page.locator(".waiting-send")).to_contain_text("The server cannot be reached")
    lone_chat.page.unroute(TURNS)
    lone_chat.page.goto(server.url + place)
    until_seen(lone_chat.page, lambda: len(upstream.chats) == 2)
    lone_chat.page.goto(server.url + path)
    expect(lone_chat.questions).to_have_text(["first", "second"])


def test_what_a_closed_tab_did_not_deliver_another_sends(lone_chat, upstream, server: Server):
    lone_chat.get("first")
    lone_chat.page.route(TURNS, lambda route: route.abort())
    lone_chat.ask("second")
    expect(lone_chat.page.locator(".waiting-send")).to_contain_text("The server cannot be reached")
    url, context = lone_chat.page.url, lone_chat.page.context
    lone_chat.page.close()
    other = Chat(context.new_page())
    other.page.goto(url)
    expect(other.questions).to_have_text(["first", "second"])
    other.expect_status("complete")


def test_what_a_living_tab_tries_to_send_no_other_sends_and_taken_back_it_is_never_sent(lone_chat, upstream, server):
    lone_chat.get("first")
    other = Chat(lone_chat.page.context.new_page())
    other.page.clock.install()
    other.page.goto(lone_chat.page.url)
    lone_chat.page.route(TURNS, lambda route: route.abort())
    lone_chat.ask("second")
    expect(lone_chat.page.locator(".waiting-send")).to_contain_text("The server cannot be reached")
    other.page.clock.fast_forward(120_000)
    lone_chat.button("Do not send").click()
    other.page.clock.fast_forward(120_000)
    lone_chat.page.unroute(TURNS)
    lone_chat.field.fill("third")
    lone_chat.field.press("Enter")
    expect(other.questions).to_have_text(["first", "third"])
    assert [call.body["messages"][-1]["content"] for call in upstream.chats] == ["first", "third"]


def test_a_send_in_one_tab_leaves_the_words_that_another_is_writing(lone_chat, server: Server, upstream):
    other = Chat(lone_chat.page.context.new_page())
    other.page.goto(f"{server.url}/new")
    lone_chat.field.fill("half a question")
    _kept(other.page, "half a question")
    other.field.fill("another one")
    other.field.press("Enter")
    other.expect_status("complete")
    expect(lone_chat.field).to_have_value("half a question")
    lone_chat.page.reload()
    expect(lone_chat.field).to_have_value("half a question")


def test_questions_that_follow_one_that_was_taken_back_stay_together(lone_chat, upstream):
    lone_chat.page.route(TURNS, lambda route: route.abort())
    for text in ("one", "two", "three"):
        lone_chat.ask(text)
    expect(lone_chat.page.locator(".waiting-send")).to_have_count(3)
    lone_chat.button("Do not send").first.click()
    lone_chat.field.fill("")
    lone_chat.page.unroute(TURNS)
    expect(lone_chat.questions).to_have_text(["two", "three"])
    lone_chat.expect_status("complete")


def test_a_new_chat_whose_address_never_came_finds_it_by_itself(new_context, upstream, server: Server):
    page = new_context().new_page()
    is_mute: list[bool] = []
    sift(page, lambda _: not is_mute)
    chat = Chat(page)
    page.goto(f"{server.url}/new")
    expect(chat.button("Model")).to_have_text("echo ▾")
    is_mute.append(True)
    chat.ask("into the dark")
    page.wait_for_url("**/c/*")
    is_mute.clear()
    page.reload()
    expect(chat.questions).to_have_text("into the dark")
    chat.expect_status("complete")
    assert len(upstream.chats) == 1


def test_a_tab_that_goes_to_a_new_chat_shows_and_continues_nothing_of_the_one_before(lone_chat, server: Server):
    lone_chat.get("of the one before")
    before = lone_chat.conversation_id()
    release = _hold_the_state(lone_chat.page, until="chat_state")  # all of the state, and then not what `load` makes
    lone_chat.page.goto(f"{server.url}/new")
    until_seen(lone_chat.page, lambda: lone_chat.page.locator(".row").count() > 0)  # the first of it is there
    expect(lone_chat.questions).to_have_count(0)
    lone_chat.ask("of the new one")
    release()
    lone_chat.expect_status("complete")
    assert lone_chat.conversation_id() != before
    expect(lone_chat.questions).to_have_text(re.compile("of the new one"))
