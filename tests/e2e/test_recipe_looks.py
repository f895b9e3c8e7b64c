"""The page of recipes and the form in the panel, as everybody can read and use them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import Chat, findings
from tests.e2e.recipe_page import Recipes, choose_recipe
from tests.e2e.test_parameters import Panel
from tests.server import Server


@pytest.mark.breaks
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_in_what_people_do_with_recipes(new_context, clean: Server, scheme: str, width: int):
    page = new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
    recipes = Recipes(page, clean)
    recipes.make("Mine", system_prompt="One.\nTwo.", temperature="0.4")
    recipes.press("Edit", "Mine")
    recipes.write(name="")
    expect(page.get_by_role("form").get_by_role("alert").first).to_have_text("A recipe needs a name.")
    assert findings(page) == [], "the form with what is wrong in it"
    recipes.write(name="Mine", system_prompt="One.\nThree.", temperature="0.5")
    recipes.press("History", "Mine")
    recipes.version(2).get_by_role("button", name="Compare with v1").click()
    expect(page.locator(".differences")).to_be_visible()
    recipes.press("Duplicate", "Mine")
    expect(recipes.row("Copy of Mine")).to_be_visible()
    recipes.press("Delete", "Copy of Mine")
    page.get_by_text("1 deleted recipe").click()
    assert findings(page) == [], "a history with a difference, and what was deleted"
    assert page.evaluate("document.documentElement.scrollWidth") == width

    recipes.version(1).get_by_role("button", name="Publish").click()
    expect(recipes.version(1)).to_contain_text("published")
    page.goto(f"{clean.url}/new")
    choose_recipe(Chat(page), "Mine")
    panel = Panel(page).show()
    panel.slider("temperature").fill("0.9")
    panel.root.get_by_role("button", name="Save as v3…").click()
    expect(panel.root).to_contain_text("what v2 changed is not in it.")
    assert findings(page) == [], "the form in the panel"
    panel.root.get_by_role("button", name="Save", exact=True).click()
    expect(panel.root.get_by_role("button", name="Use what is published")).to_be_visible()
    assert findings(page) == [], "a conversation that stays with a version"
