"""Around the conversation: the sidebar, titles, settings, narrow pages, other tabs."""

import re
import threading
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, query, show, until_heard, until_seen
from tests.imported import conversation, take
from tests.server import Server
from tests.upstream import Script, words
from tests.waiting import until_now


def _row(chat: Chat, title: str):
    return chat.page.get_by_role("navigation", name="Conversations").get_by_role("link", name=title)


def _act(chat: Chat, title: str, action: str) -> None:
    _row(chat, title).hover()
    chat.page.get_by_role("button", name=f"Actions for {title}").first.click()
    chat.page.get_by_role("menuitem", name=action, exact=True).click()


def _rename(chat: Chat, title: str) -> None:
    """Give the open conversation a title of its own."""
    chat.page.locator('a[aria-current="page"]').hover()
    chat.page.locator('.row:has(a[aria-current="page"]) .row-menu button').click()
    chat.page.get_by_role("menuitem", name="Rename").click()
    field = chat.page.get_by_role("textbox", name="Rename")
    field.fill(title)
    field.press("Enter")
    expect(_row(chat, title)).to_be_visible()


def test_a_title_comes_from_the_model_and_a_persons_own_is_final(chat: Chat, upstream):
    chat.ask("why is the sky blue")
    expect(_row(chat, "A title from the model").first).to_be_visible()
    _rename(chat, "Sky")
    chat.page.reload()
    expect(_row(chat, "Sky")).to_be_visible()
    expect(chat.page).to_have_title(re.compile("Sky$"))  # before it may stand that another was answered


def test_a_title_that_was_given_up_stays_as_it_was(chat: Chat, upstream):
    chat.ask("a title to keep")
    chat.expect_status("complete")
    _rename(chat, "Kept as it is")
    _act(chat, "Kept as it is", "Rename")
    field = chat.page.get_by_role("textbox", name="Rename")
    field.fill("given up")
    field.press("Escape")
    expect(field).to_have_count(0)
    chat.page.reload()
    expect(_row(chat, "Kept as it is")).to_be_visible()
    expect(_row(chat, "given up")).to_have_count(0)


def test_deleting_acts_at_once_and_undo_brings_it_back(chat: Chat, upstream):
    chat.ask("keep me")
    chat.expect_status("complete")
    _rename(chat, "Keep me")
    address = chat.page.url
    _act(chat, "Keep me", "Delete")
    expect(_row(chat, "Keep me")).to_have_count(0)
    chat.page.wait_for_url(re.compile("/new$"))
    chat.button("Undo").click()
    expect(_row(chat, "Keep me")).to_be_visible()
    chat.page.goto(address)
    chat.expect_status("complete")


def test_pinned_stands_first_and_archived_is_found_in_settings(chat: Chat, upstream):
    chat.ask("pin me")
    chat.expect_status("complete")
    _rename(chat, "Pin me")
    _act(chat, "Pin me", "Pin")
    expect(chat.page.get_by_role("heading", name="Pinned")).to_be_visible()
    _act(chat, "Pin me", "Unpin")
    expect(chat.page.get_by_role("heading", name="Pinned")).to_have_count(0)  # a row that moves takes its menu along
    _act(chat, "Pin me", "Archive")
    expect(_row(chat, "Pin me")).to_have_count(0)
    chat.page.get_by_role("link", name="Settings").click()
    chat.page.get_by_text("Archived conversations").click()
    chat.page.get_by_role("listitem").filter(has_text="Pin me").get_by_role("button", name="Bring back").click()
    expect(_row(chat, "Pin me")).to_be_visible()


def test_another_tab_shows_running_and_unread_and_then_the_answer(chat: Chat, upstream, server: Server):
    other = Chat(chat.page.context.new_page())
    other.page.goto(server.url)
    expect(other.field).to_be_visible()
    end = threading.Event()
    upstream.then(Script(words(10), held=end))
    chat.ask("in the first tab")
    conversation = chat.conversation_id()
    row = other.page.locator(f'a[href="/c/{conversation}"]')
    expect(row).to_have_attribute(
        "data-running", "true", timeout=8_000
    )  # the watcher tells; without it the list would look after 10 s
    chat.page.goto(f"{server.url}/settings")
    end.set()
    expect(row).to_have_attribute("data-unread", "true")
    row.click()
    other.expect_status("complete")
    expect(row).to_have_attribute("data-unread", "false")


def test_settings_marks_no_conversation_as_open(chat: Chat, upstream):
    chat.get("hello")
    row = chat.page.locator(f'.rows a[href="/c/{chat.conversation_id()}"]')
    expect(row).to_have_attribute("aria-current", "page")
    chat.page.get_by_role("link", name="Settings").click()
    expect(chat.page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(row).to_have_attribute("aria-current", "false")
    row.click()
    expect(row).to_have_attribute("aria-current", "page")


def test_ten_tabs_of_one_profile_and_the_first_shows_what_the_tenth_sent(chat: Chat, upstream, server: Server):
    chat.ask("first")
    chat.expect_status("complete")
    followed: list[Page] = []
    chat.page.context.on("request", lambda r: "/api/streams/" in r.url and followed.append(r.frame.page))
    tabs = [Chat(chat.page.context.new_page()) for _ in range(9)]
    for tab in tabs:
        tab.page.goto(chat.page.url)
        tab.expect_status("complete")
    for tab in (chat, *tabs[:-1]):
        show(tab.page, "hidden")
    end = threading.Event()
    upstream.then(Script(["from ", "the ", "tenth"], held=end))
    tabs[-1].ask("second")
    for tab in (chat, *tabs):  # each hears of the answer by its socket, and only the one in view follows it
        expect(tab.answers).to_have_count(2)
    until_seen(tabs[-1].page, lambda: followed)
    end.set()
    tabs[-1].expect_status("complete")
    assert followed == [tabs[-1].page]
    show(chat.page, "visible")
    expect(chat.answers.last).to_contain_text("from the tenth")


def test_a_long_conversation_pages_upwards_without_a_jump(chat: Chat, upstream, server: Server):
    turns = ((f"question {index}", f"answer {index}") for index in range(120))
    take(chat.page, conversation("A long one", [text for turn in turns for text in turn]))
    _row(chat, "A long one").click()
    expect(chat.page.get_by_text("answer 119", exact=True)).to_be_visible()
    expect(chat.page.locator("article")).to_have_count(50)
    # textContent: innerText leaves out what is far from view
    where = """() => [...document.querySelectorAll('article')].find(a => a.textContent.includes('answer 96'))
        .getBoundingClientRect().top"""
    before = chat.page.evaluate(
        f"""() => {{ const s = document.querySelector('.scroller');
        s.scrollTop = -(s.scrollHeight - s.clientHeight - 300); return ({where})(); }}"""
    )
    expect(chat.page.locator("article")).not_to_have_count(50)
    assert abs(chat.page.evaluate(where) - before) < 2


def test_export_gives_a_file(chat: Chat, upstream):
    chat.ask("export me")
    chat.expect_status("complete")
    _rename(chat, "Export me")
    with chat.page.expect_download() as download:
        _act(chat, "Export me", "Export as Markdown")

    assert download.value.suggested_filename == "Export me.md"
    assert "Hello there." in download.value.path().read_text()


@pytest.mark.breaks
def test_a_bad_import_says_which_entry_and_why(chat: Chat, server: Server, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('[{"what": 1}]')
    chat.page.goto(f"{server.url}/settings")
    chat.page.locator('input[type="file"]').set_input_files(bad)

    expect(chat.page.locator(".import").get_by_role("alert")).to_have_text(
        "Entry 1: It is neither a conversation of ChatGPT nor of Claude."
    )


def test_chinese_is_chosen_by_the_browser_and_by_hand(new_context, server: Server):
    page = new_context(locale="zh-CN").new_page()
    page.goto(f"{server.url}/settings")
    expect(page.get_by_role("heading", name="设置")).to_be_visible()
    page.get_by_label("English").check()
    expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()


def test_a_draft_survives_a_reload_and_belongs_to_its_conversation(chat: Chat, upstream):
    chat.ask("first")
    chat.expect_status("complete")
    chat.field.fill("half a thou")
    until_now(lambda: chat.page.evaluate("Object.values(localStorage).some(kept => kept.includes('half a thou'))"))
    chat.page.reload()
    expect(chat.field).to_have_value("half a thou")
    chat.page.get_by_role("button", name="New chat").first.click()
    expect(chat.field).to_have_value("")
    chat.page.go_back()
    expect(chat.field).to_have_value("half a thou")


def test_a_long_paste_becomes_a_chip_and_is_sent_whole(chat: Chat, upstream):
    pasted = "\n".join(f"line {i}" for i in range(100))
    chat.field.focus()
    chat.page.evaluate(
        """text => { const data = new DataTransfer(); data.setData('text/plain', text);
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""",
        pasted,
    )
    expect(chat.page.get_by_text("Pasted text · 100 lines")).to_be_visible()
    chat.field.fill("summarise")
    chat.field.press("Enter")
    chat.expect_status("complete")

    assert upstream.chats[0].body["messages"][-1]["content"] == f"{pasted}\n\nsummarise"


def test_word_of_a_running_answer_stands_in_the_tabs_title(chat: Chat, upstream):
    end = threading.Event()
    upstream.then(Script(words(10), held=end))
    chat.ask("why")
    until_heard(chat, "word1")
    expect(chat.page).to_have_title(re.compile("^● "))
    end.set()
    chat.expect_status("complete")
    expect(chat.page).not_to_have_title(re.compile("^● "))


def test_the_sidebar_is_grouped_by_days_and_months_and_pages_as_it_scrolls(chat: Chat, server: Server):
    now = time.time()
    days = {"Today": 0, "Yesterday": 1, "Last 7 days": 4, "2019": 365.25 * (time.gmtime(now).tm_year - 2019)}
    at = {name: int((now - ago * 86_400) * 1000) for name, ago in days.items()}
    dated = [
        conversation(f"{name} {index}", [], key=f"dated:{name}:{index}", updated_at=at[name] - index)
        for name in days
        for index in range(40)
    ]
    take(chat.page, *dated)
    try:
        rows = chat.page.get_by_role("navigation").locator(".row")
        expect(_row(chat, "Today 0")).to_be_visible()
        first = rows.count()
        expect(_row(chat, "2019 39")).to_have_count(0)
        for _ in range(8):
            before = rows.count()  # looked at first: the next page may be there as soon as this comes into view
            rows.last.scroll_into_view_if_needed()
            until_seen(chat.page, lambda before=before: rows.count() > before or _row(chat, "2019 39").count())
            if _row(chat, "2019 39").count():
                break
        assert rows.count() >= first + 100
        headings = chat.page.get_by_role("navigation").get_by_role("heading").all_inner_texts()
        assert headings[-1].endswith(" 2019")
        assert [name for name in headings if name in days] == ["Today", "Yesterday", "Last 7 days"]
    finally:
        query(server, "DELETE FROM conversations WHERE import_key LIKE 'dated:%'")


def test_what_was_deleted_is_brought_back_in_settings(chat: Chat, server: Server):
    chat.get("to be brought back")
    _rename(chat, "Brought back")
    address = chat.page.url
    _act(chat, "Brought back", "Delete")
    expect(_row(chat, "Brought back")).to_have_count(0)
    chat.page.goto(f"{server.url}/settings")
    shelf = chat.page.locator("details", has_text="Deleted")
    shelf.locator("summary").click()
    shelf.locator("li", has_text="Brought back").get_by_role("button").click()
    expect(_row(chat, "Brought back")).to_be_visible()
    chat.page.goto(address)
    expect(chat.questions.last).to_contain_text("to be brought back")


def test_a_hidden_sidebar_leaves_a_button_that_brings_it_back(chat: Chat):
    drawer = chat.page.get_by_role("navigation", name="Conversations")
    expect(drawer).to_be_visible()
    chat.page.keyboard.press("Control+b")
    expect(drawer).to_be_hidden()
    chat.button("Conversations").click()
    expect(drawer).to_be_visible()


def test_a_title_being_written_and_an_open_menu_stay_with_their_row_when_another_comes_above(
    chat: Chat, server: Server
):
    chat.get("the one to rename")
    _rename(chat, "To be renamed")
    _act(chat, "To be renamed", "Rename")
    field = chat.page.get_by_role("textbox", name="Rename")
    field.fill("Given in peace")
    other = Chat(chat.page.context.new_page())
    other.page.goto(f"{server.url}/new")
    other.get("comes above")
    _rename(other, "Came above")
    expect(_row(chat, "Came above")).to_be_visible()
    expect(field).to_have_value("Given in peace")
    field.press("Enter")
    expect(_row(chat, "Given in peace")).to_be_visible()
    expect(_row(chat, "Came above")).to_be_visible()

    _row(chat, "Given in peace").hover()
    chat.page.get_by_role("button", name="Actions for Given in peace").click()
    other.get("and rises again")
    _rename(other, "Rose again")
    expect(_row(chat, "Rose again")).to_be_visible()
    chat.page.get_by_role("menuitem", name="Delete", exact=True).click()
    expect(_row(chat, "Given in peace")).to_have_count(0)
    expect(_row(chat, "Rose again")).to_be_visible()


def test_a_list_that_is_open_stays_at_its_button_when_the_window_changes(chat: Chat):
    chat.button("Model").click()
    popover = chat.page.locator(".popover")
    expect(popover).to_be_visible()
    chat.page.set_viewport_size({"width": 1000, "height": 700})

    def gap() -> float:
        button, box = chat.button("Model").bounding_box(), popover.bounding_box()
        return abs(button["y"] - box["y"] - box["height"]) if button and box else 999

    until_seen(chat.page, lambda: gap() < 6)
    chat.page.set_viewport_size({"width": 1280, "height": 900})


def test_an_open_menu_stays_when_a_row_from_below_rises_above_its_own(chat: Chat, server: Server):
    chat.get("the lower one")
    _rename(chat, "The lower one")
    lower = f"{server.url}/c/{chat.conversation_id()}"
    chat.page.get_by_role("button", name="New chat").first.click()
    expect(chat.questions).to_have_count(0)
    chat.get("the upper one")
    _rename(chat, "The upper one")
    _row(chat, "The upper one").hover()
    chat.page.get_by_role("button", name="Actions for The upper one").click()
    other = Chat(chat.page.context.new_page())
    other.page.goto(lower)
    other.get("rise")

    def has_risen() -> bool:
        titles = chat.page.locator(".rows .title").all_inner_texts()
        return titles.index("The lower one") < titles.index("The upper one")

    until_seen(chat.page, has_risen)
    expect(chat.page.locator(".popover")).to_be_visible()
    expect(chat.page.get_by_role("menuitem", name="Rename")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("menu")).to_have_count(0)
