"""The main job: an answer is read as it is made, and no word of it is lost."""

import random
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import mode

import pytest
from playwright.sync_api import expect

from tests.browser import Chat, show, stored_text, until_heard, until_seen
from tests.server import Server
from tests.upstream import Script, words
from tests.waiting import until_now
from tests.wire import Wire

SLOW = Script(words(150), pace_s=0.02)
WHOLE = " ".join(w.strip() for w in words(150))


def _id(chat: Chat) -> str:
    return chat.answers.last.get_attribute("data-message-id") or ""


def test_a_start_says_what_it_does_what_it_found_and_where_the_page_is_once_it_is_there(
    server: Server, shared_upstream
):
    found = [
        r"^(Building the page|The page is built)",
        "^Migrating the database …$",
        "^Looking for models …$",
        rf"^  echo \(vLLM 127.0.0.1:{shared_upstream.port}\)$",
        r"^  Passages \(built in\)$",
        "^Starting …$",
        rf"^Open {server.url}$",
    ]
    until_now(lambda: f"Open {server.url}" in server.log.read_text())
    text = server.log.read_text()
    places = [match.start() for line in found if (match := re.search(line, text, re.MULTILINE))]

    assert len(places) == len(found)
    assert places == sorted(places)


def test_tokens_appear_one_by_one_and_the_page_never_blanks(chat: Chat, upstream):
    upstream.then(SLOW)
    chat.page.evaluate(
        """() => { window.seen = []; window.blank = 0; const look = () => {
            const body = document.querySelector('article[data-role="assistant"] .body');
            if (body) window.seen.push(body.innerText.length);
            if (!document.querySelector('main') || (window.seen.length && !body)) window.blank += 1;
            requestAnimationFrame(look); }; look(); }"""
    )
    chat.ask("count")
    chat.expect_status("complete")

    seen = chat.page.evaluate("window.seen")
    assert chat.page.evaluate("window.blank") == 0
    assert seen == sorted(seen), "words that were shown went away"
    assert len(set(seen)) > min(50, len(seen) // 4)  # of the frames there were
    until_seen(chat.page, lambda: chat.words() == WHOLE)


def test_a_reload_at_any_moment_loses_nothing(chat: Chat, upstream, server: Server):
    upstream.then(Script(words(250), pace_s=0.02))
    chat.ask("count")
    chat.conversation_id()
    chance = random.Random(5)
    for _ in range(5):
        chat.page.wait_for_timeout(chance.uniform(50, 700))  # the random moment itself
        chat.page.reload()
    chat.expect_status("complete")

    sent = upstream.chats[0].text
    assert sent == "".join(words(250))
    until_seen(chat.page, lambda: chat.words() == " ".join(sent.split()))
    assert stored_text(server, _id(chat)) == ("complete", sent)
    assert len(upstream.chats) == 1


def test_leaving_and_coming_back_in_mid_answer_finds_it_running(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(words(150), held=end))
    chat.ask("count")
    until_heard(chat, "word5")
    link = chat.page.url
    chat.page.get_by_role("button", name="New chat").first.click()
    expect(chat.answers).to_have_count(0)
    chat.page.goto(link)
    chat.expect_status("streaming")
    end.set()
    chat.expect_status("complete")
    until_seen(chat.page, lambda: chat.words() == WHOLE)


def test_a_second_browser_follows_the_same_answer(chat: Chat, upstream, new_context, server: Server):
    end = threading.Event()
    upstream.then(Script(words(150), held=end))
    chat.ask("count")
    chat.conversation_id()
    until_heard(chat, "word3")
    other = Chat(new_context().new_page())
    other.page.goto(chat.page.url)
    other.expect_status("streaming")
    end.set()
    other.expect_status("complete")
    chat.expect_status("complete")

    for each in (chat, other):
        until_seen(each.page, lambda each=each: each.words() == WHOLE)


def test_stop_stays_stopped_and_the_model_server_sees_it_at_once(chat: Chat, upstream, server: Server):
    upstream.then(Script(words(3000), pace_s=0.02))
    chat.ask("count")
    until_heard(chat, "word9 ")
    chat.button("Stop").click()
    until_now(lambda: upstream.chats[0].state == "gone")
    chat.expect_status("stopped")
    shown = chat.words()
    chat.page.reload()
    chat.expect_status("stopped")

    assert chat.words() == shown
    status, stored = stored_text(server, _id(chat))
    assert (status, " ".join(stored.split())) == ("stopped", shown.removesuffix(" Stopped Continue"))
    assert upstream.chats[0].text.startswith(stored)


def test_a_stopped_answer_goes_on_and_becomes_whole(chat: Chat, upstream, server: Server):
    upstream.then(Script(words(3000), pace_s=0.02), Script(["and ", "the end"]))
    chat.ask("count")
    until_heard(chat, "word5 ")
    chat.button("Stop").click()
    chat.expect_status("stopped")
    _, before = stored_text(server, _id(chat))
    chat.button("Continue").click()
    chat.expect_status("complete")

    assert stored_text(server, _id(chat)) == ("complete", before + "and the end")
    assert upstream.chats[1].body["continue_final_message"] is True
    until_heard(chat, "the end")  # so quick an answer is read from the store, after its status was told
    assert chat.words() == " ".join((before + "and the end").split())


@contextmanager
def _answer_by_wire(new_context, server, upstream) -> Iterator[tuple[Chat, Wire]]:
    """An answer in progress, over a connection that can be cut; at the end it has to be whole."""
    with Wire().open() as wire:
        chat = Chat(new_context(proxy=wire.proxy).new_page())
        chat.page.goto(server.url)
        end = threading.Event()
        upstream.then(Script(words(150), pace_s=0.02, held=end))
        chat.ask("count")
        until_heard(chat, "word5")
        yield chat, wire
        end.set()
        chat.expect_status("complete")
        until_seen(chat.page, lambda: chat.words() == WHOLE)  # its end is known a moment before its last words


@pytest.mark.breaks
def test_a_socket_that_closes_and_comes_back_loses_nothing(new_context, server, upstream):
    with _answer_by_wire(new_context, server, upstream) as (chat, wire):
        assert wire.cut() >= 2  # the page's socket and its stream of words
        assert wire.count == 0
        chat.page.wait_for_timeout(400)  # how long the fault lasts
        wire.mend()


@pytest.mark.breaks
def test_a_connection_that_stays_away_is_said_until_it_is_back(new_context, server, upstream):
    with _answer_by_wire(new_context, server, upstream) as (chat, wire):
        wire.cut()
        expect(chat.page.get_by_text("Reconnecting")).to_be_visible()
        wire.mend()
        expect(chat.page.get_by_text("Reconnecting")).to_be_hidden()


def test_a_tab_hidden_for_the_whole_answer_has_it_when_shown(chat: Chat, upstream):
    upstream.then(SLOW)
    chat.ask("count")
    chat.conversation_id()
    show(chat.page, "hidden")
    until_now(lambda: upstream.chats[0].state == "finished")
    show(chat.page, "visible")
    chat.expect_status("complete")
    until_seen(chat.page, lambda: chat.words() == WHOLE)


def test_a_double_click_sends_once(chat: Chat, upstream):
    chat.field.fill("once")
    chat.button("Send").dblclick()
    chat.expect_status("complete")

    expect(chat.questions).to_have_count(1)
    assert len(upstream.chats) == 1


def test_a_message_written_while_an_answer_runs_goes_next(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(words(10), held=end), Script(["second answer"]))
    chat.ask("first")
    chat.expect_status("streaming")
    chat.ask("second")
    expect(chat.page.get_by_text("Sends next")).to_be_visible()
    end.set()
    expect(chat.answers).to_have_count(2)
    chat.expect_status("complete")

    assert [call.body["messages"][-1]["content"] for call in upstream.chats] == ["first", "second"]
    assert chat.words() == "second answer"


def test_escape_that_ends_an_input_method_does_not_stop_the_answer(chat: Chat, upstream):
    upstream.then(Script(words(3000), pace_s=0.02))
    chat.ask("count")
    until_heard(chat, "word3 ")
    devtools = chat.page.context.new_cdp_session(chat.page)
    devtools.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Escape", "windowsVirtualKeyCode": 229})
    heard = len(upstream.chats[0].sent)
    until_heard(chat, f"word{heard + 20} ")
    chat.expect_status("streaming")
    devtools.send("Input.insertText", {"text": "你好"})
    chat.field.press("Escape")
    chat.expect_status("stopped")


def test_enter_that_confirms_an_input_method_does_not_send(chat: Chat, upstream):
    devtools = chat.page.context.new_cdp_session(chat.page)
    chat.field.focus()
    devtools.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    devtools.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Enter", "windowsVirtualKeyCode": 229})
    devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": "Enter", "windowsVirtualKeyCode": 13})
    devtools.send("Input.insertText", {"text": "你好"})
    chat.page.wait_for_timeout(300)  # time for a wrong send to show itself; there is no event for its absence
    expect(chat.questions).to_have_count(0)
    expect(chat.field).to_have_value("你好")
    chat.field.press("Enter")
    chat.expect_status("complete")

    assert upstream.chats[0].body["messages"][-1]["content"] == "你好"


def test_the_reader_who_scrolled_up_is_not_moved_and_the_arrow_returns(chat: Chat, upstream):
    lines = [f"line {i}\n\n" for i in range(150)]
    upstream.then(Script(lines, pace_s=0.03))
    chat.ask("long")
    until_heard(chat, "line 60")
    log = chat.page.get_by_role("log", name="Conversation")
    log.hover()
    chat.page.mouse.wheel(0, -600)
    expect(chat.button("To the end")).to_be_visible()
    where = "() => [...document.querySelectorAll('.body.assistant p')].find(p => p.textContent === 'line 30').getBoundingClientRect().top"

    def top() -> float:
        """Usually: between a growth and its frame it stands elsewhere, unseen."""
        return mode(chat.page.evaluate(where) for _ in range(9))

    before = top()
    until_heard(chat, "line 110")
    assert abs(top() - before) < 2
    chat.button("To the end").click()
    expect(chat.button("To the end")).to_be_hidden()
    chat.expect_status("complete")
    expect(chat.page.get_by_text("line 149", exact=True)).to_be_in_viewport()


def test_money_stays_text_and_formulas_are_set(chat: Chat, upstream):
    text = "It costs $5 and $10. So $x^2$ and \\(y^2\\).\n\n$$z^2$$\n\n\\[w^2\\]\n\n`$a$` end"
    upstream.then(Script(re.findall(r".{1,4}", text, re.DOTALL)))
    chat.ask("math")
    chat.expect_status("complete")
    expect(chat.answers.last.locator(".katex")).to_have_count(4)

    assert "It costs $5 and $10." in chat.words()
    assert "$a$" in chat.words()


def test_an_edited_question_is_a_branch_and_the_arrows_walk_it(chat: Chat, upstream):
    upstream.then(Script(["one"]), Script(["two"]))
    chat.ask("first")
    chat.expect_status("complete")
    chat.questions.last.hover()
    chat.questions.last.get_by_role("button", name="Edit").click()
    editor = chat.page.get_by_role("textbox", name="Edit message")
    editor.fill("second")
    chat.questions.last.get_by_role("button", name="Send").click()
    expect(chat.answers.last).to_contain_text("two")
    expect(chat.questions.last).to_contain_text("2/2")
    chat.button("Previous version").click()
    expect(chat.questions.last).to_contain_text("first")
    expect(chat.answers.last).to_contain_text("one")
    chat.button("Next version").click()
    expect(chat.answers.last).to_contain_text("two")


def test_trying_again_with_another_model_stands_beside_the_first(chat: Chat, upstream):
    upstream.then(Script(["one"]), Script(["two"]))
    chat.ask("why")
    chat.expect_status("complete")
    chat.button("Try again").click()
    chat.page.get_by_role("menuitem", name="With other").click()
    expect(chat.answers.last).to_contain_text("two")
    expect(chat.answers.last).to_contain_text("2/2")

    assert [call.body["model"] for call in upstream.chats] == ["echo", "other"]


def test_details_say_what_was_sent_and_used(chat: Chat, upstream):
    chat.ask("why")
    chat.expect_status("complete")
    chat.button("More").click()
    chat.page.get_by_role("menuitem", name="Details").click()
    dialog = chat.page.get_by_role("dialog", name="Details of the answer")

    expect(dialog).to_contain_text("Prompt tokens")
    expect(dialog).to_contain_text("echo")
    chat.button("Close").click()
    expect(dialog).to_be_hidden()


def test_a_key_alone_does_the_main_job(page, upstream):
    chat = Chat(page)
    expect(chat.field).to_be_focused()
    page.keyboard.type("why")
    page.keyboard.press("Enter")
    chat.expect_status("complete")
    page.keyboard.press("Alt+ArrowUp")
    expect(chat.answers.last).to_be_focused()
    page.keyboard.press("/")
    expect(chat.field).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("textbox", name="Edit message")).to_be_focused()
    page.keyboard.press("Escape")
    assert "Hello there." in chat.words()  # an answer can be complete a moment before its words are here
    page.keyboard.press("Control+Shift+;")
    expect(chat.answers.last.get_by_role("button", name="Copied")).to_be_visible()
    page.keyboard.press("Control+Shift+O")
    expect(chat.answers).to_have_count(0)


def test_html_in_an_answer_is_words_like_any_others(chat: Chat, upstream):
    upstream.then(
        Script(
            [
                "A `Map` is a Map<String, List<int>> and <b>bold</b> is a tag.<br>Next line.\n\n<div>a block</div>\n\nThe end"
            ]
        )
    )
    chat.ask("why")
    chat.expect_status("complete")

    expect(chat.answers.last).to_contain_text("a Map<String, List<int>> and <b>bold</b> is a tag.")
    expect(chat.answers.last).to_contain_text("<div>a block</div>")
    expect(chat.answers.last.locator("br")).to_have_count(1)


def test_the_sources_of_an_answer_show_their_numbers(chat: Chat):
    chat.button("Model").click()
    chat.page.get_by_role("option", name="Passages").click()
    chat.ask("How do I stop an answer?")
    chat.expect_status("complete")
    expect(chat.page.get_by_role("list", name="Sources").locator("li").first).to_have_css("list-style-type", "decimal")
