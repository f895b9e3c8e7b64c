"""An answer is read aloud by the browser's voices, of which a browser of tests has none: what they are given is looked at."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser import Chat, until_seen
from tests.server import Server
from tests.upstream import Script, Upstream

VOICE = """
  window.spoken = [];
  const voice = { speak: (said) => window.spoken.push(said), cancel: () => { window.isCancelled = true; } };
  Object.defineProperty(window, "speechSynthesis", { value: voice });
  window.SpeechSynthesisUtterance = function (text) { this.text = text; };
"""
SAID = "# Tides\n\nThe Moon **pulls**. 月球的引力。\n\n```python\nprint(1)\n```\n\n- One\n- Two\n"


@pytest.fixture
def chat(new_context, server: Server, upstream: Upstream) -> Chat:
    context: BrowserContext = new_context()
    context.add_init_script(VOICE)
    page = context.new_page()
    page.goto(server.url)
    upstream.then(Script([SAID]))
    chat = Chat(page)
    chat.get("tides?")
    expect(chat.answers.last.locator("pre")).to_be_visible()
    return chat


def test_an_answer_is_read_sentence_by_sentence_in_its_languages_without_its_code(chat: Chat):
    chat.button("Read aloud").click()
    expect(chat.button("Stop reading")).to_be_visible()
    spoken = chat.page.evaluate("spoken.map(({ text, lang }) => [text, lang])")

    assert [text for text, _ in spoken] == ["Tides", "The Moon pulls.", "月球的引力。", "One", "Two"]
    assert [language for _, language in spoken] == ["en", "en", "zh-CN", "en", "en"]
    chat.page.evaluate("spoken.at(-1).onend()")
    expect(chat.button("Read aloud")).to_be_visible()


def test_reading_stops_when_it_is_told_to_and_when_the_conversation_is_left(chat: Chat):
    for leave in (chat.button("Stop reading"), chat.button("New chat")):
        chat.page.evaluate("window.isCancelled = false")
        chat.button("Read aloud").click()
        leave.click()
        until_seen(chat.page, lambda: chat.page.evaluate("window.isCancelled"))
