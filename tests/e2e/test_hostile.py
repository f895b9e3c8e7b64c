"""Words from a model, a person or a server name are words: nothing in them runs, loads or leaves the page."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, query, until_seen
from tests.imported import conversation, take
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
# Looks at each node in the moment it comes, since one that is taken away again has done its work by then. The application
# has pictures and fields of its own; whatever hears of events by an attribute is none of them.
WATCHER = """(() => {
  window.__forbidden = [];
  const dangerous = "script, iframe, object, embed, link, meta, base, form, svg, img, video, audio, style, math, input";
  const ours = "svg.lucide, .katex svg, .katex math, .drawing > img, .body input[disabled], input:not(.body *), body > script, head > *, [id^=ddiagram] *";
  const look = (node, parent) => {
    if (node.nodeType !== 1 || (parent === document.body && node.matches("svg"))) return; // Mermaid measures there
    for (const each of [node, ...node.querySelectorAll("*")]) {
      const hears = each.getAttributeNames().some((name) => name.startsWith("on"));
      const isOurs = each.matches(ours) && !(each.matches("head > :not(title)") && /__ran|tracker/.test(each.outerHTML));
      if (hears || (each.matches(dangerous) && !isOurs)) window.__forbidden.push(each.outerHTML);
    }
  };
  new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach((node) => look(node, one.target)))).observe(document, { childList: true, subtree: true });
})()"""


class Watch:
    """What hostile words did in a page since its document began."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.elsewhere: list[str] = []
        page.add_init_script(WATCHER)
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not re.match(r"(http|ws)://127\.0\.0\.1|data:", url):
            self.elsewhere.append(url)

    def saw_nothing(self) -> None:
        """Nothing ran, nothing was requested, and no forbidden node ever stood in the page."""
        assert self.page.evaluate("window.__ran") is None
        assert self.elsewhere == []
        assert self.page.evaluate("window.__forbidden") == []
        hrefs = self.page.evaluate("[...document.querySelectorAll('.body a')].map(a => a.getAttribute('href'))")
        assert [href for href in hrefs if not re.match("(https?|mailto):", href)] == []


def test_there_are_enough_payloads():
    assert len(set(PAYLOADS)) >= 40


def test_the_watch_sees_what_it_is_there_for(new_page: Page):
    """A check of the check: a page that renders hostile words as HTML is caught."""
    watch = Watch(new_page)
    careless = "<main><svg></svg><b onclick=1>x</b><iframe></iframe></main><img src=https://tracker.example/a.png>"
    new_page.route("**/*", lambda route: route.fulfill(body=careless, content_type="text/html"))
    new_page.goto("http://127.0.0.1:9/")

    assert len(set(new_page.evaluate("window.__forbidden"))) == 4
    assert watch.elsewhere == ["https://tracker.example/a.png"]


def test_hostile_words_in_answers_run_nothing_live_or_settled(chat: Chat, upstream):
    watch = Watch(chat.page)
    chat.page.reload()
    for payload in PAYLOADS:
        upstream.then(Script([payload[i : i + 5] for i in range(0, len(payload), 5)] + ["\n\nend of it"]))
        expect(chat.get("say it")).to_contain_text("end of it")
    watch.saw_nothing()
    chat.page.reload()
    chat.expect_status("complete")
    chat.page.locator(".scroller").evaluate("s => s.scrollTop = -s.scrollHeight")
    expect(chat.answers).to_have_count(len(PAYLOADS))
    for answer in chat.answers.all():
        answer.scroll_into_view_if_needed()
        expect(answer.locator(".prose").last).to_contain_text("end of it")
    watch.saw_nothing()


def test_hostile_words_in_questions_and_titles_run_nothing(chat: Chat, upstream, server: Server):
    watch = Watch(chat.page)
    chat.page.reload()
    chat.get("\n".join(PAYLOADS))  # a question while it is sent
    told = [text for payload in PAYLOADS for text in (payload, "answer")]
    titled = [conversation(title, ["why", "answer"], key=f"hostile:{title}") for title in PAYLOADS]
    take(chat.page, conversation("questions", told, key="hostile"), *titled)
    rows = chat.page.get_by_role("navigation").locator(".row")
    try:
        expect(rows.filter(has_text="tracker.example/pixel.png").first).to_be_visible()
        watch.saw_nothing()
        chat.page.reload()
        rows.filter(has_text="questions").click()
        expect(chat.questions).to_have_count(25)  # the newest page of them
        chat.page.locator(".scroller").evaluate("s => s.scrollTop = -s.scrollHeight")
        expect(chat.questions).to_have_count(len(PAYLOADS))
        watch.saw_nothing()
        for title in PAYLOADS:  # also over the conversation, and on the tab
            rows.filter(has_text="gnp.exe" if "\0" in title else title).first.click()
            until_seen(chat.page, lambda: "why" in chat.questions.last.inner_text())
        watch.saw_nothing()
    finally:
        query(server, "DELETE FROM conversations WHERE import_key LIKE 'hostile%'")


@pytest.mark.breaks
def test_hostile_names_of_models_and_texts_of_errors_run_nothing(new_context, folder):
    with Upstream(PAYLOADS).serve() as upstream:
        server = Server(folder, VLLM_BASE_URL=upstream.url).start()
        try:
            chat = Chat(new_context().new_page())
            watch = Watch(chat.page)
            chat.page.goto(server.url)
            chat.button("Model").click()
            options = chat.page.get_by_role("option")
            expect(options).to_have_count(len(PAYLOADS) + 1)
            for index in (0, 1, 5):
                options.nth(index).click()
                chat.get("who are you?")
                chat.button("Model").click()
            chat.page.keyboard.press("Escape")
            for index in range(0, len(PAYLOADS), 6):
                text = "".join(PAYLOADS[index : index + 6])
                upstream.then(Script(status=500, body={"error": {"message": text}}))
                chat.get("why", "failed")
                chat.card.get_by_text("Details", exact=True).click()
                expect(chat.card.locator(".plain")).to_contain_text(PAYLOADS[index].split()[0][:8])
            watch.saw_nothing()
            chat.page.reload()
            chat.expect_status("failed")
            watch.saw_nothing()
        finally:
            server.stop()
