"""Around the conversation: the sidebar, titles, settings, narrow pages, other tabs."""

import json
import re

from playwright.sync_api import expect

from tests.browser import Chat, until_heard
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
    expect(chat.page).to_have_title("Sky")


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
    upstream.then(Script(words(80), pace_s=0.02))
    chat.ask("in the first tab")
    conversation = chat.conversation_id()
    row = other.page.locator(f'a[href="/c/{conversation}"]')
    expect(row).to_have_attribute("data-running", "true", timeout=2_500)
    chat.page.goto(f"{server.url}/settings")
    expect(row).to_have_attribute("data-unread", "true")
    row.click()
    other.expect_status("complete")
    expect(row).to_have_attribute("data-unread", "false")


def test_ten_tabs_of_one_profile_and_the_first_shows_what_the_tenth_sent(chat: Chat, upstream, server: Server):
    chat.ask("first")
    chat.expect_status("complete")
    tabs = [Chat(chat.page.context.new_page()) for _ in range(9)]
    for tab in tabs:
        tab.page.goto(chat.page.url)
        tab.expect_status("complete")
    upstream.then(Script(["from the tenth"]))
    tabs[-1].ask("second")
    expect(tabs[-1].answers).to_have_count(2)
    tabs[-1].expect_status("complete")
    chat.page.bring_to_front()
    expect(chat.answers.last).to_contain_text("from the tenth")


def test_a_long_conversation_pages_upwards_without_a_jump(chat: Chat, upstream, server: Server):
    file = {"format": "chat_app", "version": 1, "conversations": [_long_conversation(120)]}
    answer = chat.page.evaluate(
        "async body => (await fetch('/api/import', {method: 'POST', body})).json()", json.dumps(file)
    )
    assert answer == {"added": 1, "known": 0}
    _row(chat, "A long one").click()
    expect(chat.page.get_by_text("answer 119", exact=True)).to_be_visible()
    expect(chat.page.locator("article")).to_have_count(50)
    where = """() => [...document.querySelectorAll('article')].find(a => a.innerText.includes('answer 96'))
        .getBoundingClientRect().top"""
    before = chat.page.evaluate(
        f"""() => {{ const s = document.querySelector('.scroller');
        s.scrollTop = -(s.scrollHeight - s.clientHeight - 300); return ({where})(); }}"""
    )
    expect(chat.page.locator("article")).not_to_have_count(50)
    assert abs(chat.page.evaluate(where) - before) < 2


def _long_conversation(turns: int) -> dict:
    messages, parent = [], None
    for index in range(turns):
        for role, text in (("user", f"question {index}"), ("assistant", f"answer {index}")):
            made = {
                "id": f"{role}{index}",
                "role": role,
                "parent_id": parent,
                "parts": [{"type": "text", "text": text}],
            }
            messages.append(made)
            parent = made["id"]
    return {
        "key": "long-one",
        "title": "A long one",
        "leaf_message_id": parent,
        "messages": messages,
        "updated_at": 2**41,
    }


def test_export_gives_a_file(chat: Chat, upstream):
    chat.ask("export me")
    chat.expect_status("complete")
    _rename(chat, "Export me")
    with chat.page.expect_download() as download:
        _act(chat, "Export me", "Export as Markdown")

    assert download.value.suggested_filename == "Export me.md"
    assert "Hello there." in download.value.path().read_text()


def test_a_bad_import_says_which_entry_and_why(chat: Chat, server: Server, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('[{"what": 1}]')
    chat.page.goto(f"{server.url}/settings")
    chat.page.locator('input[type="file"]').set_input_files(bad)

    expect(chat.page.get_by_text("Entry 1 is neither a conversation of ChatGPT nor of Claude.")).to_be_visible()


def test_a_narrow_page_has_its_sidebar_in_a_drawer(new_context, upstream, server: Server):
    chat = Chat(new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page())
    chat.page.goto(server.url)
    expect(chat.field).to_be_visible()
    expect(chat.page.get_by_role("navigation", name="Conversations")).to_be_hidden()
    chat.page.get_by_role("button", name="Conversations").click()
    expect(chat.page.get_by_role("navigation", name="Conversations")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_role("navigation", name="Conversations")).to_be_hidden()
    chat.field.fill("on a phone")
    chat.button("Send").click()
    chat.expect_status("complete")

    assert chat.page.evaluate("document.documentElement.scrollWidth") <= 390


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
    chat.page.get_by_role("link", name="New chat").first.click()
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
    upstream.then(Script(words(60), pace_s=0.02))
    chat.ask("why")
    until_heard(chat, "word1")
    expect(chat.page).to_have_title(re.compile("^● "))
    chat.expect_status("complete")
    expect(chat.page).not_to_have_title(re.compile("^● "))
