"""What was sent is not lost on its way, whatever happens between Enter and the server."""

import re
import threading

import pytest
from playwright.sync_api import Route, expect

from tests.browser import Chat, sift, until_heard, until_seen
from tests.server import Server
from tests.upstream import Script, Upstream, words

pytestmark = pytest.mark.breaks

TURNS = "**/api/turns"


def _asked(upstream: Upstream) -> list[str]:
    return [call.body["messages"][-1]["content"] for call in upstream.chats]


def test_words_sent_while_the_server_is_away_arrive_when_it_is_back(new_context, folder):
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        chat = Chat(new_context().new_page())
        chat.page.goto(server.url)
        expect(chat.button("Model")).to_have_text("echo ▾")
        server.kill()
        try:
            chat.ask("are you there?")
            expect(chat.page.locator(".waiting-send")).to_contain_text("The server cannot be reached")
            expect(chat.questions).to_have_text("are you there?")
            server.start()
            chat.expect_status("complete")
            assert _asked(upstream) == ["are you there?"]
            expect(chat.page.locator(".waiting-send")).to_have_count(0)
        finally:
            server.stop()


def test_a_question_stands_before_the_server_has_it_and_does_not_move_when_it_has(chat: Chat, upstream):
    held: list[Route] = []
    for text in ("first", "second"):
        chat.page.route(TURNS, lambda route: held.append(route), times=1)
        upstream.then(Script(words(60), pace_s=0.02))
        chat.ask(text)
        until_seen(chat.page, lambda: len(held) == 1)
        expect(chat.questions.last).to_have_text(text)
        chat.expect_status("streaming")
        expect(chat.button("Stop")).to_be_visible()
        until_seen(chat.page, lambda: chat.page.evaluate("document.querySelector('.scroller').scrollTop") == 0)
        stood = chat.questions.last.bounding_box()
        held.pop().continue_()
        until_heard(chat, "word3 ")
        assert chat.questions.last.bounding_box() == stood
        chat.expect_status("complete")
    assert _asked(upstream) == ["first", "second"]
    expect(chat.questions).to_have_text(["first", "second"])


def test_a_send_that_is_quick_says_nothing_of_itself(chat: Chat):
    # Time stands still for the wait after which a send is called slow, however slow the machine is.
    chat.page.evaluate(
        "() => { const set = setTimeout; window.setTimeout = (call, ms) => (ms === 600 ? 0 : set(call, ms)); }"
    )
    held: list[Route] = []
    chat.page.route(TURNS, lambda route: held.append(route), times=1)
    chat.ask("quick")
    expect(chat.questions).to_have_text("quick")
    until_seen(chat.page, lambda: len(held) == 1)
    expect(chat.page.locator(".waiting-send")).to_have_count(0)
    held.pop().continue_()
    chat.expect_status("complete")


def test_a_page_that_is_told_nothing_more_says_that_the_server_has_the_words(new_context, server: Server, upstream):
    page = new_context().new_page()
    is_mute: list[bool] = []
    sift(page, lambda _: not is_mute)
    chat = Chat(page)
    page.goto(server.url)
    chat.get("heard")
    is_mute.append(True)
    chat.ask("said into the dark")
    late = page.get_by_role("alert")
    expect(late).to_contain_text("The server has your message")
    expect(chat.questions.last).to_have_text("said into the dark")
    assert _asked(upstream)[-1] == "said into the dark"
    is_mute.clear()
    page.reload()
    expect(chat.questions).to_have_text(["heard", "said into the dark"])
    chat.expect_status("complete")


def test_stop_before_the_server_has_the_question_stops_its_answer(chat: Chat, upstream):
    held: list[Route] = []
    chat.page.route(TURNS, lambda route: held.append(route), times=1)
    upstream.then(Script(words(2000), pace_s=0.02))
    chat.ask("never mind")
    chat.button("Stop").click()
    until_seen(chat.page, lambda: len(held) == 1)
    held.pop().continue_()

    chat.expect_status("stopped")
    expect(chat.button("Send")).to_be_visible()


def test_a_reload_sends_what_had_not_arrived(chat: Chat, upstream):
    chat.page.route(TURNS, lambda route: route.abort())
    chat.ask("not yet")
    expect(chat.questions).to_have_text("not yet")
    chat.page.unroute(TURNS)
    chat.page.reload()
    chat.expect_status("complete")

    assert _asked(upstream) == ["not yet"]
    expect(chat.questions).to_have_count(1)


def test_a_send_whose_answer_was_lost_is_sent_again_and_billed_once(chat: Chat, upstream):
    def lose(route: Route) -> None:
        route.fetch()  # the server has it, the page does not know
        route.abort()

    chat.page.route(TURNS, lose, times=1)
    chat.ask("once")
    chat.expect_status("complete")

    expect(chat.questions).to_have_count(1)
    assert _asked(upstream) == ["once"]


def test_what_waits_its_turn_survives_a_reload(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(words(10), held=end), Script(["second answer"]))
    chat.ask("first")
    until_heard(chat, "word3 ")
    chat.ask("second")
    expect(chat.page.get_by_text("Sends next")).to_be_visible()
    chat.page.reload()
    expect(chat.page.locator(".waiting-send")).to_contain_text("second")
    end.set()
    until_heard(chat, "second answer")

    assert _asked(upstream) == ["first", "second"]
    expect(chat.questions).to_have_count(2)


def test_what_waits_its_turn_goes_to_its_own_conversation_and_to_no_other(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(words(10), held=end), Script(["elsewhere"]), Script(["second answer"]))
    chat.ask("first")
    first = chat.conversation_id()
    chat.expect_status("streaming")
    chat.ask("second")
    chat.page.get_by_role("button", name="New chat").first.click()
    expect(chat.answers).to_have_count(0)
    expect(chat.page.locator(".waiting-send")).to_have_count(0)
    chat.ask("other")
    until_heard(chat, "elsewhere")
    end.set()
    chat.page.goto(re.sub("/c/.*", f"/c/{first}", chat.page.url))
    until_heard(chat, "second answer")

    assert _asked(upstream) == ["first", "other", "second"]


def test_what_waits_can_be_taken_back_and_stands_before_what_was_written_since(chat: Chat, upstream):
    upstream.then(Script(words(2000), pace_s=0.02))
    chat.ask("first")
    chat.expect_status("streaming")
    chat.ask("second")
    chat.field.fill("third")
    chat.button("Do not send").click()

    expect(chat.field).to_have_value("second\n\nthird")
    expect(chat.page.locator(".waiting-send")).to_have_count(0)
    chat.field.fill("")
    chat.button("Stop").click()
    chat.expect_status("stopped")
    assert _asked(upstream) == ["first"]


def test_words_that_are_refused_come_back_with_the_reason(chat: Chat, server, upstream):
    chat.ask("first")
    chat.expect_status("complete")
    held: list[Route] = []
    chat.page.route(TURNS, lambda route: held.append(route), times=1)
    chat.ask("into nothing")
    chat.field.fill("written since")
    until_seen(chat.page, lambda: held)
    held[0].fulfill(status=400, json={"error": {"code": "not_found", "message": "gone"}})

    expect(chat.page.get_by_role("alert")).to_contain_text("This conversation is not here any more")
    expect(chat.field).to_have_value("into nothing\n\nwritten since")
    assert _asked(upstream) == ["first"]
