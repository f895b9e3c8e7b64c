"""Search over all that was said: from a few words, or what was meant, to the message on its branch."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from chat_app.search.embedder import LOCAL
from tests.browser import Chat, findings, until_seen
from tests.server import Server
from tests.upstream import Script, Upstream

ROT = "Blossom end rot is a lack of calcium in the fruit. Water evenly, and pick the damaged ones."


@pytest.fixture(scope="module")
def garden(tmp_path_factory) -> Iterator[tuple[Server, Upstream]]:
    """A server of its own that finds meaning, with some conversations."""
    upstream = Upstream(["echo", "other"])
    folder = tmp_path_factory.mktemp("garden")
    with upstream.serve(), Server(folder, VLLM_BASE_URL=upstream.url, EMBEDDING_MODEL=LOCAL) as server:
        yield server, upstream


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Search", exact=True)


def field(page: Page) -> Locator:
    return dialog(page).get_by_role("textbox", name="Search", exact=True)


def options(page: Page) -> Locator:
    return dialog(page).get_by_role("listbox", name="Found").get_by_role("option")


def narrow(page: Page, name: str, choice: str) -> None:
    """Choose of a filter."""
    dialog(page).get_by_role("button", name=name, exact=True).click()
    dialog(page).get_by_role("listbox", name=name, exact=True).get_by_role("option", name=choice, exact=True).click()


def search(page: Page, text: str) -> None:
    """Open the search, if it is not, and write into it."""
    if not dialog(page).is_visible():
        page.keyboard.press("Control+k")
    expect(field(page)).to_be_focused()
    field(page).fill(text)


def keep_marks(page: Page) -> None:
    """Let what was looked for stay marked until `unmark()` is called: a mark is gone after a second."""
    page.evaluate(
        """() => { const set = setTimeout;
        window.setTimeout = (call, ms, ...more) => (ms === 1200 ? ((window.unmark = call), 0) : set(call, ms, ...more)); }"""
    )


def look_until(page: Page, text: str, is_found) -> None:
    """Search again and again until what is found is so: the index takes a second."""

    def look() -> bool:
        field(page).fill("")
        with page.expect_response(lambda response: "/api/search?q=" in response.url):
            field(page).fill(text)
        return is_found(options(page))

    search(page, text)
    until_seen(page, look)


def test_what_was_meant_is_found_and_enter_opens_the_message_on_its_branch_and_marks_it(new_page, garden):
    server, upstream = garden
    chat = Chat(new_page)
    chat.page.goto(server.url)
    upstream.then(Script([ROT]), Script(["Prune them in March. " * 40]), Script(["A second answer."]))
    chat.get("Why are my tomatoes black below?")
    chat.get("And roses?")
    where = chat.conversation_id()
    chat.button("Try again").last.click()
    chat.page.get_by_role("menuitem", name="Same model").click()
    expect(chat.answers.last).to_contain_text("A second answer.")
    upstream.then(Script(["Sort on disk first."]))
    chat.button("New chat").first.click()
    expect(chat.answers).to_have_count(0)
    chat.get("How do I sort a file that does not fit into memory?")
    assert chat.conversation_id() != where  # it has its address, and what is opened now stays

    search(chat.page, "")
    narrow(chat.page, "Who said it", "Answers")
    meant = "dark patches on the underside of vegetables"
    look_until(chat.page, meant, lambda found: found.count() and "calcium" in found.first.inner_text())
    expect(options(chat.page).first).to_have_attribute("aria-selected", "true")
    assert findings(chat.page) == []
    keep_marks(chat.page)
    field(chat.page).press("Enter")
    expect(dialog(chat.page)).to_be_hidden()
    chat.page.wait_for_url(re.compile(f"/c/{where}$"))
    expect(chat.page.locator("article[data-hit]")).to_contain_text("calcium")
    chat.page.evaluate("unmark()")
    expect(chat.page.locator("article[data-hit]")).to_have_count(0)
    expect(chat.answers.last).to_contain_text("A second answer.")

    look_until(chat.page, "prune march", lambda found: found.count() and "Prune" in found.first.inner_text())
    field(chat.page).press("Enter")
    expect(chat.page.locator("article[data-hit]")).to_contain_text("Prune")  # on the branch that was left
    expect(chat.answers.last).to_contain_text("Prune")


def test_words_are_marked_filters_narrow_and_a_search_without_hits_says_so(chat: Chat, upstream, server: Server):
    upstream.then(Script(["The zebra crossing was repainted."]))
    chat.get("what about the zebra")
    look_until(chat.page, "zebra", lambda found: found.count() >= 2)
    expect(options(chat.page).locator("mark").first).to_have_text("zebra")
    narrow(chat.page, "Who said it", "Answers")
    expect(options(chat.page)).to_have_count(1)
    expect(options(chat.page)).to_contain_text("echo")
    narrow(chat.page, "Model", "other")
    status = dialog(chat.page).get_by_role("status")
    expect(status).to_have_text("Nothing was found for “zebra” with these filters.")
    narrow(chat.page, "Model", "Any model")
    narrow(chat.page, "When", "Past 7 days")
    expect(options(chat.page)).to_have_count(1)
    dialog(chat.page).get_by_role("checkbox", name="Pinned").check()
    expect(status).to_contain_text("with these filters")
    dialog(chat.page).get_by_role("checkbox", name="Pinned").uncheck()
    narrow(chat.page, "Who said it", "Anyone")
    narrow(chat.page, "When", "Any time")
    field(chat.page).fill("xylophonist")
    expect(status).to_have_text("Nothing was found for “xylophonist”. Try other words.")
    field(chat.page).fill("")
    expect(status).to_contain_text("Words, or what was meant.")
    chat.page.keyboard.press("Escape")
    expect(dialog(chat.page)).to_be_hidden()


def test_arrows_choose_and_a_press_opens_also_from_another_page(chat: Chat, upstream, server: Server):
    upstream.then(Script(["Gannets dive."]), Script(["Gannets fish."]))
    chat.get("gannets one")
    where = chat.conversation_id()
    chat.button("New chat").first.click()
    expect(chat.answers).to_have_count(0)
    chat.get("gannets two")
    chat.page.goto(f"{server.url}/settings")
    chat.page.get_by_role("button", name="Search").click()
    look_until(chat.page, "gannets", lambda found: found.count() >= 4)
    field(chat.page).press("ArrowUp")
    expect(options(chat.page).last).to_have_attribute("aria-selected", "true")
    field(chat.page).press("ArrowDown")
    expect(options(chat.page).first).to_have_attribute("aria-selected", "true")
    keep_marks(chat.page)
    options(chat.page).filter(has_text="dive").click()
    chat.page.wait_for_url(re.compile(f"/c/{where}$"))
    expect(chat.page.locator("article[data-hit]")).to_contain_text("dive")


def test_a_conversation_is_found_by_its_title_and_no_more_once_it_is_deleted(chat: Chat, upstream, server: Server):
    upstream.then(Script(["Okapis are shy."]))
    chat.get("okapi facts")
    where = chat.conversation_id()
    look_until(chat.page, "okapi", lambda found: found.count() >= 2)
    chat.page.keyboard.press("Escape")
    assert chat.page.evaluate(
        "(id) => fetch(`/api/search?q=okapi`).then((r) => r.json()).then((f) => f.hits.every((h) => h.conversation === id))",
        where,
    )
    chat.page.get_by_role("link", name="okapi facts").or_(chat.page.locator(f'a[href="/c/{where}"]')).first.hover()
    chat.page.locator(f'.row:has(a[href="/c/{where}"]) button').click()
    chat.page.get_by_role("menuitem", name="Delete").click()
    expect(chat.page.locator(f'.row a[href="/c/{where}"]')).to_have_count(0)
    search(chat.page, "okapi")
    expect(dialog(chat.page).get_by_role("status")).to_contain_text("Nothing was found for “okapi”.")
    expect(options(chat.page)).to_have_count(0)


def test_an_index_that_is_still_being_made_and_meaning_that_is_away_are_said(chat: Chat):
    told = {
        "titles": [],
        "hits": [],
        "lacking": "embedder_unavailable",
        "progress": {"left": 40, "all": 100},
    }
    chat.page.route("**/api/search?**", lambda route: route.fulfill(json=told))
    search(chat.page, "anything")
    status = dialog(chat.page).get_by_role("status")
    expect(status).to_contain_text("Meaning cannot be searched just now; words are found all the same.")
    expect(status).to_contain_text("Still reading: 60 of 100 are done")


def test_it_fits_a_phone_reads_chinese_and_leaves_enter_to_the_input_method(new_context, server: Server, upstream):
    page = new_context(locale="zh-CN", viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    chat = Chat(page)
    page.goto(server.url)
    upstream.then(Script(["退租时押金应当在十五天内退还。"]))
    page.get_by_role("textbox", name="消息", exact=True).fill("房东不退押金怎么办")
    page.get_by_role("button", name="发送", exact=True).click()
    chat.expect_status("complete")
    page.keyboard.press("Control+k")
    box = page.get_by_role("dialog", name="搜索", exact=True)
    written = box.get_by_role("textbox", name="搜索", exact=True)

    def look() -> bool:
        written.fill("")
        with page.expect_response(lambda response: "/api/search?q=" in response.url):
            written.fill("押金")
        return box.locator(".hits li").count() >= 2

    until_seen(page, look)
    expect(box.locator("mark").first).to_have_text("押金")
    assert findings(page) == []
    written.dispatch_event("keydown", {"key": "Enter", "isComposing": True, "keyCode": 229})
    expect(box).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box.get_by_role("option").filter(has_text="十五天").click()
    expect(box).to_be_hidden()
    expect(page.locator("article[data-hit]")).to_contain_text("十五天")


def test_the_settings_say_how_far_the_index_is_and_make_it_anew(new_page, garden):
    server, upstream = garden
    chat = Chat(new_page)
    chat.page.goto(server.url)
    upstream.then(Script(["Wombats dig."]))
    chat.get("what do wombats do")
    look_until(chat.page, "wombats", lambda found: found.count() >= 2)
    chat.page.goto(f"{server.url}/settings")
    index = chat.page.locator(".search-index")
    done = re.compile(r"^Search finds all [\d,]+ messages by words and by meaning \(all-MiniLM-L6-v2\)\.$")
    expect(index.get_by_role("status")).to_have_text(done)
    index.get_by_role("button", name="Index everything anew").click()
    expect(index.get_by_role("status")).to_contain_text("are done.")
    expect(index.get_by_role("status")).to_have_text(done)
    assert findings(chat.page) == []
    look_until(chat.page, "wombats dig", lambda found: found.filter(has_text="Wombats dig.").count() == 1)


def test_what_was_asked_before_is_said_while_it_is_written_again_and_its_answer_is_a_press_away(new_page, garden):
    server, upstream = garden
    chat = Chat(new_page)
    chat.page.goto(server.url)
    upstream.then(Script(["Change at Olten; the night train goes at ten."]))
    chat.get("How do I get from Basel to Rome by train?")
    where = chat.conversation_id()
    look_until(chat.page, "night train Rome", lambda found: found.count() >= 2)
    chat.page.keyboard.press("Escape")
    chat.button("New chat").first.click()
    expect(chat.answers).to_have_count(0)
    hint = chat.page.locator(".asked-before")

    def is_hinted() -> bool:  # its vector may take a moment
        chat.field.fill("")
        with chat.page.expect_response("**/api/search/before"):
            chat.field.fill("how can I travel from Basel to Rome by train")
        return hint.count() == 1

    until_seen(chat.page, is_hinted)
    expect(hint).to_contain_text(re.compile("You asked this on .*: “How do I get from Basel to Rome by train\\?”"))
    assert findings(chat.page) == []
    hint.get_by_role("button", name="Dismiss").click()
    expect(hint).to_have_count(0)
    chat.page.reload()
    expect(hint).to_be_visible()
    hint.get_by_role("button", name="Show the answer").click()
    chat.page.wait_for_url(re.compile(f"/c/{where}$"))
    expect(chat.answers.last).to_contain_text("Olten")
    expect(hint).to_have_count(0)
    assert chat.page.evaluate("localStorage.getItem('chat_app.draft.new')") is not None  # nothing written is lost


def test_related_conversations_stand_beside_the_open_one(new_page, garden):
    server, upstream = garden
    chat = Chat(new_page)
    chat.page.goto(server.url)
    upstream.then(Script(["Whisk it slowly, with warm oil."]), Script(["An egg yolk too cold will split it."]))
    upstream.title = "Mayonnaise that holds"
    chat.get("How do I make mayonnaise?")
    first = chat.conversation_id()
    expect(chat.page.get_by_role("heading", name="Mayonnaise that holds")).to_be_visible()
    chat.button("New chat").first.click()
    expect(chat.answers).to_have_count(0)
    upstream.title = "Split mayonnaise"
    chat.get("Why did my mayonnaise split?")
    look_until(chat.page, "mayonnaise", lambda found: found.count() >= 4)
    chat.page.keyboard.press("Escape")
    button = chat.page.get_by_role("button", name="Related", exact=True)
    button.click()
    listed = chat.page.get_by_role("region", name="Related conversations")
    expect(listed.get_by_role("link").first).to_contain_text("Mayonnaise that holds")
    assert findings(chat.page) == []
    listed.get_by_role("link").first.press("Escape")
    expect(listed).to_have_count(0)
    button.click()
    keep_marks(chat.page)
    listed.get_by_role("link").first.click()
    chat.page.wait_for_url(re.compile(f"/c/{first}$"))
    expect(chat.page.locator("article[data-hit]")).to_contain_text("ayonnaise")


@pytest.mark.breaks
def test_a_conversation_that_stands_alone_and_a_server_that_is_away_are_said(new_page, garden):
    server, upstream = garden
    chat = Chat(new_page)
    chat.page.goto(server.url)
    upstream.title = "Axolotl"
    upstream.then(Script(["It is a fish."]))
    chat.get("what is an axolotl sturgeon")
    button = chat.page.get_by_role("button", name="Related", exact=True)
    button.click()
    listed = chat.page.get_by_role("region", name="Related conversations")
    expect(listed.get_by_role("status")).to_have_text("No other conversation speaks of this.")
    button.click()
    chat.page.route("**/api/search/related?*", lambda route: route.abort())
    button.click()
    expect(listed.get_by_role("status")).to_have_text("The server cannot be reached. Try again.")
