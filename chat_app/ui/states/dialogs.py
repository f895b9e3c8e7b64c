"""The dialog that needs the server: an answer's details."""

from __future__ import annotations

import reflex as rx

from chat_app.errors import ChatError
from chat_app.ui.states.session import services, who
from chat_app.ui.views import FactView, fact_views


class DialogState(rx.State):
    """Whether it is open, and what it shows."""

    facts: list[FactView] = []
    facts_open: bool = False

    @rx.event
    async def show_facts(self, message_id: str):
        """Open the details of an answer."""
        try:
            details = await services().conversations.messages.details(who(self).user_id, message_id)
        except ChatError as error:
            self.facts = [FactView("facts.error", f"error.{error.code}", "key")]
        else:
            self.facts = fact_views(details, await services().recipes.called(details.asked.recipe_version_id))
        self.facts_open = True

    @rx.event
    def hide_facts(self):
        """Close the details."""
        self.facts_open, self.facts = False, []
