"""Where people begin and write: the first start, starting points, keys, long pastes."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser import Chat, sift, until_seen
from tests.server import Server
from tests.upstream import Script, words

PASTE = """(field, text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  field.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


@pytest.mark.breaks
def test_a_first_start_says_what_was_found_and_what_works_without_any_model(new_context, folder):
    server = Server(folder).start()
    try:
        chat = Chat(new_context().new_page())
        chat.page.goto(server.url)
        expect(chat.page.get_by_text("No model was found yet.")).to_be_visible()
        expect(chat.page.get_by_text("Passages works now")).to_be_visible()
        chat.button("What can this application do?").click()
        expect(chat.field).to_have_value("What can this application do?")
        expect(chat.field).to_be_focused()
        chat.field.press("Enter")
        chat.expect_status("complete")
        source = chat.page.get_by_role("list", name="Sources").locator("details").first
        source.locator("summary").click()
        expect(source.locator(".plain")).to_be_visible()
        assert len(source.locator(".plain").inner_text()) > 40

        chat.button("New chat").first.click()
        expect(chat.page.get_by_text("No model was found yet.")).to_be_visible()  # no first start, but still none
    finally:
        server.stop()


def test_the_slash_key_goes_to_the_field_unless_it_is_turned_off(chat: Chat, server: Server):
    chat.page.locator("main").click(position={"x": 5, "y": 200})
    chat.page.evaluate("document.activeElement.blur()")
    chat.page.keyboard.press("/")
    expect(chat.field).to_be_focused()
    expect(chat.field).to_have_value("")

    chat.page.goto(f"{server.url}/settings")
    chat.page.get_by_role("group", name="The / key goes to the message field").get_by_label("No").check()
    chat.page.goto(server.url)
    expect(chat.field).to_be_focused()
    chat.page.evaluate("document.activeElement.blur()")
    chat.page.keyboard.press("/")
    expect(chat.field).not_to_be_focused()


def test_on_a_touch_screen_enter_is_a_new_line_and_the_button_sends(new_context, server: Server, upstream):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    page.goto(server.url)
    chat = Chat(page)
    chat.field.fill("one")
    chat.field.press("Enter")
    chat.field.press_sequentially("two")
    expect(chat.field).to_have_value("one\ntwo")
    expect(chat.questions).to_have_count(0)
    chat.button("Send").tap()
    chat.expect_status("complete")

    assert upstream.chats[0].body["messages"][-1]["content"] == "one\ntwo"


def test_a_million_pasted_characters_are_a_chip_and_the_limit_is_said(chat: Chat):
    chat.field.evaluate(PASTE, "0123456789abcde\n" * 62_500)
    expect(chat.page.locator(".chip")).to_contain_text("Pasted text · 62,501 lines")
    expect(chat.field).to_have_value("")
    expect(chat.page.get_by_role("alert")).to_have_text("A message may have 200,000 characters; this has 1,000,000.")
    expect(chat.button("Send")).to_be_disabled()
    chat.page.locator(".chip summary").click()
    chat.button("Remove").click()
    expect(chat.page.get_by_role("alert")).to_have_count(0)
    chat.field.evaluate(PASTE, "0123456789abcde\n" * 1000)
    chat.page.locator(".chip summary").click()
    chat.button("Keep as text").click()

    expect(chat.field).to_have_value("0123456789abcde\n" * 1000)


def test_escape_just_after_enter_stops_the_answer(chat: Chat, upstream):
    held: list[Route] = []
    chat.page.route("**/api/turns", lambda route: held.append(route), times=1)
    upstream.then(Script(words(2000), pace_s=0.02))
    chat.ask("never mind")
    expect(chat.questions).to_have_text("never mind")
    until_seen(chat.page, lambda: len(held) == 1)
    chat.page.keyboard.press("Escape")
    held.pop().continue_()
    chat.expect_status("stopped")


def test_a_second_tap_on_send_does_not_stop_what_the_first_one_sent(new_context, server: Server, upstream):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page()
    page.goto(server.url)
    chat = Chat(page)
    upstream.then(Script(words(100), pace_s=0.02))
    chat.field.fill("twice")
    # While the page's clock stands still: however slow the machine is, no 400 ms pass between the taps.
    page.evaluate(
        """async () => { const real = Date.now, at = real();
            Date.now = () => at;
            document.querySelector("button.send").click();
            while (!document.querySelector("button.send .stop")) await new Promise(requestAnimationFrame);
            document.querySelector("button.send").click();
            Date.now = real; }"""
    )
    chat.expect_status("complete")
    assert len(upstream.chats) == 1


@pytest.mark.parametrize("is_old", [False, True], ids=["", "in a browser that sizes no fields"])
def test_shift_enter_breaks_the_line_and_the_field_grows_to_ten_lines_at_most(lone_chat: Chat, is_old):
    chat = lone_chat
    if is_old:
        chat.page.add_init_script("CSS.supports = () => false")
        chat.page.reload()
        chat.page.add_style_tag(content="textarea { field-sizing: fixed !important }")

    def lines() -> float:
        return chat.field.evaluate("f => f.clientHeight / parseFloat(getComputedStyle(f).lineHeight)")

    assert lines() == 1
    chat.field.type("one")
    chat.page.keyboard.press("Shift+Enter")
    chat.field.type("two")
    expect(chat.field).to_have_value("one\ntwo")
    assert lines() == 2
    chat.field.fill("\n".join(str(number) for number in range(40)))
    assert lines() == 10
    expect(chat.questions).to_have_count(0)


def test_a_chosen_model_is_asked_also_where_the_words_are_sent_before_the_server_hears_of_the_choice(
    lone_chat, upstream
):
    sift(lone_chat.page, lambda frame: "choose_model" not in frame)
    lone_chat.page.reload()
    expect(lone_chat.button("Model")).to_have_text("echo ▾")
    lone_chat.button("Model").click()
    lone_chat.page.get_by_role("option", name=re.compile("^other")).click()
    expect(lone_chat.button("Model")).to_have_text("other ▾")
    lone_chat.get("hello")

    assert upstream.chats[0].body["model"] == "other"
    expect(lone_chat.button("Model")).to_have_text("other ▾")


def test_enter_can_be_made_to_break_the_line_and_the_command_key_to_send(lone_chat: Chat, server: Server):
    lone_chat.page.goto(f"{server.url}/settings")
    lone_chat.page.get_by_label("Ctrl/⌘ Enter; Enter breaks the line").check()
    lone_chat.page.goto(f"{server.url}/new")
    lone_chat.field.fill("one")
    lone_chat.field.press("Enter")
    lone_chat.field.press_sequentially("two")
    expect(lone_chat.field).to_have_value("one\ntwo")
    lone_chat.field.press("Control+Enter")
    expect(lone_chat.questions).to_have_text(["one\ntwo"])


def test_a_conversation_is_as_wide_as_the_person_wants_it_also_after_a_reload(lone_chat: Chat, server: Server):
    lone_chat.get("hello")
    address = lone_chat.page.url

    def width() -> float:
        expect(lone_chat.answers.last).to_be_visible()
        return lone_chat.page.locator(".column").evaluate("c => c.getBoundingClientRect().width")

    widths = [width()]
    for choice in ("Narrow", "Wide"):
        lone_chat.page.goto(f"{server.url}/settings")
        lone_chat.page.get_by_role("group", name="Width of the conversation").get_by_label(choice).check()
        lone_chat.page.goto(address)
        widths.append(width())
    assert widths[1] < widths[0] < widths[2]


def test_a_text_size_holds_on_every_page_from_its_first_paint(lone_chat: Chat, server: Server):
    lone_chat.page.goto(f"{server.url}/settings")
    lone_chat.page.get_by_role("group", name="Text size").get_by_label("Large").check()
    for path in ("/new", "/recipes", "/settings"):
        lone_chat.page.goto(f"{server.url}{path}")
        expect(lone_chat.page.locator("main")).to_be_visible()
        assert lone_chat.page.locator("html").get_attribute("data-size") == "large"
