"""Who may ask, what may be known, and that everybody can use and read the page."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from chat_app.parameters import SPEC, SPECS
from tests.browser import Chat, findings, query, unfold, until_heard
from tests.server import Server
from tests.upstream import Script, Upstream, words
from tests.upstream_wires import chunk


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_another_sites_page_reaches_neither_routes_nor_socket(server: Server, headers):
    for path in ("/new", "/api/messages?ids=x", "/_event/?EIO=4&transport=websocket", "/ping"):
        assert httpx.get(server.url + path, headers=headers).status_code == 403
    assert httpx.post(server.url + "/api/import", headers=headers, content=b"[]").status_code == 403


@pytest.mark.breaks
def test_the_socket_refuses_a_page_of_another_origin(new_context, server: Server, upstream):
    page = new_context().new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
    page.goto("http://evil.example/")
    opened = page.evaluate(
        """url => new Promise(done => { const s = new WebSocket(url); s.onopen = () => done(true); s.onerror = () => done(false); })""",
        f"ws://127.0.0.1:{server.port}/_event/?EIO=4&transport=websocket",
    )
    read = page.evaluate("url => fetch(url).then(r => r.status, () => 'refused')", f"{server.url}/new")

    assert opened is False
    assert read == "refused"


def test_nobody_without_our_cookie_reads_words(server: Server):
    assert httpx.get(f"{server.url}/api/messages?ids=x").status_code == 401
    assert httpx.get(f"{server.url}/api/streams/x").status_code == 401
    assert httpx.get(f"{server.url}/api/export").status_code == 401


@pytest.mark.breaks
def test_a_key_reaches_neither_browser_nor_log(new_context, folder):
    key = "sk-fake-secret-that-must-not-show"
    with Upstream(["echo"]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url, VLLM_API_KEY=key, LOG_LEVEL="debug").start()
        seen: list[str] = []
        try:
            chat = Chat(new_context().new_page())
            chat.page.on("websocket", lambda s: s.on("framereceived", lambda f: seen.append(str(f))))
            chat.page.on("response", lambda r: seen.append(r.text()) if "/api/m" in r.url else None)
            chat.page.goto(server.url)
            upstream.then(Script(status=401, body={"error": {"message": f"bad key {key}"}}))
            chat.ask("why")
            chat.expect_status("failed")
            chat.conversation_id()
            chat.page.reload()
            chat.expect_status("failed")
            seen.append(chat.page.content())
        finally:
            server.stop()
        seen.append(server.log.read_text())

    assert upstream.chats[0].headers["authorization"] == f"Bearer {key}"
    assert [text for text in seen if key in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_any_page(new_context: Callable, server: Server, upstream, scheme, width):
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 844}).new_page()
    chat = Chat(page)
    page.goto(server.url)
    expect(chat.field).to_be_visible()
    assert findings(page) == []
    upstream.then(
        Script(
            ["# Title\n\n", "Text with `code`.\n\n```python\nx = 1\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n$x^2$\n\n",
             "```mermaid\ngraph TD; A --> B\n```\n\n数据库的索引。"]
        )
    )  # fmt: skip
    chat.ask("show me")
    chat.expect_status("complete")
    expect(chat.answers.last.locator("table")).to_be_visible()
    expect(chat.answers.last.locator(".diagram img")).to_be_visible()
    assert findings(page) == []
    for button, item in (("More", "Edit"), ("Try again", "As I say…"), ("More", "Details")):
        chat.button(button).click()
        assert findings(page) == [], button
        page.get_by_role("menuitem", name=item, exact=True).click()
        assert findings(page) == [], item
        page.keyboard.press("Escape")
    page.keyboard.press("Control+/")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    if width == 390:
        page.get_by_role("button", name="Conversations").click()
        expect(page.get_by_role("navigation", name="Conversations")).to_be_visible()
        assert findings(page) == []
        page.keyboard.press("Escape")
    upstream.then(Script(status=500))
    chat.ask("fail")
    chat.expect_status("failed")
    chat.page.get_by_role("button", name="Model", exact=True).click()
    assert findings(page) == []
    page.keyboard.press("Escape")
    upstream.then(Script(words(3000), pace_s=0.05))
    chat.ask("long")
    until_heard(chat, "word3 ")
    chat.ask("next")
    expect(page.get_by_text("Sends next")).to_be_visible()
    chat.field.fill("and then")
    assert findings(page) == [], "while it answers"
    chat.button("Do not send").click()
    chat.button("Stop").click()
    chat.expect_status("stopped")
    chat.button("More").last.click()
    page.get_by_role("menuitem", name="Delete message").click()
    expect(chat.button("Undo")).to_be_visible()
    assert findings(page) == [], "the toast"
    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    assert findings(page) == []
    page.goto(f"{server.url}/usage")
    expect(page.locator(".usage tbody tr").first).to_be_visible()
    assert findings(page) == [], "usage"
    page.goto(f"{server.url}/models")
    page.locator(".servers").get_by_role("button").first.click()
    expect(page.locator(".servers [role=status]").first).to_contain_text("It answers")
    page.locator(".servers summary").first.click()
    assert findings(page) == [], "models"
    page.goto(f"{server.url}/recipes")
    page.get_by_role("button", name="History: Writer").click()
    expect(page.locator(".history li")).to_be_visible()
    assert findings(page) == [], "recipes"
    page.get_by_role("button", name="New recipe").click()
    expect(page.locator(".recipe-editor .parameter").first).to_be_visible()
    unfold(page)
    expect(page.locator(".recipe-editor .parameter").last).to_be_visible()
    assert findings(page) == [], "the form of a recipe"
    page.goto(f"{server.url}/c/unknown")
    expect(page.get_by_role("heading", name="There is no such conversation here.")).to_be_visible()
    assert findings(page) == []


# Names, keys and units are the same in every language; and what a person, a model or a server has said is theirs.
ALLOWED = {
    "OpenAI", "Anthropic", "Qwen", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "DASHSCOPE_API_KEY", "http",
    "chat_app", "vLLM", "Passages", "echo", "other", "English", "Ctrl", "Shift", "O", "A", "B", "K", "Alt", "Esc", "s", "AM", "PM", "v",
    "JSON", "Markdown", "ChatGPT", "Claude", "python", "mermaid", "SQLite", "Python", "kB", "MB", "GB", "TB", *SPEC, "date", "user", "language",
    *(choice for spec in SPECS for choice in spec.choices),
}  # fmt: skip
OWN = """() => {
  const all = [...document.querySelectorAll("body *")];
  const isOurs = (n) => !n.matches(".settings li > span") && !n.closest("script, style, textarea, .body.user, .prose :is(p, li, td, th, h1, code, .katex), .row .title, header h1, .plain, .words, .api-keys code, optgroup option");
  const words = all.filter(isOurs).flatMap((n) => [...n.childNodes].filter((c) => c.nodeType === 3).map((c) => c.data));
  const titles = all.filter((n) => n.matches(".row .title, .recipe .words")).map((n) => n.textContent).sort((a, b) => b.length - a.length);
  const labels = all.flatMap((n) => ["aria-label", "title", "placeholder"].map((name) => n.getAttribute(name) ?? ""));
  return [...words, ...labels.map((label) => titles.reduce((line, title) => line.replace(title, ""), label))];
}"""
_TRANSLATED = re.compile('[A-Za-z]\u0301|[0-9a-f-]{36}|{"[^}]*}')


def _english(page: Page) -> list[str]:
    """Lines on the page that hold a word of no language but English. Each letter of a translated one has an accent."""
    lines = page.evaluate(OWN)  # in one look: a title may come at any moment
    return [line for line in lines if set(re.findall("[A-Za-z][A-Za-z_]*", _TRANSLATED.sub("", line))) - ALLOWED]


SHOWN = {
    "usage": ".usage tbody tr",
    "models": ".servers summary",
    "recipes": ".recipes li",
    "documents": ".documents .empty, .document",
    "trials": ".prompt-sets .button",
}


def _detail(page: Page) -> str:
    """The vendor's own words, or what the wire showed: technical, and in no language of ours."""
    return page.locator("dialog[open] dd").nth(-2).inner_text()


@pytest.mark.breaks
def test_a_pseudo_language_leaves_no_english(lone_chat: Chat, server: Server, upstream, tmp_path):
    page = lone_chat.page
    page.evaluate("localStorage.setItem('chat_app.language', 'pseudo')")
    page.reload()
    composer = page.locator("#composer")
    expect(composer).to_be_visible()
    assert _english(page) == [], "before anything was said"
    page.keyboard.press("Control+Shift+Period")
    expect(page.locator(".panel .parameter").first).to_be_visible()
    unfold(page)
    expect(page.locator(".panel .parameter").last).to_be_visible()
    assert _english(page) == [], "the panel"
    page.keyboard.press("Control+Shift+Period")

    def ask(text: str, status: str, script: Script) -> None:
        upstream.then(script)
        composer.fill(text)
        page.keyboard.press("Enter")
        expect(lone_chat.questions.filter(has_text=text)).to_have_count(1)
        lone_chat.expect_status(status)

    ask("one", "complete", Script())
    assert _english(page) == [], "an answer"
    thought = chunk({"reasoning": "theirs"})
    ask(
        "rich",
        "complete",
        Script([thought, "theirs\n\n```python\nx\n" + "x\n" * 99 + "```\n\n```mermaid\ngraph TD; A --> B\n```\n"]),
    )
    expect(page.locator(".diagram img")).to_be_visible()
    assert _english(page) == [], "thoughts, code and a diagram"
    ask("two", "interrupted", Script(["half"], ending="cut"))
    assert _english(page) == [], "a broken answer"
    for number, (status, headers) in enumerate({500: {}, 401: {}, 404: {}, 429: {"retry-after": "9"}}.items()):
        ask(f"three{number}", "failed", Script(status=status, headers=headers, body={"error": {"message": "theirs"}}))
        page.locator(".card summary").last.click()
        assert _english(page) == [], f"a failure by {status}"
    upstream.then(Script(words(2000), pace_s=0.02, ending="stall"))
    composer.fill("four")
    page.keyboard.press("Enter")
    until_heard(lone_chat, "word3 ")
    composer.fill("five")
    page.keyboard.press("Enter")
    expect(page.locator(".waiting-send")).to_be_visible()
    composer.fill("x" * 200_001)
    assert _english(page) == [], "while it answers, with one waiting and one too long"
    composer.fill("")
    page.locator(".waiting-send button").first.click()
    page.keyboard.press("Escape")
    lone_chat.expect_status("stopped")
    for button in (
        page.locator("article").last.locator(".picker > button").all()
        + page.locator(".composer .picker > button").all()
    ):
        button.click()
        expect(page.locator(".popover")).to_be_visible()
        assert _english(page) == [], "a menu"
        page.keyboard.press("Escape")
    for broken, seen in ((3, ["model_failed"]), (2, ["answer_broken"]), (-1, [])):
        article = lone_chat.answers.nth(broken) if broken >= 0 else lone_chat.answers.last
        article.locator(".actions .picker > button").last.click()
        page.locator(".popover [data-item]").nth(1).click()
        expect(page.locator("dialog[open] dl")).to_be_visible()
        technical = {*seen, "max_tokens", "stream_options", "stop", _detail(page)}
        assert [line for line in _english(page) if line not in technical] == [], "details"
        page.keyboard.press("Escape")
    page.locator("article").last.locator(".picker > button").last.click()
    page.locator(".popover [data-item]").last.click()
    expect(page.locator(".toast")).to_be_visible()
    page.keyboard.press("Control+/")
    expect(page.locator("dialog[open]")).to_be_visible()
    assert _english(page) == [], "keys and the toast"
    page.keyboard.press("Escape")

    for name in SHOWN:
        page.goto(f"{server.url}/{name}")
        expect(page.locator(SHOWN[name]).first).to_be_visible()
        dates = re.compile(r"[A-Z][a-z]{2} \d+, \d{4}")  # as the browser writes them
        if name == "models":
            page.locator(".servers > .button").click()
            expect(page.locator(".server-form")).to_be_visible()
        assert [line for line in _english(page) if not dates.fullmatch(line)] == [], name
    # What other tests have left has names of their own.
    query(server, "UPDATE conversations SET title = '1' WHERE archived_at > 0 OR deleted_at > 0")
    query(server, "UPDATE api_keys SET name = '1'")
    page.goto(f"{server.url}/settings")
    expect(page.locator(".settings")).to_be_visible()
    (tmp_path / "bad.json").write_text('[{"what": 1}]')
    page.locator('input[type="file"]').set_input_files(tmp_path / "bad.json")
    expect(page.locator(".import [role=alert]")).to_be_visible()
    page.locator(".settings .button.danger").click()
    assert _english(page) == [], "settings"
    page.goto(f"{server.url}/c/unknown")
    expect(page.locator("main h1")).to_have_count(1)
    assert _english(page) == [], "an address of nothing"
