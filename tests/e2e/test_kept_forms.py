"""What is typed into forms and fields outlives a reload, until it is saved or put away."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser import Chat, until_seen
from tests.e2e.test_parameters import Panel
from tests.server import Server


def test_a_servers_form_is_as_it_was_after_a_reload_but_for_its_key(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/models")
    new_page.get_by_role("button", name="Add a server").click()
    form = new_page.get_by_role("form", name="Add a server")
    form.get_by_label("Address").fill("http://127.0.0.1:9/v1")
    form.get_by_label("Name").fill("Mine")
    form.get_by_label("Key", exact=True).fill("sk-not-a-key")
    new_page.reload()
    expect(form.get_by_label("Address")).to_have_value("http://127.0.0.1:9/v1")
    expect(form.get_by_label("Name")).to_have_value("Mine")
    expect(form.get_by_label("Key", exact=True)).to_have_value("")
    expect(form.get_by_role("status")).to_have_text("What was typed here is back, but for the key.")
    assert "sk-not-a-key" not in new_page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")

    form.get_by_role("button", name="Cancel").click()
    new_page.reload()
    expect(new_page.get_by_role("button", name="Add a server")).to_be_visible()
    expect(form).to_have_count(0)


def test_each_servers_form_has_its_own_words_and_a_vendors_is_never_anothers(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/models")
    new_page.get_by_role("button", name="Add a server").click()
    form = new_page.get_by_role("form", name="Add a server")
    form.get_by_label("Address").fill("http://10.0.0.5/v1")
    new_page.get_by_role("button", name="Add the key of OpenAI").click()
    expect(form.get_by_label("Kind")).to_have_value("OpenAI")
    expect(form.get_by_label("Address")).to_have_count(0)
    form.get_by_role("button", name="Cancel").click()
    new_page.get_by_role("button", name="Add a server").click()
    expect(form.get_by_label("Address")).to_have_value("http://10.0.0.5/v1")
    form.get_by_label("Address").dispatch_event("keydown", {"key": "Escape", "isComposing": True})
    expect(form.get_by_label("Address")).to_have_value("http://10.0.0.5/v1")
    form.get_by_label("Address").press("Escape")
    expect(form).to_have_count(0)


@pytest.mark.breaks
def test_a_name_that_is_typed_on_while_it_is_saved_is_whole_and_an_old_one_wins_over_no_newer_one(
    new_page: Page, server: Server
):
    new_page.goto(f"{server.url}/models")
    field = new_page.get_by_label("Name of other")
    expect(field).to_be_visible()
    held: list[Route] = []
    new_page.route("**/api/models", lambda route: held.append(route), times=1)
    field.fill("Uno")
    field.press("Enter")
    until_seen(new_page, lambda: bool(held))
    field.focus()
    field.press("End")
    field.press_sequentially(" and more")
    held[0].continue_()
    until_seen(new_page, lambda: new_page.evaluate("fetch('/api/models').then((r) => r.text())").count("Uno") == 1)
    expect(field).to_have_value("Uno and more")

    new_page.route("**/api/models", lambda route: route.abort())
    field.fill("Old words")
    field.press("Enter")
    expect(new_page.locator(".servers").get_by_role("alert").filter(has_text="cannot be reached")).to_be_visible()
    new_page.unroute("**/api/models")
    rename = "(name) => fetch('/api/models', { method: 'PATCH', body: JSON.stringify({ model: 'other', name }) }).then((r) => r.status)"
    assert new_page.evaluate(rename, "Newer") == 200
    new_page.reload()
    expect(field).to_have_value("Old words")
    assert "Newer" in new_page.evaluate("fetch('/api/models').then((r) => r.text())")
    assert new_page.evaluate(rename, "") == 200


def test_what_is_begun_in_the_panel_outlives_a_reload_and_goes_with_the_first_message(lone_chat: Chat, upstream):
    chat, panel = lone_chat, Panel(lone_chat.page).open()
    panel.choice("response_format").select_option("json_schema")
    panel.field("JSON schema").fill('{"type": "object", "title": "of mine"}')
    panel.choice("response_format").select_option("json_object")
    panel.root.get_by_text("Variables").click()
    panel.field("New variable").fill("ton")
    panel.root.get_by_role("button", name="Save as a recipe…").click()
    panel.field("Name").fill("Half a na")
    chat.page.reload()
    for _ in range(2):
        expect(panel.field("New variable")).to_have_value("ton")
        expect(panel.field("Name")).to_have_value("Half a na")
        chat.get("hello")
    chat.conversation_id()
    panel.choice("response_format").select_option("json_schema")
    expect(panel.field("JSON schema")).to_have_value('{"type": "object", "title": "of mine"}')
    panel.root.get_by_role("button", name="Add", exact=True).click()
    expect(panel.field("{{ton}}")).to_be_visible()
    expect(panel.field("New variable")).to_have_value("")
    panel.root.get_by_role("button", name="Cancel").click()
    chat.page.reload()
    expect(panel.field("{{ton}}")).to_be_visible()
    expect(panel.field("New variable")).to_have_value("")
    expect(panel.field("Name")).to_have_count(0)


def test_an_api_keys_form_is_as_it_was_after_a_reload(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/settings")
    keys = new_page.locator(".api-keys")
    keys.get_by_label("What is it for?").fill("half a na")
    keys.get_by_text("Limits").click()
    keys.get_by_label("Requests a minute").fill("5")
    keys.get_by_label("Until when").select_option("30")
    new_page.reload()
    expect(keys.get_by_label("What is it for?")).to_have_value("half a na")
    expect(keys.get_by_label("Requests a minute")).to_have_value("5")
    expect(keys.get_by_label("Until when")).to_have_value("30")


def test_a_limit_that_is_none_is_said_and_nothing_is_lost(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/settings")
    keys = new_page.locator(".api-keys")
    keys.get_by_label("What is it for?").fill("mine")
    keys.get_by_text("Limits").click()
    for label, text, sentence in (
        ("Requests a minute", "1.5", "Requests a minute: a whole number above 0, or nothing."),
        ("Dollars a day", "many", "Dollars a day: a number above 0, or nothing."),
    ):
        keys.get_by_label(label).fill(text)
        keys.get_by_role("button", name="Make a key").click()
        expect(keys.get_by_role("alert").first).to_have_text(sentence)
        expect(keys.get_by_label(label)).to_be_focused()
        keys.get_by_label(label).fill("")
    expect(keys.get_by_label("What is it for?")).to_have_value("mine")


def test_a_name_that_was_never_left_is_kept_by_a_reload_and_one_that_is_taken_back_is_gone(
    new_page: Page, clean: Server
):
    new_page.goto(f"{clean.url}/settings")
    name = new_page.get_by_label("Your name")
    name.press_sequentially("Wei")
    new_page.reload()
    expect(name).to_have_value("Wei")
    expect(new_page.locator(".my-name [role=status]")).to_have_text("Kept.")
    name.fill("")
    expect(new_page.locator(".my-name [role=status]")).not_to_have_text("Kept.")
    name.blur()
    expect(new_page.locator(".my-name [role=status]")).to_have_text("Kept.")
    new_page.reload()
    expect(new_page.locator(".my-name [role=status]")).to_contain_text("Prompts name you so")
    expect(name).to_have_value("")


def test_a_models_name_that_was_never_left_is_kept_by_a_reload(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/models")
    field = new_page.get_by_label("Name of other")
    field.press_sequentially("The other")
    with new_page.expect_response(lambda response: response.request.method == "PATCH"):
        new_page.reload()
    expect(field).to_have_value("The other")
    new_page.reload()
    expect(field).to_have_value("The other")
    with new_page.expect_response(
        lambda response: '""' in (response.request.post_data or "")
    ):  # others share the server
        field.fill("")
        field.press("Enter")


def test_a_name_that_is_taken_back_while_it_is_being_saved_is_taken_back_after_that(new_page: Page, server: Server):
    new_page.goto(f"{server.url}/models")
    field = new_page.get_by_label("Name of other")
    field.press_sequentially("The other")
    held: list[Route] = []
    new_page.route(
        "**/api/models",
        lambda route: held.append(route) if route.request.method == "PATCH" and not held else route.continue_(),
    )
    new_page.reload()
    until_seen(new_page, lambda: held)
    field.fill("")
    field.press("Enter")
    with new_page.expect_response(lambda response: '""' in (response.request.post_data or "")):
        held[0].continue_()
    new_page.reload()
    expect(field).to_have_value("")
