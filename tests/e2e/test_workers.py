"""Several workers behind one address, as `WORKERS` starts them: whichever one a page reaches, it sees the same."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.browser import Chat
from tests.conftest import POSTGRES, REDIS
from tests.server import Server
from tests.upstream import Script, Upstream, words
from tests.waiting import until_now

pytestmark = [
    pytest.mark.breaks,
    pytest.mark.skipif(not (REDIS and POSTGRES), reason="no TEST_REDIS_URL and TEST_DATABASE_URL"),
]


def test_six_pages_over_two_workers_of_one_server_see_one_answer(new_context, one_server_of_two):
    with Upstream(["echo"]).serve() as upstream:
        server = one_server_of_two(upstream.url)
        assert len(server.workers()) == 2
        asking, *others = (Chat(new_context().new_page()) for _ in range(6))
        upstream.then(Script(words(3000), pace_s=0.02, ending="stall"))
        asking.page.goto(server.url)
        asking.ask("count")
        asking.page.wait_for_url("**/c/*")
        for other in others:
            other.page.goto(asking.page.url)
            expect(other.answers.last).to_contain_text("word9")
        others[-1].button("Stop").click()

        for chat in (asking, *others):
            chat.expect_status("stopped")
        assert len({chat.words() for chat in (asking, *others)}) == 1
        assert len(upstream.chats) == 1


def test_a_killed_worker_is_replaced_and_the_page_goes_on(new_context, one_server_of_two):
    with Upstream(["echo"]).serve() as upstream:
        server = one_server_of_two(upstream.url)
        chat = Chat(new_context().new_page())
        chat.page.goto(server.url)
        chat.ask("hello")
        chat.expect_status("complete")
        before = server.workers()
        os.kill(before[-1], signal.SIGKILL)
        until_now(lambda: len(set(server.workers()) - set(before)) > 0, within_s=60)
        chat.ask("again")
        expect(chat.answers).to_have_count(2, timeout=30_000)
        chat.expect_status("complete")


def test_a_tab_is_watched_over_again_after_its_server_was_killed(new_context, folder, shared):
    """What a killed process had noted in Redis must not keep the next one from watching."""
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url, **shared).start()
        try:
            first, second = (Chat(new_context().new_page()) for _ in range(2))
            first.page.goto(server.url)
            expect(first.page.get_by_text("Your conversations will be listed here.")).to_be_visible()
            server.kill()
            server.start()
            first.page.reload()
            expect(first.page.get_by_text("Your conversations will be listed here.")).to_be_visible()
            second.page.goto(server.url)
            second.ask("news")
            second.expect_status("complete")

            expect(first.page.get_by_role("navigation").locator('a[href^="/c/"]')).to_have_count(1)
        finally:
            server.stop()


def test_what_is_renamed_and_deleted_on_one_worker_is_so_on_the_others_pages(new_context, two_workers):
    with Upstream(["echo"]).serve() as upstream:
        one, two = two_workers(upstream.url)
        first, second = Chat(new_context().new_page()), Chat(new_context().new_page())
        second.page.goto(two.url)
        first.page.goto(one.url)
        first.ask("to be renamed")
        first.expect_status("complete")
        rows = second.page.get_by_role("navigation").locator(".row .title")
        expect(rows).to_have_text(["A title from the model"])
        for action in ("Rename", "Delete"):
            first.page.locator(".row").first.hover()
            first.page.locator(".row-menu button").first.click()
            first.page.get_by_role("menuitem", name=action, exact=True).click()
            if action == "Rename":
                first.page.get_by_role("textbox", name="Rename").fill("Renamed")
                first.page.keyboard.press("Enter")
                expect(rows).to_have_text(["Renamed"])
        expect(rows).to_have_count(0)
