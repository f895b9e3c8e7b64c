"""A browser for the tests that need the real page, and the page by the names assistive technology knows."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.chromium import ARGUMENTS, find
from tests.server import Server
from tests.waiting import until_now

expect.set_options(timeout=10_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Browser contexts that are closed at the end, in which nothing may go wrong unseen."""
    opened: list[BrowserContext] = []
    complaints: list[str] = []

    def make(**options) -> BrowserContext:
        context = browser.new_context(**({"locale": "en-US", "viewport": {"width": 1280, "height": 900}} | options))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("console", lambda line: line.type == "error" and complaints.append(line.text))
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
    # What tests break on purpose leaves the browser's own lines behind; nothing else may complain.
    expected = re.compile(
        "ERR_CONNECTION|ERR_CONTENT_LENGTH|ERR_EMPTY|ERR_INCOMPLETE|ERR_FAILED|ERR_INTERNET|ERR_NETWORK|WebSocket|evil.example|on purpose"
        "|status of (400|403|503)"
    )
    unexpected = [text for text in complaints if not expected.search(text)]
    assert unexpected == [], unexpected


class Chat:
    """The page by the names that assistive technology knows."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def field(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def answers(self) -> Locator:
        return self.page.locator('article[data-role="assistant"]')

    @property
    def questions(self) -> Locator:
        return self.page.locator('article[data-role="user"]')

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def ask(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def words(self, index: int = -1) -> str:
        """The words of an answer, without the layout's line breaks."""
        answer = self.answers.last if index == -1 else self.answers.nth(index)
        expect(answer.locator(".body")).to_have_attribute("data-loaded", "true")
        return " ".join(answer.locator(".body").inner_text().split())

    def expect_status(self, status: str, index: int = -1) -> None:
        answer = self.answers.last if index == -1 else self.answers.nth(index)
        expect(answer).to_have_attribute("data-status", status)

    def conversation_id(self) -> str:
        self.page.wait_for_url(re.compile("/c/"))
        return self.page.url.rpartition("/")[2]


def stored_text(server: Server, message_id: str) -> tuple[str, str]:
    """(status, words) of a message, straight from the database."""
    database = sqlite3.connect(f"file:{server.folder / 'chat.db'}?mode=ro", uri=True)
    try:
        status, parts = database.execute("SELECT status, parts FROM messages WHERE id = ?", (message_id,)).fetchone()
        return status, "".join(part["text"] for part in json.loads(parts) if part["type"] == "text")
    finally:
        database.close()


def until_heard(chat: Chat, text: str) -> None:
    """Wait until the last answer shows some words."""
    # textContent: what is scrolled out of view is not laid out, and innerText leaves it out
    body = chat.answers.last.locator(".body")
    until_now(lambda: text in (body.text_content() or "") or chat.page.wait_for_timeout(20))
