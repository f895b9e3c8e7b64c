"""How an answer is set: diagrams, tables, code, languages, paper, and what copying gives."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, until_heard, until_seen
from tests.e2e.test_hostile import RUN, Watch
from tests.imported import conversation, take
from tests.upstream import Script, words
from tests.upstream_wires import chunk

GRAPH = "```mermaid\ngraph TD\n  A[Root] --> B[Left]\n```"
HOSTILE = [
    f'graph TD; A["<img src=x onerror=\'{RUN}\'>"] --> B; click A "javascript:{RUN}"',
    f'graph TD; A["<script>{RUN}</script>"] --> B["<iframe srcdoc=x>"]',
    f"graph TD; A --> B; click A call alert({RUN})",
    '%%{init: {"securityLevel": "loose", "themeCSS": "* {background: url(https://tracker.example/a.png)}"}}%%\ngraph TD; A --> B',
    '%%{init: {"htmlLabels": true, "flowchart": {"htmlLabels": true}}}%%\n'
    f"graph TD; A[\"<b onmouseover='{RUN}'>x</b>\"] --> B",
    '%%{init: {"fontFamily": "x; } body { display: none } .y {"}}%%\ngraph TD; A --> B',
    'graph TD; A@{ img: "https://tracker.example/b.png", label: "x" } --> B',
    "graph TD; A --> B; style A fill:url(https://tracker.example/c.png)",
    "graph TD; A --> B; classDef x background-image:url(https://tracker.example/d.png); class A x",
    f"graph TD; A[\"#60;img src=x onerror='{RUN}'#62;\"] --> B[\"&lt;img src=x onerror='{RUN}'&gt;\"]",
    f"graph TD; A[\"`**x** <img src=x onerror='{RUN}'> ![x](https://tracker.example/g.png)`\"] --> B",
    f"mindmap\n  root((<img src=x onerror='{RUN}'>))",
    f'sequenceDiagram\n  participant A\n  link A: x @ javascript:{RUN}\n  A->>B: <img src=x onerror="{RUN}">',
    f'sequenceDiagram\n  A->>B: hi; links B: {{"x": "javascript:{RUN}"}}',
    f'classDiagram\n  class A\n  callback A "{RUN}"\n  link A "https://tracker.example/e"',
    "---\ntitle: <img src=https://tracker.example/f.png>\n---\ngraph TD; A --> B",
]


def _answer(chat: Chat, upstream, text: str) -> None:
    upstream.then(Script([text]))
    chat.get("show it")


def test_a_diagram_is_drawn_as_a_picture_with_its_toolbar(chat: Chat, upstream):
    _answer(chat, upstream, f"Here:\n\n{GRAPH}\n\nafter")
    picture = chat.answers.last.locator(".diagram img")
    expect(picture).to_be_visible()
    until_seen(chat.page, lambda: picture.evaluate("p => p.naturalWidth > 50 && p.complete"))
    assert "Root" in (picture.get_attribute("alt") or "")
    with chat.page.expect_download() as saved:
        chat.answers.last.get_by_role("button", name="Save").click()
    assert "<svg" in saved.value.path().read_text()
    chat.answers.last.get_by_role("button", name="Source").click()
    expect(chat.answers.last.locator(".diagram pre")).to_contain_text("A[Root] --> B[Left]")


def test_a_diagram_that_cannot_be_drawn_shows_its_source(chat: Chat, upstream):
    _answer(chat, upstream, "```mermaid\ngraph TD; A -->\n-> ]] nonsense\n```")

    expect(chat.answers.last.locator(".code pre")).to_contain_text("nonsense")
    expect(chat.answers.last.locator(".diagram")).to_have_count(0)
    assert chat.page.locator("body > [id^=ddiagram]").count() == 0


def test_hostile_diagrams_run_nothing_and_ask_nobody(chat: Chat, upstream):
    watch = Watch(chat.page)
    chat.page.reload()
    for source in HOSTILE:
        _answer(chat, upstream, f"```mermaid\n{source}\n```\n\n{GRAPH}")
        # the harmless one is drawn after the hostile one has been tried
        expect(chat.answers.last.locator(".diagram img").last).to_be_visible()

    watch.saw_nothing()
    expect(chat.page.locator("body")).to_be_visible()


def test_numbers_of_a_table_stand_right_and_unbroken_and_its_head_stays(chat: Chat, upstream):
    rows = "".join(f"| row {index} | {index},000.5 ms | some words |\n" for index in range(60))
    _answer(chat, upstream, f"| name | time | note |\n|---|---|---|\n{rows}")
    table = chat.answers.last.get_by_role("region", name="Table")
    cell = table.get_by_role("cell", name="7,000.5 ms", exact=True)
    style = cell.evaluate("c => [getComputedStyle(c).textAlign, getComputedStyle(c).whiteSpace]")
    assert style == ["right", "nowrap"]
    assert table.get_by_role("cell", name="row 7", exact=True).evaluate("c => getComputedStyle(c).textAlign") != "right"
    table.evaluate("t => t.scrollTop = 500")
    head = "t => t.querySelector('th').getBoundingClientRect().top - t.getBoundingClientRect().top"
    assert abs(table.evaluate(head)) < 3


def test_the_bar_of_long_code_sticks_under_the_header(chat: Chat, upstream):
    _answer(chat, upstream, "```python\n" + "x = 1\n" * 100 + "```")
    chat.button("Show all 100 lines").click()
    scroller = chat.page.locator(".scroller")
    scroller.evaluate("s => s.scrollTop = -600")
    bar = chat.answers.last.locator("figcaption")
    distance = "(b) => b.getBoundingClientRect().top - document.querySelector('.scroller').getBoundingClientRect().top"
    assert abs(bar.evaluate(distance)) < 2


def test_a_formula_that_fails_shows_its_source_and_is_not_red(chat: Chat, upstream):
    _answer(chat, upstream, "So $\\frac{1$ it is, and $x^2$.")
    expect(chat.answers.last.locator(".katex")).to_have_count(1)
    failed = chat.answers.last.locator(".katex-error")

    expect(failed).to_have_text("\\frac{1")
    assert failed.evaluate("e => getComputedStyle(e).color === getComputedStyle(e.closest('p')).color")


def test_bold_that_touches_chinese_is_bold(chat: Chat, upstream):
    _answer(chat, upstream, "这是**“重要”**的；另见**链接（一）**和下文。")

    expect(chat.answers.last.locator(".prose strong, .prose [data-streamdown=strong]")).to_have_text(
        ["“重要”", "链接（一）"]
    )


def test_wrapping_of_code_is_remembered(chat: Chat, upstream):
    _answer(chat, upstream, "```text\n" + "long " * 200 + "\n```")
    wide = "p => p.scrollWidth > p.clientWidth"
    code = chat.answers.last.locator(".code pre")
    assert code.evaluate(wide)
    chat.answers.last.get_by_role("button", name="Wrap").click()
    assert not code.evaluate(wide)
    chat.page.reload()
    expect(code).to_be_visible()
    expect(chat.answers.last.get_by_role("button", name="Wrap")).to_have_attribute("aria-pressed", "true")
    assert not code.evaluate(wide)


def test_a_long_question_is_folded_to_eight_lines_and_opens(chat: Chat, upstream):
    chat.get("\n".join(f"line {index}" for index in range(20)))
    words = chat.questions.last.get_by_text("line 19")
    heights = "a => [a.clientHeight, a.scrollHeight]"
    shown, whole = chat.questions.last.locator(".folded").evaluate(heights)
    assert abs(shown / whole - 8 / 20) < 0.01
    chat.questions.last.get_by_role("button", name="Show all 20 lines").click()
    expect(words).to_be_in_viewport()
    chat.questions.last.get_by_role("button", name="Show less").click()
    expect(chat.questions.last.locator(".folded")).to_have_count(1)


def test_a_wide_table_has_a_shade_at_the_edge_that_hides_more(chat: Chat, upstream):
    cells = " | ".join(f"a rather long heading {index}" for index in range(12))
    _answer(chat, upstream, f"| {cells} |\n|{'---|' * 12}\n| {cells} |")
    table = chat.answers.last.get_by_role("region", name="Table")
    shade = "t => getComputedStyle(t).backgroundImage"
    assert table.evaluate("t => t.scrollWidth > t.clientWidth")
    assert "gradient" in table.evaluate(shade)
    assert "local" in table.evaluate("t => getComputedStyle(t).backgroundAttachment")  # it goes where nothing is hidden


def test_each_block_says_its_language(chat: Chat, upstream):
    _answer(
        chat,
        upstream,
        "An English line.\n\n数据库的索引是一棵树。\n\nデータベースの索引です。\n\n데이터베이스 색인입니다.",
    )
    expect(chat.answers.last.locator(".block")).to_have_count(4)
    languages = chat.answers.last.locator(".block").evaluate_all("all => all.map(p => p.lang)")

    assert languages == ["", "zh-Hans", "ja", "ko"]


@pytest.mark.parametrize("missing", ["nothing", "ClipboardItem"], ids=["https", "plain http"])
def test_copy_gives_markdown_and_html_together(new_context, server, upstream, missing):
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    context.add_init_script(f"delete globalThis.{missing}")
    chat = Chat(context.new_page())
    chat.page.goto(server.url)
    _answer(chat, upstream, "**bold** and `code`")
    expect(chat.answers.last.locator(".prose")).to_contain_text("bold and code")
    chat.answers.last.get_by_role("button", name="Copy", exact=True).click()
    expect(chat.answers.last.get_by_role("button", name="Copied")).to_be_focused()
    read = """async () => {
      const [item] = await navigator.clipboard.read();
      return Promise.all(["text/plain", "text/html"].map(async (kind) => (await item.getType(kind)).text()));
    }"""
    plain, html = chat.page.evaluate(read)

    assert plain == "**bold** and `code`"
    assert re.search(r"<(strong|b|span)[^>]*>bold</", html)
    assert "<code>code</code>" in html


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_has_the_whole_branch_in_black_on_white(new_context, server, upstream, scheme):
    chat = Chat(new_context(color_scheme=scheme).new_page())
    chat.page.goto(server.url)
    for index in range(3):
        _answer(chat, upstream, f"answer {index}\n\n" + "long line of words\n\n" * 60 + f"end of {index}")
    chat.page.emulate_media(media="print")
    shown = _printed(chat.page)

    assert shown["color"] == "rgb(28, 27, 24)"
    assert shown["ground"] in ("rgb(255, 255, 255)", "rgb(252, 251, 249)")
    assert shown["height"] > 3 * 60 * 26
    assert shown["hidden"] == []


def test_printing_fetches_what_is_not_loaded_and_clips_nothing(chat: Chat):
    code = "```text\n" + "a line\n" * 60 + "a long line " * 60 + "\n```"
    turns = ((f"question {index}\n" * 20, f"answer {index}\n\n{code}") for index in range(60))
    take(chat.page, conversation("For paper", [text for turn in turns for text in turn]))
    chat.page.evaluate("window.print = () => { dispatchEvent(new Event('beforeprint')); window.printed = true }")
    chat.page.get_by_role("navigation").get_by_role("link", name="For paper").click()
    expect(chat.page.locator("article")).to_have_count(50)
    chat.page.keyboard.press("Control+p")
    until_seen(chat.page, lambda: chat.page.evaluate("window.printed"))
    chat.page.emulate_media(media="print")
    clipped = """[...document.querySelectorAll(".code pre, .folded, .table")]
        .filter((n) => n.scrollHeight > n.clientHeight + 1 || n.scrollWidth > n.clientWidth + 1).length"""

    expect(chat.page.locator("article")).to_have_count(120)
    expect(chat.page.locator(".code pre")).to_have_count(60)
    assert chat.page.locator('.body[data-loaded="false"]').count() == 0
    assert chat.page.evaluate(clipped) == 0


def _printed(page: Page) -> dict:
    script = """() => {
      const seen = (s) => [...document.querySelectorAll(s)].some((e) => e.getBoundingClientRect().height > 0);
      return JSON.stringify({
        color: getComputedStyle(document.querySelector(".prose p")).color,
        ground: getComputedStyle(document.body).backgroundColor,
        height: document.documentElement.scrollHeight,
        hidden: [".sidebar", ".composer", ".actions", "main > header"].filter(seen),
      });
    }"""
    return json.loads(page.evaluate(script))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_longest_word_and_address_stay_within_the_column(new_context, server, upstream, width):
    chat = Chat(new_context(viewport={"width": width, "height": 844}).new_page())
    chat.page.goto(server.url)
    long = "x" * 300
    text = f"A word {long} and https://example.com/{long}\n\n- in a list {long}\n\n> quoted {long}\n\n# {long}\n\nend"
    _answer(chat, upstream, text)
    expect(chat.answers.last.locator(".prose").last).to_have_text("end")
    over = """() => [...document.querySelectorAll(".message .prose *")].filter((e) => e.scrollWidth > e.clientWidth + 1
        && getComputedStyle(e).display !== "inline").map((e) => e.outerHTML.slice(0, 80))"""

    assert chat.page.evaluate(over) == []
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("text", "direction"), [("مرحبا بالعالم.", "rtl"), ("Hello.", "ltr"), ("你好。", "ltr")])
def test_what_is_written_from_right_to_left_is_set_so(chat: Chat, upstream, text, direction):
    upstream.then(Script([f"{text} $x = 1 + 2$\n\n```\ncode\n```\n"]))
    chat.field.fill(text)
    assert chat.field.evaluate("f => getComputedStyle(f).direction") == direction
    chat.field.press("Enter")
    chat.expect_status("complete")
    expect(chat.answers.last.locator("pre")).to_be_visible()
    for locator in (chat.questions.last.locator(".plain"), chat.answers.last.locator(".block").first):
        assert locator.evaluate("b => getComputedStyle(b).direction") == direction
    expect(chat.answers.last.locator(".katex").first).to_be_visible()
    for place in ("pre", ".katex"):
        assert chat.answers.last.locator(place).first.evaluate("b => getComputedStyle(b).direction") == "ltr"


def test_an_image_is_a_link_that_opens_a_new_tab_and_nothing_is_asked_for_it(chat: Chat, upstream):
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    _answer(chat, upstream, "![a cat](https://tracker.example/cat.png) and ![](data:image/png;base64,AA)")
    link = chat.answers.last.get_by_role("link", name="Image: a cat")
    expect(link).to_have_attribute("href", "https://tracker.example/cat.png")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", re.compile("noopener"))
    expect(chat.answers.last.locator("img")).to_have_count(0)
    assert [url for url in asked if "tracker" in url] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_is_coloured_and_its_bar_copies_it_as_it_was_written(new_context, server, upstream, scheme):
    context = new_context(color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"])
    chat = Chat(context.new_page())
    chat.page.goto(server.url)
    source = 'def f(x):\n    return "<b>"  # why\n'
    _answer(chat, upstream, f"```python\n{source}```")
    code = chat.answers.last.locator("pre code")
    colour = "(w) => { const s = [...document.querySelectorAll('pre code span')].find((s) => s.children.length === 0 && s.textContent.trim() === w); return s && getComputedStyle(s).color; }"
    until_seen(chat.page, lambda: chat.page.evaluate(colour, "def"))
    colours = {chat.page.evaluate(colour, word) for word in ("def", "f", "return", '"<b>"', "# why")}
    assert len(colours - {None}) >= 4
    expect(code).to_have_text(source.rstrip("\n"))
    chat.answers.last.get_by_role("button", name="Copy", exact=True).first.click()
    expect(chat.answers.last.locator("figcaption")).to_contain_text("Copied")
    assert chat.page.evaluate("navigator.clipboard.readText()") == source.rstrip("\n")


def test_code_marks_within_a_line_do_not_turn_what_follows_into_code(chat: Chat, upstream):
    upstream.then(Script(["```npm install```\n\n", "then **go on**\n\n", *words(10)], ending="stall"))
    chat.ask("how")
    until_heard(chat, "word3 ")
    expect(chat.answers.last.locator("pre")).to_have_count(0)
    expect(chat.answers.last.locator("strong, [data-streamdown=strong]")).to_have_text("go on")
    chat.button("Stop").click()


def test_a_call_that_a_model_asks_for_is_shown_to_be_read_and_the_talk_goes_on(chat: Chat, upstream):
    call = {"index": 0, "id": "t", "type": "function", "function": {"name": "weather", "arguments": '{"at": "x"}'}}
    upstream.then(Script([chunk({"tool_calls": [call]})], ending="tool_calls"), Script(["sunny"]))
    chat.get("how is it?")
    shown = chat.answers.last.locator("details").filter(has_text="Wants to call weather")
    shown.locator("summary").click()
    expect(shown.locator("pre")).to_have_text('{\n  "at": "x"\n}')
    chat.page.reload()
    expect(shown).to_have_count(1)
    chat.get("and now?")
    until_heard(chat, "sunny")

    assert all(message["content"] for message in upstream.chats[-1].body["messages"])
