"""Answers side by side, by the names that assistive technology knows."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser import Chat


class Comparison:
    """What a page shows of a comparison, and how it is asked for."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.page = chat.page

    def choose(self, *wanted: str) -> None:
        """At the composer: models as "model:echo", recipes as "recipe:shipped:writer"."""
        self.page.get_by_role("button", name="Compare models or recipes", exact=True).click()
        panel = self.page.get_by_role("region", name="Compare models or recipes", exact=True)
        for number, column in enumerate(wanted, 1):
            if number > 2:
                panel.get_by_role("button", name="Add one more", exact=True).click()
            panel.get_by_role("combobox", name=f"Answer {number}", exact=True).select_option(column)
        panel.get_by_role("button", name="Done", exact=True).click()
        expect(panel).to_have_count(0)

    @property
    def block(self) -> Locator:
        return self.page.get_by_role("region", name="answers side by side")

    def column(self, number: int) -> Locator:
        """Its answer, the first is 0."""
        return self.chat.answers.nth(number)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def expect_ended(self, *statuses: str) -> None:
        for number, status in enumerate(statuses):
            expect(self.column(number)).to_have_attribute("data-status", status)
