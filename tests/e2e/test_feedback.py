"""What a person thinks of an answer, in the browser."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import Chat, findings, query, until_seen
from tests.server import Server


def thumb(chat: Chat, name: str):
    return chat.answers.last.get_by_role("button", name=name, exact=True)


def test_a_thumb_is_given_with_reasons_and_a_comment_and_outlives_a_reload(chat: Chat, server: Server):
    chat.get("why")
    thumb(chat, "Bad answer").click()
    form = chat.page.get_by_role("form", name="What was wrong with it?")
    expect(thumb(chat, "Bad answer")).to_have_attribute("aria-pressed", "true")
    form.get_by_role("button", name="Too long", exact=True).click()
    form.get_by_role("button", name="Not correct", exact=True).click()
    form.get_by_role("textbox", name="Anything else (optional)").fill("It repeats itself.")
    form.get_by_role("button", name="Send feedback", exact=True).click()
    expect(form).to_have_count(0)
    chat.page.reload()
    expect(thumb(chat, "Bad answer")).to_have_attribute("aria-pressed", "true")
    kept = """kind = 'down' AND tags = '["wrong","long"]' AND comment = 'It repeats itself.'"""
    mine = f"message_id = '{chat.answers.last.get_attribute('data-message-id')}'"
    assert query(server, f"SELECT count(*) FROM feedback_events WHERE {kept} AND {mine}") == 1


def test_words_that_were_asked_for_before_a_thumb_was_given_do_not_take_it_back(chat: Chat):
    held, later = [], []
    chat.page.route(
        "**/api/messages?ids=*",
        lambda route: later.append(route.continue_()) if later else held.append((route, route.fetch())),
    )
    chat.ask("why")
    chat.expect_status("complete")
    until_seen(chat.page, lambda: len(held) > 0)
    thumb(chat, "Bad answer").click()
    form = chat.page.get_by_role("form", name="What was wrong with it?")
    expect(form).to_be_visible()
    later.append(None)
    for route, response in held:
        route.fulfill(response=response)
    expect(chat.answers.last.locator(".figures")).to_be_visible()
    expect(form).to_be_visible()
    expect(thumb(chat, "Bad answer")).to_have_attribute("aria-pressed", "true")


def test_the_other_thumb_takes_the_place_of_one_and_a_second_press_takes_it_back(chat: Chat):
    chat.get("why")
    thumb(chat, "Bad answer").click()
    thumb(chat, "Good answer").click()
    expect(thumb(chat, "Bad answer")).to_have_attribute("aria-pressed", "false")
    expect(chat.page.get_by_role("form", name="What was good about it?")).to_be_visible()
    thumb(chat, "Good answer").click()
    expect(thumb(chat, "Good answer")).to_have_attribute("aria-pressed", "false")
    expect(chat.page.locator(".why")).to_have_count(0)
    chat.page.reload()
    expect(thumb(chat, "Good answer")).to_have_attribute("aria-pressed", "false")


def test_what_is_written_as_feedback_outlives_a_reload_and_escape_leaves_the_thumb(chat: Chat):
    chat.get("why")
    thumb(chat, "Good answer").click()
    comment = chat.page.get_by_role("textbox", name="Anything else (optional)")
    comment.fill("half a sent")
    chat.page.reload()
    thumb(chat, "Good answer").click()  # takes it back, and gives it again
    thumb(chat, "Good answer").click()
    expect(comment).to_have_value("half a sent")
    comment.press("Escape")
    expect(comment).to_have_count(0)
    expect(thumb(chat, "Good answer")).to_have_attribute("aria-pressed", "true")
    expect(thumb(chat, "Good answer")).to_be_focused()


@pytest.mark.breaks
def test_a_thumb_that_cannot_be_kept_is_shown_as_it_was_and_says_so_in_its_place(chat: Chat):
    chat.get("why")

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={"error": {"code": "store_unavailable", "message": ""}})

    chat.page.route("**/rating", lambda route: refuse(route))
    thumb(chat, "Good answer").click()
    expect(chat.answers.last.get_by_role("alert")).to_have_count(1)
    expect(thumb(chat, "Good answer")).to_have_attribute("aria-pressed", "false")
    chat.page.unroute("**/rating")
    thumb(chat, "Good answer").click()
    expect(chat.answers.last.get_by_role("alert")).to_have_count(0)
    expect(thumb(chat, "Good answer")).to_have_attribute("aria-pressed", "true")


@pytest.mark.breaks
def test_a_comment_that_cannot_be_kept_stays_in_its_field(chat: Chat):
    chat.get("why")
    thumb(chat, "Good answer").click()
    form = chat.page.get_by_role("form", name="What was good about it?")
    comment = form.get_by_role("textbox", name="Anything else (optional)")
    comment.fill("x" * 2001)
    expect(form.get_by_role("alert")).to_contain_text("2,000")
    expect(form.get_by_role("button", name="Send feedback", exact=True)).to_be_disabled()
    comment.fill("all well")
    chat.page.route("**/rating", lambda route: route.abort())
    form.get_by_role("button", name="Send feedback", exact=True).click()
    expect(form.get_by_role("alert")).to_be_visible()
    expect(comment).to_have_value("all well")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_it_and_it_stays_within_the_page(new_context, server: Server, upstream, scheme, width):
    page: Page = new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale="zh-CN").new_page()
    page.goto(server.url)
    chat = Chat(page)
    page.locator("#composer").fill("为什么")
    page.keyboard.press("Enter")
    expect(chat.answers.last).to_have_attribute("data-status", "complete")
    thumb(chat, "回答得不好").click()
    form = page.get_by_role("form", name="哪里不好？")
    form.get_by_role("button", name="答非所问", exact=True).click()
    expect(form.get_by_role("button", name="提交反馈", exact=True)).to_be_in_viewport()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
