"""Words from a model, a person or a server name are words: nothing in them runs, loads or leaves the page."""

import json
import re
from collections.abc import Callable

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import Chat
from tests.server import Server
from tests.upstream import Script, Upstream

RUN = "window.__ran = true"
PAYLOADS = [
    f"<script>{RUN}</script>",
    f"<img src=x onerror='{RUN}'>",
    f"<svg onload='{RUN}'></svg>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s></svg>",
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>',
    f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f"<object data='javascript:{RUN}'></object>",
    f"<embed src='javascript:{RUN}'>",
    f"<body onload='{RUN}'>",
    f"<input autofocus onfocus='{RUN}'>",
    f"<details open ontoggle='{RUN}'>x</details>",
    f"<video><source onerror='{RUN}'></video>",
    f"<marquee onstart='{RUN}'>x</marquee>",
    f"<a href='javascript:{RUN}'>click</a>",
    f"[click](javascript:{RUN})",
    f"[click](JaVaScRiPt:{RUN})",
    f"[click](java\tscript:{RUN})",
    f"[click](&#106;avascript:{RUN})",
    f"[click](vbscript:{RUN})",
    f"[click](data:text/html,<script>{RUN}</script>)",
    f"![x](javascript:{RUN})",
    "![x](https://tracker.example/pixel.png)",
    "![x](//tracker.example/pixel.png)",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9IndpbmRvdy5fX3Jhbj10cnVlIi8+)",
    "<img src=https://tracker.example/a.png>",
    "<link rel=stylesheet href=https://tracker.example/a.css>",
    "<style>@import 'https://tracker.example/b.css'; body{display:none}</style>",
    "<style>*{background:url(https://tracker.example/c.png)}</style>",
    "<div style='background:url(https://tracker.example/d.png)'>x</div>",
    "<meta http-equiv=refresh content='0;url=https://tracker.example'>",
    "<base href='https://tracker.example/'>",
    "<form action='https://tracker.example'><button>send</button></form>",
    f"<math><mtext><script>{RUN}</script></mtext></math>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<textarea></textarea><script>{RUN}</script>",
    f"<!--><script>{RUN}</script>-->",
    f"```html\n<script>{RUN}</script>\n```",
    f'```mermaid\ngraph TD; A["<img src=x onerror=\'{RUN}\'>"] --> B; click A "javascript:{RUN}"\n```',
    f"$\\href{{javascript:{RUN}}}{{x}}$",
    "$\\includegraphics{https://tracker.example/e.png}$",
    f"$\\htmlData{{x=1}}{{y}}$ $\\unicode{{<img src=x onerror={RUN}>}}$",
    f"[x]: javascript:{RUN}\n\n[x]",
    f'<https://x.example/"onmouseover="{RUN}>',
    "\u202egnp.exe \u2066 \u200b\u0000 \ufeff",
    f"[a](https://ok.example \"' onclick='{RUN}\")",
]
FORBIDDEN = "script, iframe, object, embed, link, meta, base, form, svg, img, video, audio, style, input:not([disabled]), [onclick], [onerror], [onload]"


def _watch(page: Page) -> list[str]:
    """Requests to anywhere else."""
    elsewhere: list[str] = []
    page.on(
        "request", lambda r: elsewhere.append(r.url) if not re.match(r"(http|ws)://127\.0\.0\.1|data:", r.url) else None
    )
    return elsewhere


def _harmless(page: Page, elsewhere: list[str]) -> None:
    assert page.evaluate("window.__ran") is None
    assert elsewhere == []
    assert (
        page.evaluate(
            f"[...document.querySelectorAll('.body')].flatMap(b => [...b.querySelectorAll('{FORBIDDEN}')]).map(n => n.outerHTML)"
        )
        == []
    )
    hrefs = page.evaluate("[...document.querySelectorAll('.body a')].map(a => a.getAttribute('href'))")
    assert [h for h in hrefs if not re.match("(https?|mailto):", h)] == []


def test_there_are_enough_payloads():
    assert len(set(PAYLOADS)) >= 40


def test_hostile_words_in_answers_run_nothing_live_or_settled(chat: Chat, upstream):
    elsewhere = _watch(chat.page)
    for payload in PAYLOADS:
        upstream.then(Script([payload[i : i + 5] for i in range(0, len(payload), 5)] + ["\n\nend of it"]))
        chat.ask("say it")
        expect(chat.answers.last).to_contain_text("end of it")
        chat.expect_status("complete")
    _harmless(chat.page, elsewhere)
    chat.page.reload()
    chat.expect_status("complete")
    expect(chat.answers.first.locator(".body")).to_have_attribute("data-loaded", "true")
    for answer in chat.answers.all():
        answer.scroll_into_view_if_needed()
    _harmless(chat.page, elsewhere)


def test_hostile_words_in_questions_and_titles_run_nothing(chat: Chat, upstream):
    elsewhere = _watch(chat.page)
    for payload in PAYLOADS[:12]:
        chat.page.get_by_role("link", name="New chat").first.click()
        chat.ask(payload)
        chat.expect_status("complete")
    _harmless(chat.page, elsewhere)


def test_hostile_names_of_models_and_texts_of_errors_run_nothing(new_context, folder):
    name = f"<img src=x onerror='{RUN}'>"
    with Upstream([name]).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        try:
            chat = Chat(new_context().new_page())
            elsewhere = _watch(chat.page)
            chat.page.goto(server.url)
            upstream.then(Script(status=500, body={"error": {"message": f"<script>{RUN}</script>"}}))
            chat.ask("why")
            chat.expect_status("failed")
            chat.page.get_by_text("Details", exact=True).first.click()
            expect(chat.page.get_by_role("alert")).to_contain_text("<script>")
            _harmless(chat.page, elsewhere)
        finally:
            server.stop()


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"host": "evil.example"}])
def test_another_sites_page_reaches_neither_routes_nor_socket(server: Server, headers):
    for path in ("/new", "/api/messages?ids=x", "/_event/?EIO=4&transport=websocket", "/ping"):
        assert httpx.get(server.url + path, headers=headers).status_code == 403
    assert httpx.post(server.url + "/api/import", headers=headers, content=b"[]").status_code == 403


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
            chat.page.reload()
            chat.expect_status("failed")
            seen.append(chat.page.content())
        finally:
            server.stop()
        seen.append(server.log.read_text())

    assert upstream.chats[0].headers["authorization"] == f"Bearer {key}"
    assert [text for text in seen if key in text] == []


def _findings(page: Page) -> list[str]:
    violations = Axe().run(page).response["violations"]
    return [f"{v['id']}: {json.dumps([n['target'] for n in v['nodes']][:4])}" for v in violations]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_any_page(new_context: Callable, server: Server, upstream, scheme, width):
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 844}).new_page()
    chat = Chat(page)
    page.goto(server.url)
    expect(chat.field).to_be_visible()
    assert _findings(page) == []
    upstream.then(
        Script(
            ["# Title\n\n", "Text with `code`.\n\n```python\nx = 1\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n$x^2$"]
        )
    )
    chat.ask("show me")
    chat.expect_status("complete")
    expect(chat.answers.last.locator("table")).to_be_visible()
    assert _findings(page) == []
    upstream.then(Script(status=500))
    chat.ask("fail")
    chat.expect_status("failed")
    chat.page.get_by_role("button", name="Model", exact=True).click()
    assert _findings(page) == []
    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()
    assert _findings(page) == []
    page.goto(f"{server.url}/c/unknown")
    expect(page.get_by_role("heading", name="There is no such conversation here.")).to_be_visible()
    assert _findings(page) == []


ALLOWED = re.compile(
    r"^[\W\d_]*$|^(echo ▾|echo|other|Passages|chat_app|English|A title from the model|.*⟦.*⟧.*|vLLM at [\d.:]+|\d\d:\d\d|built in|简体中文|Hello there\.|show me|Ctrl.*|Alt.*|Esc)$"
)


def test_a_pseudo_language_leaves_no_english(new_context, server: Server, upstream):
    page = new_context().new_page()
    page.add_init_script("localStorage.setItem('chat_app.language', 'pseudo')")
    chat = Chat(page)
    page.goto(server.url)
    page.locator("#composer").fill("show me")
    page.keyboard.press("Enter")
    chat.expect_status("complete")
    outside = "document.querySelectorAll('main, .sidebar h2, .sidebar > a')"  # the rows hold people's own words
    shown = "\n".join(page.evaluate(f"[...{outside}].map(n => n.innerText)")).splitlines()
    page.goto(f"{server.url}/settings")
    expect(page.locator(".settings")).to_be_visible()
    shown += page.evaluate("document.querySelector('.settings').innerText").splitlines()
    shown += page.evaluate("[...document.querySelectorAll('[aria-label]')].map(n => n.getAttribute('aria-label'))")

    assert [line for line in shown if not ALLOWED.match(line.strip())] == []
