"""A browser for the tests that need the real page, and the page by the names assistive technology knows."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from statistics import mode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocketRoute, expect, sync_playwright

from tests.chromium import ARGUMENTS, find
from tests.server import Server
from tests.waiting import until_now

# No bound of any promise, only an end to waiting: longer than the ten seconds for which a killed process's lock in Redis
# lasts, also where two browsers share a slow machine.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS)
        yield browser
        browser.close()


class Profile:
    """A browser context in which nothing goes wrong unseen."""

    def __init__(self, browser: Browser, **options) -> None:
        usual = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}}
        self.context = browser.new_context(**(usual | options))
        self.complaints: list[str] = []
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.context.on(
            "console",
            lambda line: line.type == "error" and self.complaints.append(f"{line.text} {line.location['url']}"),
        )

    def forget(self) -> None:
        """As if it had just been opened, but for the programs that it has read: they need not be read again."""
        for page in self.context.pages:
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear()")
                # A clock that a test puts in goes wrong for every page after it, too.
                assert page.evaluate("Date.toString().includes('native code')"), "this test needs `lone_chat`"
            page.close()
        self.complaints.clear()


@pytest.fixture(scope="package")
def shared_profile(browser: Browser) -> Iterator[Profile]:
    profile = Profile(browser)
    yield profile
    profile.context.close()


@pytest.fixture
def new_page(shared_profile: Profile, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of the profile that tests share; whatever it keeps is forgotten at the end."""
    yield shared_profile.context.new_page()
    complaints = list(shared_profile.complaints)
    shared_profile.forget()
    _nothing_unexpected(complaints, request)


@pytest.fixture
def new_context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., BrowserContext]]:
    """Browser contexts of a test's own, that are closed at the end."""
    opened: list[Profile] = []

    def make(**options) -> BrowserContext:
        opened.append(Profile(browser, **options))
        return opened[-1].context

    yield make
    for profile in opened:
        profile.context.close()
    _nothing_unexpected([text for profile in opened for text in profile.complaints], request)


MISSING = re.compile(r"status of 404 .*/c/")
BROKEN = re.compile(
    # A connection that is cut has as many names as moments, so that any of them will do where the application was asked.
    r"net::ERR_(?!BLOCKED)\w+ http://127\.0\.0\.1|WebSocket|evil\.example|on purpose|status of (400|403|404|409|503)"
)


def _nothing_unexpected(complaints: list[str], request: pytest.FixtureRequest) -> None:
    """What a test breaks on purpose leaves the browser's own lines behind; nothing else may complain."""
    breaks = request.node.get_closest_marker("breaks") is not None
    unexpected = [text for text in complaints if not MISSING.search(text) and not (breaks and BROKEN.search(text))]
    assert unexpected == [], unexpected


def unfold(place: Page | Locator) -> None:
    """Open the groups of parameters that are folded away."""
    place.locator("details.group").first.wait_for()
    folded = place.locator("details.group:not([open]) > summary")
    while folded.count():
        folded.first.click()


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

    @property
    def card(self) -> Locator:
        """Of an answer that failed."""
        return self.answers.last.locator(".card")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def ask(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def get(self, text: str, status: str = "complete") -> Locator:
        """Ask, and wait for the answer's end: of the new one, since the last one is there before."""
        before = self.answers.last.get_attribute("data-message-id") if self.answers.count() else ""
        self.ask(text)
        # A page that has just been opened may show the conversation it stood at before: only these words are the question.
        expect(self.questions.last).to_contain_text(text.partition("\n")[0][:40])
        expect(self.answers.last).not_to_have_attribute("data-message-id", before or "")
        self.expect_status(status)
        if status == "complete":  # words that come later move what is below them away from under a click
            expect(self.answers.last.locator(".body")).not_to_be_empty()
        self.conversation_id()  # a new one's address may come after its answer, and a reload before that opens a new chat
        return self.answers.last

    def words(self, index: int = -1) -> str:
        """The words of an answer, which has some, without the layout's line breaks."""
        answer = self.answers.last if index == -1 else self.answers.nth(index)
        expect(answer.locator(".body")).to_have_attribute("data-loaded", "true")
        expect(answer.locator(".body")).not_to_have_text(
            ""
        )  # an answer can be complete a moment before its words are here
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


def query(server: Server, statement: str) -> int:
    """Run a statement on the server's database; returns the first column of the first row, or 0."""
    database = sqlite3.connect(server.folder / "chat.db", timeout=10)
    with database:
        row = database.execute(statement).fetchone()
    database.close()
    return row[0] if row else 0


def sift(page: Page, passes: Callable[[str], bool]) -> None:
    """Lose what the page says to the server over its socket, but for the frames that pass."""

    def through(socket: WebSocketRoute) -> None:
        to_server = socket.connect_to_server()
        socket.on_message(lambda frame: passes(str(frame)) and to_server.send(frame))

    page.route_web_socket(re.compile("/_event/"), through)


def show(page: Page, state: str) -> None:
    """Let the page be `visible`, or `hidden` as a tab behind others is."""
    page.evaluate(
        """(state) => { Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
            document.dispatchEvent(new Event("visibilitychange")); }""",
        state,
    )


def until_seen(page: Page, look: Callable[[], object]) -> None:
    """Look at the page again and again until what is seen is true."""
    # Between two looks Playwright lets the browser's own events in, which a plain sleep would hold up.
    until_now(lambda: look() or page.wait_for_timeout(20))


def first_line_top(chat: Chat) -> float:
    """Where the last answer's first line stands, usually: between a growth and its frame it stands elsewhere, unseen."""
    look = "p => p.getBoundingClientRect().top"
    return mode(chat.answers.last.locator(".prose p").first.evaluate(look) for _ in range(9))


def until_heard(chat: Chat, text: str) -> None:
    """Wait until the last answer shows some words."""
    # textContent: what is scrolled out of view is not laid out, and innerText leaves it out
    body = chat.answers.last.locator(".body")
    until_seen(chat.page, lambda: text in (body.text_content() or ""))


def findings(page: Page) -> list[str]:
    """What axe-core holds against a page: each rule, and where."""
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}  # WCAG 2.2's, else left out
    violations = Axe().run(page, options=options).response["violations"]
    return [f"{v['id']}: {json.dumps([n['target'] for n in v['nodes']][:4])}" for v in violations]
