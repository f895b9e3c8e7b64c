"""On a phone: the drawer, sheets, and fingers."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser import Chat, first_line_top, until_heard, until_seen
from tests.server import Server
from tests.upstream import Script
from tests.upstream_wires import chunk


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


def test_the_drawer_opens_by_a_swipe_and_back_closes_it_and_keeps_the_page(new_context, upstream, server: Server):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(server.url)
    chat = Chat(page)
    chat.field.fill("in the drawer")
    chat.button("Send").click()
    chat.expect_status("complete")
    chat.conversation_id()
    address = page.url
    drawer = page.get_by_role("navigation", name="Conversations")
    _swipe(page, 100, 300)
    expect(drawer).to_be_visible()
    expect(page.locator("main")).to_have_attribute("inert", "")
    page.go_back()
    expect(drawer).to_be_hidden()
    assert page.url == address
    expect(chat.questions).to_have_count(1)

    _swipe(page, 100, 300)
    drawer.get_by_role("button", name="New chat").click()
    expect(page).to_have_url(re.compile("/new$"))
    expect(drawer).to_be_hidden()
    page.go_back()
    expect(page).to_have_url(address)
    expect(chat.questions).to_have_count(1)
    _swipe(page, 100, 300)
    expect(drawer).to_be_visible()
    _swipe(page, 300, 100)
    expect(drawer).to_be_hidden()


def test_a_finger_lets_go_of_a_growing_answer(new_context, upstream, server: Server):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(server.url)
    chat = Chat(page)
    upstream.then(Script([f"line {index}\n\n" for index in range(400)], pace_s=0.01, ending="stall"))
    chat.field.fill("many lines")
    chat.button("Send").click()
    until_heard(chat, "line 60")
    finger = page.context.new_cdp_session(page)
    finger.send("Input.synthesizeScrollGesture", {"x": 200, "y": 300, "yDistance": 200, "speed": 2000})
    before = first_line_top(chat)
    until_heard(chat, "line 150")

    assert abs(first_line_top(chat) - before) < 2
    chat.button("To the end").click()
    until_heard(chat, "line 200")
    assert page.locator(".scroller").evaluate("s => s.scrollTop") > -2
    chat.button("Stop").click()


def test_the_drawer_stays_open_while_the_first_send_finds_its_address(new_context, upstream, server: Server):
    page = new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page()
    page.goto(server.url)
    chat = Chat(page)
    held: list[Route] = []
    page.route("**/api/turns", lambda route: held.append(route), times=1)
    chat.field.fill("in no hurry")
    chat.button("Send").click()
    until_seen(page, lambda: held)
    drawer = page.get_by_role("navigation", name="Conversations")
    _swipe(page, 100, 300)
    expect(drawer).to_be_visible()
    held[0].continue_()
    expect(page).to_have_url(re.compile("/c/"))
    expect(chat.answers).to_have_count(1)
    expect(drawer).to_be_visible()
    until_seen(page, lambda: page.evaluate("history.state?.drawer"))
    address = page.url
    page.go_back()
    expect(drawer).to_be_hidden()
    assert page.url == address


def _swipe(page: Page, start: int, end: int) -> None:
    """A finger across the page, by the browser's own input."""
    touch = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [{"x": start, "y": 300}]),
        *(("touchMove", [{"x": start + (end - start) * step // 5, "y": 300}]) for step in range(1, 6)),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.detach()


def test_a_phone_laid_on_its_side_with_the_drawer_open_is_not_stuck(new_context, server: Server):
    chat = Chat(new_context(viewport={"width": 390, "height": 844}, has_touch=True).new_page())
    chat.page.goto(server.url)
    chat.page.locator(".drawer-button").click()
    expect(chat.page.locator("main")).to_have_attribute("inert", "")
    chat.page.set_viewport_size({"width": 844, "height": 390})
    expect(chat.page.locator("main")).not_to_have_attribute("inert", "")
    chat.field.fill("can be written")


def test_on_a_phone_lists_are_sheets_and_every_target_is_large_enough(new_context, server: Server, upstream):
    context = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    chat = Chat(context.new_page())
    chat.page.goto(server.url)
    code = "\n".join(f"line {i}" for i in range(60))
    upstream.then(Script([chunk({"reasoning": "hm"}), f"```python\n{code}\n```\n\ndone"]))
    chat.field.fill("\n".join(f"line {i}" for i in range(12)))
    chat.button("Send").tap()
    chat.expect_status("complete")
    chat.conversation_id()
    chat.page.reload()
    expect(chat.page.get_by_role("button", name="Show all 60 lines")).to_be_visible()
    small = """() => [...document.querySelectorAll("main button, main summary, main a, .popover [data-item]")]
        .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
        .map((e) => [e.getBoundingClientRect(), e.outerHTML.slice(0, 90)])
        .filter(([box]) => box.height < 40 || box.width < 40).map(([, html]) => html)"""
    assert chat.page.evaluate(small) == []
    chat.button("Model").tap()
    sheet = chat.page.locator(".popover")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 390, 844)
    assert chat.page.evaluate(small) == []
    assert "viewport-fit=cover" in (chat.page.locator('meta[name="viewport"]').last.get_attribute("content") or "")


def test_a_tap_beside_a_sheet_closes_it_and_presses_nothing(new_context, server: Server, upstream):
    chat = Chat(new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).new_page())
    chat.page.clock.install()
    chat.page.goto(server.url)
    chat.button("Model").tap()
    expect(chat.page.locator(".popover")).to_be_visible()
    start = chat.page.locator(".start").first
    box = start.bounding_box()
    assert box is not None
    chat.page.touchscreen.tap(box["x"] + 20, box["y"] + 10)
    expect(chat.page.locator(".popover")).to_have_count(0)
    expect(chat.field).to_have_value("")
    chat.page.clock.fast_forward(600)  # after which a tap is a tap again
    start.tap()
    expect(chat.field).not_to_have_value("")
