"""One question to several, their answers side by side, in the browser."""

import json
import re
import sqlite3
import threading
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Chat, findings
from tests.e2e.compare_page import Comparison
from tests.e2e.recipe_page import Recipes
from tests.server import Server
from tests.upstream import Script, Upstream


@pytest.fixture
def server(choir_server: Server) -> Server:
    return choir_server


@pytest.fixture
def comparison(new_page: Page, server: Server, released: threading.Event) -> Comparison:
    new_page.goto(f"{server.url}/new")
    chat = Chat(new_page)
    expect(chat.button("Recipe")).to_be_visible()
    return Comparison(chat)


def rows(server: Server, statement: str) -> list[tuple]:
    with closing(sqlite3.connect(f"file:{server.folder / 'chat.db'}?mode=ro", uri=True)) as database:
        return database.execute(statement).fetchall()


def two(comparison: Comparison) -> None:
    """A comparison of two that have ended."""
    comparison.choose("model:alto", "model:bass")
    comparison.chat.ask("why")
    comparison.expect_ended("complete", "complete")
    comparison.chat.conversation_id()


def test_a_hanging_and_a_failing_column_hold_up_nobody(comparison: Comparison, released: threading.Event):
    chat = comparison.chat
    comparison.choose("model:alto", "model:slow", "model:broken", "model:bass")
    expect(comparison.page.get_by_text("Side by side: alto · slow · broken · bass")).to_be_visible()
    chat.ask("why")
    comparison.expect_ended("complete", "streaming", "failed", "complete")
    expect(comparison.column(0)).to_contain_text("Alto says so.")
    expect(comparison.column(1)).to_contain_text("Slow")
    expect(comparison.column(2).locator(".card")).to_contain_text("Retry")
    comparison.press("alto is best")
    expect(chat.button("alto is best")).to_have_attribute("aria-pressed", "true")
    # The one in view has ended, so that the next question need not wait for the one that hangs.
    expect(chat.button("Send")).to_be_visible()
    released.set()
    comparison.expect_ended("complete", "complete", "failed", "complete")


def test_a_column_is_stopped_alone_and_keeps_what_it_said(comparison: Comparison, released: threading.Event):
    comparison.choose("model:slow", "model:alto")
    comparison.chat.ask("why")
    comparison.expect_ended("streaming", "complete")
    expect(comparison.column(0)).to_contain_text("Slow")
    comparison.press("Stop slow")
    comparison.expect_ended("stopped", "complete")
    expect(comparison.column(0)).to_contain_text("Slow")
    expect(comparison.column(0)).to_contain_text("Stopped")


def test_escape_stops_all_that_runs_side_by_side(comparison: Comparison):
    comparison.choose("model:slow", "model:alto", "model:slow")
    comparison.chat.ask("why")
    comparison.expect_ended("streaming", "complete", "streaming")
    expect(comparison.column(2)).to_contain_text("Slow")
    comparison.page.keyboard.press("Escape")
    comparison.expect_ended("stopped", "complete", "stopped")


def test_each_column_tells_its_figures_and_what_nobody_knows_is_a_dash(comparison: Comparison):
    two(comparison)
    for number in range(2):
        table = comparison.column(number).locator("dl")
        expect(table).to_contain_text("Tokens3")
        expect(table.locator("dt")).to_have_text(["First token", "Tokens/s", "Tokens", "Cost"])
        expect(table.locator("dd").last).to_have_text("—")


def test_a_vote_is_kept_and_another_takes_its_place(comparison: Comparison, server: Server):
    two(comparison)
    comparison.press("alto is best")
    comparison.press("bass is best")
    expect(comparison.chat.button("alto is best")).to_have_attribute("aria-pressed", "false")
    comparison.page.reload()
    expect(comparison.chat.button("bass is best")).to_have_attribute("aria-pressed", "true")
    ids = [comparison.column(n).get_attribute("data-message-id") for n in range(2)]
    found = rows(
        server,
        f"SELECT message_id, others FROM feedback_events WHERE kind = 'prefer' AND message_id IN ('{ids[0]}', '{ids[1]}')",
    )
    assert [(message_id, json.loads(others)) for message_id, others in found] == [(ids[1], [ids[0]])]


@pytest.mark.breaks
def test_a_vote_that_cannot_be_kept_says_so_and_is_taken_back(comparison: Comparison):
    two(comparison)
    comparison.page.route("**/preference", lambda route: route.abort())
    comparison.press("alto is best")
    expect(comparison.block.get_by_role("alert")).to_be_visible()
    expect(comparison.chat.button("alto is best")).to_have_attribute("aria-pressed", "false")


def test_the_conversation_goes_on_with_the_one_that_is_chosen(comparison: Comparison, choir: Upstream):
    chat = comparison.chat
    two(comparison)
    comparison.press("Continue with bass")
    expect(comparison.block).to_have_count(0)
    expect(chat.answers).to_have_count(1)
    expect(chat.answers.last).to_contain_text("Bass says no.")
    expect(chat.field).to_be_focused()
    chat.get("and then")
    assert choir.chats[-1].body["model"] == "bass"  # and with whom it came from, alone
    expect(chat.answers).to_have_count(2)
    assert [m["content"] for m in choir.chats[-1].body["messages"]] == ["why", "Bass says no.", "and then"]
    # The others are kept beside it, and come back side by side.
    chat.answers.first.hover()
    comparison.press("Show the answers side by side")
    expect(chat.answers).to_have_count(3)
    expect(comparison.column(0)).to_contain_text("Alto says so.")


def test_best_is_for_answers_with_words_and_among_those_that_have_ended(
    comparison: Comparison, released: threading.Event, server: Server
):
    comparison.choose("model:alto", "model:slow", "model:broken")
    comparison.chat.ask("why")
    comparison.expect_ended("complete", "streaming", "failed")
    expect(comparison.chat.button("Continue with broken")).to_be_visible()
    expect(comparison.chat.button("broken is best")).to_have_count(0)
    expect(comparison.chat.button("alto is best")).to_have_count(0)  # than nothing
    released.set()
    comparison.expect_ended("complete", "complete", "failed")
    comparison.press("alto is best")
    expect(comparison.chat.button("alto is best")).to_have_attribute("aria-pressed", "true")
    ids = [comparison.column(n).get_attribute("data-message-id") for n in range(2)]
    comparison.page.reload()
    expect(comparison.chat.button("alto is best")).to_have_attribute("aria-pressed", "true")
    [(others,)] = rows(server, f"SELECT others FROM feedback_events WHERE kind = 'prefer' AND message_id = '{ids[0]}'")
    assert json.loads(others) == ids[1:]


def test_the_focus_stays_in_a_column_whose_stop_is_gone_and_a_second_press_there_does_nothing(comparison: Comparison):
    comparison.choose("model:slow", "model:alto")
    comparison.chat.ask("why")
    expect(comparison.column(0)).to_contain_text("Slow")
    comparison.chat.button("Stop slow").focus()
    comparison.page.keyboard.press("Enter")
    comparison.page.keyboard.press("Enter")
    comparison.expect_ended("stopped", "complete")
    expect(comparison.page.locator(".beside-ending").first).to_be_focused()
    comparison.page.keyboard.press("Enter")
    expect(comparison.block).to_be_visible()
    expect(comparison.chat.button("slow is best")).to_have_attribute("aria-pressed", "false")


def test_two_of_one_name_are_told_apart_by_their_numbers(comparison: Comparison):
    comparison.choose("model:alto", "model:alto")
    comparison.chat.ask("why")
    comparison.expect_ended("complete", "complete")
    expect(comparison.chat.button("1 alto is best")).to_be_visible()
    comparison.press("Continue with 2 alto")
    expect(comparison.chat.answers.last.locator(".branches")).to_contain_text("2/2")


def test_at_least_two_are_chosen_and_a_row_that_comes_or_goes_leaves_the_focus_among_them(comparison: Comparison):
    page = comparison.page
    page.get_by_role("button", name="Compare models or recipes", exact=True).click()
    panel = page.get_by_role("region", name="Compare models or recipes", exact=True)
    expect(panel.get_by_text("Choose at least two.")).to_be_visible()
    expect(panel.get_by_role("button", name="Done")).to_be_disabled()
    panel.get_by_role("combobox", name="Answer 2", exact=True).select_option("model:bass")
    expect(panel.get_by_role("button", name="Done")).to_be_enabled()
    for number in (3, 4):
        panel.get_by_role("button", name="Add one more", exact=True).click()
        expect(panel.get_by_role("combobox", name=f"Answer {number}", exact=True)).to_be_focused()
    panel.get_by_role("button", name="Remove answer 4", exact=True).click()
    expect(panel.get_by_role("combobox", name="Answer 3", exact=True)).to_be_focused()
    panel.get_by_role("button", name="Remove answer 3", exact=True).click()
    expect(panel.get_by_role("combobox", name="Answer 2", exact=True)).to_be_focused()
    panel.get_by_role("button", name="Stop comparing", exact=True).click()
    expect(panel).to_have_count(0)
    expect(page.get_by_text("Side by side:")).to_have_count(0)


def test_another_browser_shows_them_side_by_side_too_until_one_is_gone_on_with(comparison: Comparison, new_context):
    two(comparison)
    other = Comparison(Chat(new_context().new_page()))
    other.page.goto(comparison.page.url)
    other.expect_ended("complete", "complete")
    other.press("Continue with bass")
    expect(other.chat.field).to_be_focused()
    comparison.page.reload()
    expect(comparison.chat.answers.last).to_contain_text("Bass says no.")
    expect(comparison.block).to_have_count(0)
    comparison.press("Stop comparing")  # which this browser had chosen, and goes on with who answered
    expect(comparison.chat.button("Model")).to_contain_text("bass")


def test_of_two_of_which_one_is_deleted_the_other_stands_alone(comparison: Comparison):
    chat = comparison.chat
    two(comparison)
    comparison.column(1).get_by_role("button", name="More", exact=True).click()
    comparison.page.get_by_role("menuitem", name="Delete").click()
    expect(comparison.block).to_have_count(0)
    expect(chat.answers).to_have_count(1)
    expect(chat.answers.last).to_contain_text("Alto says so.")
    expect(chat.answers.last.locator(".branches")).to_have_count(0)


def test_some_are_merged_by_a_model_that_is_told_who_said_what(comparison: Comparison, choir: Upstream):
    chat = comparison.chat
    comparison.choose("model:alto", "model:broken", "model:bass")
    chat.ask("why")
    comparison.expect_ended("complete", "failed", "complete")
    chat.conversation_id()
    comparison.press("Merge into one answer")
    form = comparison.page.get_by_role("form", name="Merge into one answer")
    expect(form.get_by_role("checkbox", name="broken")).to_be_disabled()
    form.get_by_role("checkbox", name="alto").uncheck()
    expect(form.get_by_role("button", name="Merge", exact=True)).to_be_disabled()
    form.get_by_role("checkbox", name="alto").check()
    form.get_by_role("combobox", name="Merged by").select_option("bass")
    choir.of_model["bass"] = Script(["Both [A, B]. ", "A is alto, B is bass."])
    form.get_by_role("button", name="Merge", exact=True).click()
    expect(comparison.block).to_have_count(0)
    expect(chat.answers.last).to_contain_text("Both [A, B]. A is alto, B is bass.")
    told = choir.chats[-1].body["messages"][-1]["content"]
    assert re.findall(r'<answer letter="(\w)" model="(\w+)">\n(.*)\n', told) == [
        ("A", "alto", "Alto says so."), ("B", "bass", "Bass says no."),
    ]  # fmt: skip
    expect(chat.answers.last.locator(".branches")).to_contain_text("4/4")


@pytest.mark.breaks
def test_a_merger_that_is_refused_says_why_and_can_be_tried_again(comparison: Comparison):
    two(comparison)
    comparison.page.route("**/api/trials/merge", lambda route: route.abort())
    comparison.press("Merge into one answer")
    form = comparison.page.get_by_role("form", name="Merge into one answer")
    form.get_by_role("button", name="Merge", exact=True).click()
    expect(form.get_by_role("alert")).to_be_visible()
    comparison.page.unroute("**/api/trials/merge")
    form.get_by_role("button", name="Merge", exact=True).click()
    expect(comparison.block).to_have_count(0)
    expect(comparison.chat.answers.last.locator(".branches")).to_contain_text("3/3")
    expect(comparison.chat.answers.last).to_have_attribute("data-status", "complete")


def test_two_versions_of_a_recipe_are_compared_each_by_its_own_words(
    clean: Server, new_page: Page, choir: Upstream, released: threading.Event
):
    recipes = Recipes(new_page, clean)
    recipes.make("Poet", system_prompt="Rhyme.")
    recipes.press("Edit", "Poet")
    recipes.write(system_prompt="Do not rhyme.")
    expect(recipes.row("Poet")).to_contain_text("v2")
    poet = rows(clean, "SELECT id FROM recipes")[0][0]
    new_page.goto(f"{clean.url}/new")
    comparison = Comparison(Chat(new_page))
    expect(comparison.chat.button("Recipe")).to_be_visible()
    new_page.get_by_role("button", name="Compare models or recipes", exact=True).click()
    panel = new_page.get_by_role("region", name="Compare models or recipes", exact=True)
    for number in (1, 2):
        panel.get_by_role("combobox", name=f"Answer {number}", exact=True).select_option(f"recipe:{poet}")
        panel.get_by_role("combobox", name="Version of Poet").nth(number - 1).select_option(str(number))
    new_page.keyboard.press("Escape")
    expect(new_page.get_by_text("Side by side: Poet v1 · Poet v2")).to_be_visible()
    comparison.chat.ask("a tree")
    comparison.expect_ended("complete", "complete")
    expect(comparison.column(0)).to_contain_text("Poet v1")
    expect(comparison.column(1)).to_contain_text("Poet v2")
    asked = {
        first["content"]
        for first, *_, last in (call.body["messages"] for call in choir.chats)
        if "tree" in last["content"]
    }
    assert asked == {"Rhyme.", "Do not rhyme."}
    # The one that is gone on with answers next, alone: its version, which need not be the one that counts.
    comparison.press("Continue with alto · Poet v1")
    expect(comparison.block).to_have_count(0)
    expect(comparison.chat.button("Recipe")).to_contain_text("Poet")
    comparison.chat.get("and a bush")
    last = choir.chats[-1].body["messages"]
    assert (last[0]["content"], last[-1]["content"]) == ("Rhyme.", "and a bush")


def test_a_reload_in_the_middle_shows_them_side_by_side_and_loses_no_word(
    comparison: Comparison, released: threading.Event
):
    comparison.choose("model:slow", "model:alto")
    comparison.chat.ask("why")
    comparison.expect_ended("streaming", "complete")
    comparison.chat.conversation_id()
    comparison.page.reload()
    comparison.expect_ended("streaming", "complete")
    expect(comparison.column(0)).to_contain_text("Slow")
    released.set()
    comparison.expect_ended("complete", "complete")
    expect(comparison.page.get_by_text("Side by side: slow · alto")).to_be_visible()  # and the next is asked so, too


@pytest.mark.breaks
def test_a_comparison_that_cannot_be_sent_waits_and_goes_once(comparison: Comparison, choir: Upstream):
    comparison.choose("model:alto", "model:bass")
    comparison.page.route("**/api/trials", lambda route: route.abort())
    comparison.chat.ask("why")
    expect(comparison.page.get_by_text("The server cannot be reached.")).to_be_visible()
    comparison.page.unroute("**/api/trials")
    comparison.expect_ended("complete", "complete")
    comparison.chat.conversation_id()
    assert sorted(call.body["model"] for call in choir.chats) == ["alto", "bass"]


def test_what_is_taken_back_and_asked_of_one_is_another_send(comparison: Comparison, choir: Upstream):
    comparison.choose("model:alto", "model:bass")
    comparison.press("Stop comparing")
    comparison.chat.get("why")
    expect(comparison.chat.answers).to_have_count(1)
    assert [call.body["model"] for call in choir.chats] == ["alto"]


def test_a_new_chat_compares_nobody_and_a_conversation_remembers_whom(comparison: Comparison):
    two(comparison)
    comparison.press("New chat")
    expect(comparison.chat.answers).to_have_count(0)
    expect(comparison.chat.button("Model")).to_be_visible()
    comparison.page.go_back()
    expect(comparison.page.get_by_text("Side by side: alto · bass")).to_be_visible()
    expect(comparison.chat.button("Model")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(1280, "light", "en-US"), (1280, "dark", "zh-CN"), (390, "light", "zh-CN"), (390, "dark", "en-US")],
)
def test_axe_finds_nothing_and_on_a_phone_they_are_tabs(new_context, server: Server, released, width, scheme, locale):
    page: Page = new_context(color_scheme=scheme, viewport={"width": width, "height": 800}, locale=locale).new_page()
    page.goto(f"{server.url}/new")
    chat = Chat(page)
    page.locator(".compare-picker button").click()
    page.locator(".compare-panel select").nth(1).select_option("model:bass")
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.locator("#composer").fill("为什么")
    page.locator("#composer").press("Enter")
    expect(chat.answers.nth(1)).to_have_attribute("data-status", "complete")
    expect(chat.answers.first.locator("dl")).to_be_visible()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if width > 767:
        expect(chat.answers.nth(1)).to_be_visible()
        return
    expect(chat.answers.nth(1)).to_be_hidden()
    page.get_by_role("tab", name="alto").press("ArrowRight")
    expect(page.get_by_role("tab", name="bass")).to_be_focused()
    expect(chat.answers.nth(1)).to_be_visible()
    expect(chat.answers.first).to_be_hidden()
