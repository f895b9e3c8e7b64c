"""What bad input and broken servers get: one clear sentence, and nothing is lost."""

import re
import resource
import threading
import uuid

import pytest
from playwright.sync_api import expect

from tests.browser import Chat, stored_text, until_heard
from tests.conftest import POSTGRES, REDIS
from tests.redis_server import BINARY, OwnRedis
from tests.server import Server
from tests.upstream import Script, Upstream, words
from tests.waiting import until_now

pytestmark = pytest.mark.breaks


def _id(chat: Chat) -> str:
    return chat.answers.last.get_attribute("data-message-id") or ""


FAILURES = {
    "wrong key": (Script(status=401), " refused the key."),
    "limited": (Script(status=429, headers={"retry-after": "2"}), "echo is limiting requests."),
    "failing": (Script(status=500), " failed."),
    "gone": (Script(status=404), "No server offers echo now."),
}


@pytest.mark.parametrize(("script", "sentence"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_one_sentence_and_retry_works(chat: Chat, upstream, script, sentence):
    upstream.then(script, Script(["now it works"]))
    chat.ask("why")
    chat.expect_status("failed")
    expect(chat.card).to_contain_text(sentence)
    chat.button("Retry").click()
    chat.expect_status("complete")

    until_now(lambda: chat.words() == "now it works")
    expect(chat.questions).to_have_count(1)
    expect(chat.answers).to_have_count(1)


BROKEN = {
    "cut": Script(words(20), ending="cut"),
    "an early end": Script(words(20), ending="close"),
    "[DONE] alone": Script(words(20), ending="done"),
    "abort": Script(words(20), ending="abort"),
    "malformed": Script([*words(20), b"data: {nope\n\n"]),
    "an error in mid-stream": Script([*words(20), b'data: {"error": {"message": "died"}}\n\n']),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_keeps_what_came_and_offers_to_go_on(chat: Chat, upstream, server, script):
    upstream.then(script)
    chat.ask("why")
    chat.expect_status("interrupted")

    assert stored_text(server, _id(chat))[1] == "".join(words(20))
    expect(chat.answers.last).to_contain_text("The answer broke off.")
    expect(chat.answers.last.get_by_role("button", name="Continue")).to_be_visible()
    expect(chat.answers.last.get_by_role("button", name="Start over")).to_be_visible()


def test_a_server_that_is_down_or_silent_is_said_and_what_came_is_kept(new_context, folder):
    silences = {"FIRST_TOKEN_TIMEOUT_S": "4", "IDLE_TIMEOUT_S": "4"}
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url, **silences).start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            upstream.then(Script(first_s=30))
            chat.ask("silent from the start")
            expect(chat.card).to_contain_text("echo did not begin to answer in time.")
            upstream.then(Script(["now it speaks"]))
            chat.button("Retry").click()
            until_heard(chat, "now it speaks")
            chat.expect_status("complete")
            expect(chat.questions).to_have_count(1)
            expect(chat.answers).to_have_count(1)

            upstream.then(Script(words(20), ending="stall"))
            chat.ask("silent in the middle")
            expect(chat.answers).to_have_count(2)
            chat.expect_status("interrupted")
            assert stored_text(server, _id(chat)) == ("interrupted", "".join(words(20)))
            expect(chat.answers.last.get_by_role("button", name="Continue")).to_be_visible()
            expect(chat.answers.last.get_by_role("button", name="Start over")).to_be_visible()
        finally:
            server.stop()


@pytest.mark.parametrize("refresh_s", ["600", "0.3"], ids=["still listed", "no longer listed"])
def test_a_server_that_nobody_runs_any_more_is_said_and_retry_finds_it_again(new_context, folder, refresh_s):
    with Upstream(["echo"]).serve() as upstream:
        port = upstream.port
        server = Server(folder, VLLM_BASE_URL=upstream.url, MODELS_REFRESH_S=refresh_s).start()
        chat = Chat(new_context().new_page())
        chat.page.goto(server.url)
        expect(chat.button("Model")).to_have_text("echo ▾")
    sentence = f"No answer from vLLM 127.0.0.1:{port}."
    strip = chat.page.locator(".composer-place").get_by_text(sentence)
    try:
        if refresh_s != "600":
            expect(strip).to_contain_text("Start it again, or choose another model.")
        chat.ask("why")
        chat.expect_status("failed")
        expect(chat.card).to_contain_text(sentence)
        with Upstream(["echo"], port=port).serve() as upstream:
            expect(strip).to_have_count(0)
            upstream.then(Script(["back again"]))
            chat.button("Retry").click()
            until_heard(chat, "back again")
            expect(chat.answers).to_have_count(1)
    finally:
        server.stop()


def test_a_first_start_names_a_server_that_refuses_the_key_and_the_models_once_it_does_not(new_context, folder):
    with Upstream(["echo", "other"]).serve() as upstream:
        upstream.models_status = 401
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            greeting = chat.page.get_by_role("main")
            expect(greeting).to_contain_text(f"vLLM 127.0.0.1:{upstream.port} refused the key. Check the key")
            expect(greeting).not_to_contain_text("No model was found yet.")
            upstream.models_status = 200
            expect(greeting).to_contain_text(f"vLLM 127.0.0.1:{upstream.port}: 2 models are ready.")
            expect(greeting).not_to_contain_text("refused the key")
        finally:
            server.stop()


def test_a_blank_message_cannot_be_sent_and_a_long_one_says_the_limit(chat: Chat):
    expect(chat.button("Send")).to_be_disabled()
    chat.field.fill("  \n ")
    expect(chat.button("Send")).to_be_disabled()
    chat.field.fill("x" * 200_001)
    expect(chat.button("Send")).to_be_disabled()
    expect(chat.page.get_by_role("alert")).to_have_text("A message may have 200,000 characters; this has 200,001.")


def test_a_message_too_large_for_the_model_is_said_with_the_numbers(chat: Chat, upstream):
    chat.ask("x" * 40_000)
    chat.expect_status("failed")

    expect(chat.card).to_contain_text("too long for echo: 10,005 of 7,168 tokens")
    expect(chat.card.get_by_role("button")).to_have_text(["Choose a model that fits"])  # it would be too long again
    assert upstream.chats == []


@pytest.mark.parametrize("name", ["unknown", str(uuid.UUID(int=7)), "%20", "a'--", "%00", "x" * 4000, "a/b", "%F0%9F"])
def test_an_address_of_nothing_is_one_and_the_same_page(new_context, server, chat: Chat, name):
    page = chat.page.context.new_page()
    response = page.goto(f"{server.url}/c/{name}")

    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", name="There is no such conversation here.")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("button", name="New chat")).to_be_visible()


@pytest.mark.parametrize("left", [["another"], []], ids=["another is left", "none is left"])
def test_a_model_that_goes_away_is_said_before_and_after_it_is_asked(chat: Chat, upstream, left):
    strip = chat.page.locator(".composer-place").get_by_role("status")
    upstream.models[:] = [{"id": model} for model in left]
    try:
        expect(strip).to_have_text("No server offers echo now. Choose another model, or start its server.")
        chat.ask("why")
        chat.expect_status("failed")
        expect(chat.card).to_contain_text("No server offers echo now.")
        assert upstream.chats == []
    finally:
        upstream.models[:] = [{"id": m, "max_model_len": 8192} for m in ("echo", "other")]
        expect(strip).to_have_count(0)


def test_kill_9_in_mid_answer_keeps_the_checkpoint_and_continue_finishes_it(new_context, folder):
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            upstream.then(Script(words(500), pace_s=0.02, held=threading.Event()), Script(["the end"]))
            chat.ask("count")
            until_heard(chat, "word80 ")
            message_id = _id(chat)
            until_now(lambda: "word20" in stored_text(server, message_id)[1])
            _, stored = stored_text(server, message_id)
            server.kill()
            expect(chat.page.get_by_text("Reconnecting")).to_be_visible()
            server.start()
            chat.page.reload()
            chat.expect_status("interrupted")
            _, kept = stored_text(server, message_id)
            assert kept.startswith(stored)
            assert "".join(words(500)).startswith(kept)
            chat.button("Continue").click()
            chat.expect_status("complete")
            assert stored_text(server, message_id) == ("complete", kept + "the end")
        finally:
            server.stop()


@pytest.mark.skipif(not (REDIS and POSTGRES), reason="no TEST_REDIS_URL and TEST_DATABASE_URL")
def test_two_workers_share_following_stopping_and_the_fate_of_a_killed_one(new_context, folder, two_workers):
    with Upstream(["echo"]).serve() as upstream:
        one, two = two_workers(upstream.url)
        first, second = Chat(new_context().new_page()), Chat(new_context().new_page())
        upstream.then(Script(words(2000), pace_s=0.02), Script(words(2000), pace_s=0.02))
        first.page.goto(one.url)
        first.ask("count")
        path = f"/c/{first.conversation_id()}"
        second.page.goto(two.url + path)
        until_heard(second, "word30 ")
        second.button("Stop").click()
        first.expect_status("stopped")
        second.expect_status("stopped")
        until_now(lambda: upstream.chats[0].state == "gone")

        first.ask("again")
        expect(second.answers).to_have_count(2)
        until_heard(second, "word10 ")
        one.kill()
        second.expect_status("interrupted")
        assert second.words().startswith(" ".join(f"word{i}" for i in range(10))), "what was shown is gone"


def test_a_renderer_that_fails_to_load_leaves_the_words_and_comes_later(new_context, server, upstream):
    page = new_context().new_page()
    page.route("**/assets/markdown-*.js", lambda route: route.abort())
    chat = Chat(page)
    page.goto(server.url)
    upstream.then(Script(["**bold** words"]))
    chat.ask("why")
    chat.expect_status("complete")
    expect(chat.answers.last).to_contain_text("**bold** words")
    page.unroute("**/assets/markdown-*.js")
    page.reload()
    expect(chat.answers.last.locator(".prose")).to_contain_text("bold words")


def test_a_block_that_cannot_be_rendered_stands_as_plain_words(chat: Chat, upstream):
    broken = "export default () => { throw new Error('on purpose') }"
    chat.page.route("**/markdown-*.js", lambda route: route.fulfill(body=broken, content_type="text/javascript"))
    chat.page.goto(chat.page.url)  # the renderer may be there already
    upstream.then(Script(["**bold** words.\n\n", "And more."]))
    chat.ask("why")
    chat.expect_status("complete")
    expect(chat.answers.last).to_contain_text("**bold** words.")
    expect(chat.answers.last).to_contain_text("And more.")


def test_a_fault_of_the_page_leaves_a_sentence_and_a_way_on(chat: Chat, upstream):
    chat.page.evaluate(
        "() => { window.IntersectionObserver = class { constructor() { throw new Error('on purpose') } } }"
    )
    chat.ask("why")

    expect(chat.page.get_by_role("alert")).to_contain_text("This page broke.")
    chat.button("Reload").click()
    chat.expect_status("complete")
    assert chat.words() == "Hello there."


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux")
def test_a_full_disk_keeps_the_answer_on_the_page_and_stores_it_once_there_is_room(new_context, folder):
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url, CHECKPOINT_S="0.2").start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            chat.ask("hello")
            chat.expect_status("complete")
            full = threading.Event()
            upstream.then(Script(words(100), held=full))
            chat.ask("count")
            until_heard(chat, "word3 ")
            _, hard = resource.prlimit(server.workers()[0], resource.RLIMIT_FSIZE)
            resource.prlimit(server.workers()[0], resource.RLIMIT_FSIZE, (4096, hard))  # no file may grow any more
            full.set()
            expect(chat.answers.last).to_contain_text("word99")
            expect(chat.answers.last).to_contain_text("the database does not take it yet")
            other = Chat(chat.page.context.new_page())
            other.page.goto(server.url)
            other.ask("is there room?")
            waiting = other.page.locator(".waiting-send")
            expect(waiting).to_contain_text("The database cannot be used just now.")

            resource.prlimit(server.workers()[0], resource.RLIMIT_FSIZE, (hard, hard))
            chat.expect_status("complete")
            assert stored_text(server, _id(chat)) == ("complete", "".join(words(100)))
            other.expect_status("complete")
            assert [call.body["messages"][-1]["content"] for call in upstream.chats] == [
                "hello",
                "count",
                "is there room?",
            ]
        finally:
            server.stop()


@pytest.mark.skipif(not BINARY, reason="no Redis")
@pytest.mark.parametrize("remembers", [False, True], ids=["empty", "as it was"])
def test_while_redis_is_gone_the_page_says_so_and_no_longer_once_it_is_back(new_context, folder, remembers):
    redis = OwnRedis(folder / "redis").start()
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url, REDIS_URL=redis.url).start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            upstream.then(Script(words(1500), pace_s=0.02, held=threading.Event()))
            chat.ask("count")
            until_heard(chat, "word9 ")
            notice = chat.answers.last.get_by_text("Answers cannot be shown live just now.")
            redis.stop(remembers=remembers)
            expect(notice).to_be_visible(timeout=20_000)
            heard = len(upstream.chats[0].sent)
            chat.button("Model").click()
            chat.page.get_by_role("option").last.click()
            expect(chat.page.get_by_text("Something failed here. Try again.")).to_be_visible(timeout=20_000)
            redis.start()
            until_heard(chat, f"word{heard - 1}")
            expect(notice).to_have_count(0)
            redis.stop(remembers=remembers)
            chat.button("Stop").click()
            until_now(lambda: upstream.chats[0].state == "gone")
            redis.start()
            chat.expect_status("stopped")
            assert upstream.chats[0].text.startswith(stored_text(server, _id(chat))[1])
            assert chat.words().startswith(" ".join(words(heard)).replace("  ", " ").strip())
        finally:
            server.stop()
            redis.stop()


def test_retry_counts_down_where_a_server_says_how_long_to_wait(lone_chat: Chat, upstream):
    chat = lone_chat
    chat.page.clock.install()
    upstream.then(Script(status=429, headers={"retry-after": "300"}))
    chat.ask("why")
    waiting = chat.page.get_by_role("button", name="Retry in")
    expect(waiting).to_be_disabled()
    expect(waiting).to_have_text(re.compile("^Retry in 2\\d\\d\u00a0s$"))
    chat.page.clock.run_for(210_000)
    expect(waiting).to_have_text(re.compile("^Retry in \\d\\d\u00a0s$"))
    chat.page.clock.run_for(90_000)
    expect(chat.button("Retry")).to_be_enabled()


def test_the_margin_rule_ends_with_what_was_said_and_not_with_the_room_kept_free(chat: Chat, upstream):
    upstream.then(Script(status=500))
    chat.ask("why")
    chat.expect_status("failed")
    heights = chat.answers.last.evaluate("(a) => [a.querySelector('.said').offsetHeight, a.offsetHeight]")
    assert heights[0] < heights[1] / 2
