"""The model of a recipe comes, changes and goes with it; one that was chosen by hand stays."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser import Chat
from tests.e2e.recipe_page import Recipes, choose_recipe
from tests.server import Server


def _make_with_model(page: Page, server: Server, name: str, model: str) -> Recipes:
    recipes = Recipes(page, server)
    page.get_by_role("button", name="New recipe").click()
    page.get_by_role("combobox", name="model").fill(model)
    recipes.write(name=name)
    expect(recipes.row(name)).to_be_visible()
    return recipes


def test_the_model_of_a_recipe_follows_its_versions_and_goes_with_it(
    new_page: Page,
    clean: Server,
    upstream,
):
    recipes = _make_with_model(new_page, clean, "Mine", "other")
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    expect(chat.button("Model")).to_have_text("echo ▾")
    choose_recipe(chat, "Mine")
    chat.get("hello")
    address = new_page.url
    recipes = Recipes(new_page, clean)
    recipes.press("Edit", "Mine")
    new_page.get_by_role("combobox", name="model").fill("echo")
    recipes.write(temperature="0.9")
    expect(recipes.row("Mine")).to_contain_text("v2")
    new_page.goto(address)
    expect(chat.button("Model")).to_have_text("echo ▾")
    chat.get("again")
    assert [call.body["model"] for call in upstream.chats] == ["other", "echo"]
    assert upstream.chats[-1].body["temperature"] == 0.9

    recipes = Recipes(new_page, clean)
    recipes.press("Edit", "Mine")
    new_page.get_by_role("combobox", name="model").fill("other")
    recipes.write(note="back")
    expect(recipes.row("Mine")).to_contain_text("v3")
    new_page.goto(address)
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.page.keyboard.press("Control+Shift+Period")
    panel = chat.page.get_by_role("complementary", name="Parameters")
    expect(panel.locator(".parameter").filter(has_text="Who answers")).to_contain_text("recipe")
    choose_recipe(chat, "No recipe")
    expect(chat.button("Model")).to_have_text("echo ▾")
    chat.button("New chat").click()
    expect(chat.button("Recipe")).to_have_text("Recipe ▾")
    expect(chat.button("Model")).to_have_text("echo ▾")


def test_a_model_that_is_chosen_by_hand_counts_over_the_recipes_outlives_a_reload_and_can_be_taken_back(
    new_page: Page,
    clean: Server,
    upstream,
):
    recipes = _make_with_model(new_page, clean, "Mine", "other")
    recipes.press("Use for new conversations", "Mine")
    expect(recipes.row("Mine")).to_contain_text("used for new conversations")
    new_page.goto(f"{clean.url}/new")
    chat = Chat(new_page)
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.button("Model").click()
    new_page.get_by_role("option", name="echo").click()
    chat.field.fill("a draft")
    new_page.reload()
    expect(chat.field).to_have_value("a draft")
    expect(chat.button("Recipe")).to_have_text("Mine ▾")
    expect(chat.button("Model")).to_have_text("echo ▾")
    chat.get("hello")
    assert upstream.chats[-1].body["model"] == "echo"

    new_page.reload()
    expect(chat.button("Model")).to_have_text("echo ▾")
    new_page.keyboard.press("Control+Shift+Period")
    panel = new_page.get_by_role("complementary", name="Parameters")
    model = panel.locator(".parameter").filter(has_text="Who answers")
    expect(model).to_contain_text("this conversation")
    panel.get_by_role("button", name="Reset model").click()
    expect(model).to_contain_text("recipe")
    expect(chat.button("Model")).to_have_text("other ▾")
    chat.get("again")
    assert upstream.chats[-1].body["model"] == "other"
