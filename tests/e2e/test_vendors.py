"""Other vendors' wires, from the page to the wire and back."""

import pytest
from playwright.sync_api import expect

from tests.browser import Chat, until_heard
from tests.server import Server
from tests.upstream import Script, Upstream, words
from tests.upstream_wires import grew
from tests.waiting import until_now


@pytest.mark.breaks
def test_a_conversation_with_claude_streams_stops_goes_on_and_says_what_was_sent(new_context, folder):
    with Upstream(["claude-opus-5-5"]).serve() as upstream:
        address = {"ANTHROPIC_BASE_URL": upstream.url.removesuffix("/v1"), "ANTHROPIC_API_KEY": "sk-ant-fake-key"}
        server = Server(folder, **address).start()
        try:
            chat = Chat(new_context().new_page())
            chat.page.goto(server.url)
            expect(chat.button("Model")).to_contain_text("claude-opus-5-5")
            upstream.then(Script([grew("thinking", "hm"), grew("signature", "c2ln"), "from ", "Claude"]))
            chat.ask("hello")
            chat.expect_status("complete")
            expect(chat.answers.last).to_contain_text("from Claude")
            expect(chat.answers.last.locator(".reasoning")).to_have_count(1)
            expect(chat.page.get_by_role("heading", name="A title from the model")).to_be_visible()
            chat.button("More").last.click()
            chat.page.get_by_role("menuitem", name="Details").click()
            expect(chat.page.get_by_role("dialog")).to_contain_text("max_tokens")
            chat.page.keyboard.press("Escape")

            upstream.then(Script(words(3000), pace_s=0.02), Script(["and the rest"]))
            chat.ask("count")
            until_heard(chat, "word3 ")
            chat.button("Stop").click()
            chat.expect_status("stopped")
            until_now(lambda: upstream.chats[-1].state == "gone")
            chat.answers.last.get_by_role("button", name="Continue").click()
            until_heard(chat, "and the rest")
            assert (
                upstream.chats[-1].body["messages"][-1]["content"][0]["text"].startswith("Your last message broke off")
            )

            upstream.then(Script(status=529, body={"type": "error", "error": {"type": "overloaded_error"}}))
            chat.ask("too much")
            expect(chat.card).to_contain_text("has too much to do just now.")
        finally:
            server.stop()
