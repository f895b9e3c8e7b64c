"""The page of recipes, and the choice of one at the composer."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import Chat
from tests.server import Server


class Recipes:
    """The page of recipes by the names that assistive technology knows."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        page.goto(f"{server.url}/recipes")
        expect(self.row("Assistant")).to_be_visible()

    def row(self, name: str) -> Locator:
        return self.page.get_by_role("listitem", name=name, exact=True)

    def press(self, act: str, name: str) -> None:
        self.page.get_by_role("button", name=f"{act}: {name}", exact=True).click()

    def make(self, name: str, **fields: str) -> None:
        self.page.get_by_role("button", name="New recipe").click()
        self.write(name=name, **fields)

    def write(self, **fields: str) -> None:
        form = self.page.get_by_role("form")
        for field, text in fields.items():
            label = {"name": "Name", "description": "Description", "note": "Note for this version"}.get(field, field)
            place = form.get_by_role("slider" if field == "temperature" else "textbox", name=label, exact=True)
            place.fill(text)
        form.get_by_role("button", name="Save", exact=True).click()

    def publish(self, name: str, number: int) -> None:
        """With its history open."""
        self.press("History", name)
        self.version(number).get_by_role("button", name="Publish").click()
        expect(self.version(number)).to_contain_text("published")

    def version(self, number: int) -> Locator:
        return self.page.get_by_role("listitem", name=f"Version {number}", exact=True)


def choose_recipe(chat: Chat, name: str) -> None:
    chat.button("Recipe").click()
    chat.page.get_by_role("option", name=re.compile(f"^{name}")).click()
