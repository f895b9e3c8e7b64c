"""The open conversation: its frame, and what a person does with it. Its words never pass through here."""

from __future__ import annotations

import time

import reflex as rx

from chat_app.conversations.service import PAGE, Page
from chat_app.errors import ChatError, NotFound
from chat_app.messages import Principal
from chat_app.store.records import Turn
from chat_app.ui.states.session import services, who
from chat_app.ui.views import FactView, MessageView, ProblemView, fact_views, message_view, model_items, problem_view

_MOST_SHOWN = 500


class ChatState(rx.State):
    """What the page shows of one conversation."""

    conversation_id: str = ""
    title: str = ""
    messages: list[MessageView] = []
    marks: dict[str, str] = {}
    problems: dict[str, ProblemView] = {}
    running: list[str] = []
    has_more: bool = False
    is_missing: bool = False
    is_loaded: bool = False
    model: str = ""
    models: list[dict[str, str]] = []
    accepted: str = ""
    refused: str = ""
    error_code: str = ""
    error_text: str = ""
    editing: str = ""
    fill: str = ""
    facts: list[FactView] = []
    facts_open: bool = False
    keys_open: bool = False
    limit: int = 200_000
    _seen: tuple[str, int, str] = ("", 0, "")

    # -- opening -------------------------------------------------------------------------------------------------

    @rx.event
    async def load(self):
        """Show what the address names: `/new` a new conversation, `/c/{id}` that one, anything else nothing."""
        await self._load()

    async def _load(self) -> None:
        path = self.router.url.path.rstrip("/")
        wanted = path.removeprefix("/c/") if path.startswith("/c/") else ""
        self.limit = services().settings.max_message_chars
        if wanted != self.conversation_id or not self.is_loaded:
            self._clear(wanted)
        self.is_missing = path not in ("", "/new") and not wanted
        self.refresh_models()
        try:
            await self.refresh(who(self))
        except NotFound:
            self.is_missing = True
        except ChatError as error:
            self._say(error)
        self.is_loaded = True

    async def _recall(self) -> None:
        """A state that was lost, with the Redis that held it, begins empty: read what the page shows again."""
        if not self.is_loaded:
            await self._load()

    def _clear(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.title, self.messages, self.marks, self.problems, self.running = "", [], {}, {}, []
        self.has_more, self.is_missing, self.editing, self.facts_open = False, False, "", False
        self.error_code = self.error_text = ""
        self._seen = ("", 0, "")

    async def refresh(self, principal: Principal) -> None:
        """Read the open conversation's frame again.

        Raises:
            NotFound: It is gone, or someone else's.
            StoreUnavailable: The database cannot be used.
        """
        if not self.conversation_id:
            return
        shown = min(max(PAGE, len(self.messages) + 2), _MOST_SHOWN)
        limit = PAGE if len(self.messages) <= PAGE else shown
        page = await services().conversations.open(principal, self.conversation_id, limit=limit)
        conversation = page.conversation
        self._seen = (conversation.id, conversation.updated_at, conversation.leaf_message_id or "")
        if self.title != conversation.title:
            self.title = conversation.title
        if conversation.model and self.model != conversation.model:
            self.model = conversation.model
        self._show(page)
        if conversation.read_at < conversation.updated_at and not self.running:
            await services().conversations.library.mark_read(principal.user_id, conversation.id)

    def _show(self, page: Page) -> None:
        views = [message_view(record) for record in page.messages]
        if self.messages != views:
            self.messages = views
        marks = {r.id: r.status for r in page.messages if r.status != "complete"}
        if self.marks != marks:
            self.marks = marks
        running = [message_id for message_id, status in marks.items() if status == "streaming"]
        if self.running != running:
            self.running = running
        problems = {
            r.id: _problem(r.model, r.error_code, r.error_text, r.error_detail) for r in page.messages if r.error_code
        }
        if self.problems != problems:
            self.problems = problems
        self.has_more = page.has_more

    def is_stale(self, conversation_id: str, updated_at: int, leaf_id: str) -> bool:
        """Whether the open conversation has moved on since it was read."""
        return conversation_id == self.conversation_id and self._seen != (conversation_id, updated_at, leaf_id)

    def refresh_models(self) -> None:
        """Read the list of models again; keep the chosen one while it exists."""
        items = model_items(services().catalogue.cards())
        if self.models != items:
            self.models = items
        if not self.model and items:
            self.model = items[0]["id"]

    @rx.event
    async def older(self, first_id: str):
        """Show one page more, above."""
        await self._recall()
        if not self.messages or self.messages[0].id != first_id:
            return
        try:
            page = await services().conversations.open(who(self), self.conversation_id, before=first_id)
        except ChatError as error:
            self._say(error)
            return
        self.messages = [message_view(record) for record in page.messages] + self.messages
        self.has_more = page.has_more

    @rx.event
    async def settled(self, _message_id: str):
        """An answer ended, or the page comes back: the store knows."""
        await self._refreshed()

    # -- talking -------------------------------------------------------------------------------------------------

    @rx.event
    async def send(self, text: str, key: str, model: str):
        """Ask the model that the page shows."""
        await self._recall()
        self.model = model
        try:
            turn = await services().conversations.send(
                who(self), text=text, model=self.model, key=key, conversation_id=self.conversation_id or None
            )
        except ChatError as error:
            self.refused = key
            self._say(error)
            return None
        self.accepted = key
        return await self._began(turn)

    @rx.event
    async def save_edit(self, text: str, key: str):
        """Ask an edited question."""
        message_id, self.editing = self.editing, ""
        try:
            turn = await services().conversations.edit(who(self), message_id, text=text, model=self.model, key=key)
        except ChatError as error:
            self.editing = message_id
            self._say(error)
            return None
        return await self._began(turn)

    @rx.event
    async def try_again(self, message_id: str, how: str):
        """Answer once more: `same`, `shorter`, or `model:` and another model's name."""
        model = how.removeprefix("model:") if how.startswith("model:") else self._model_of(message_id)
        hint = "Please answer more briefly." if how == "shorter" else ""
        key = f"again:{message_id}:{how}:{time.time_ns() // 500_000_000}"
        try:
            turn = await services().conversations.regenerate(who(self), message_id, model=model, key=key, hint=hint)
        except ChatError as error:
            self._say(error)
            return None
        return await self._began(turn)

    @rx.event
    async def resume(self, message_id: str):
        """Let a broken-off answer go on, or try a failed one again."""
        try:
            turn = await services().conversations.resume(who(self), message_id)
        except ChatError as error:
            self._say(error)
            return None
        return await self._began(turn)

    @rx.event
    async def stop(self):
        """Stop what runs here."""
        await self._recall()
        try:
            for message_id in self.running:
                await services().conversations.stop(who(self), message_id)
        except ChatError as error:
            self._say(error)

    @rx.event
    async def branch(self, message_id: str):
        """Walk to a sibling."""
        try:
            await services().conversations.select_branch(who(self), message_id)
        except ChatError as error:
            self._say(error)
            return
        await self._refreshed()

    async def _began(self, turn: Turn):
        self.error_code = self.error_text = ""
        is_first = not self.conversation_id
        if is_first:
            self.conversation_id = turn.conversation_id
        await self._refreshed()
        return rx.redirect(f"/c/{turn.conversation_id}", replace=True) if is_first else None

    async def _refreshed(self) -> None:
        await self._recall()
        try:
            await self.refresh(who(self))
        except NotFound:
            self.is_missing = True
        except ChatError as error:
            self._say(error)

    def _model_of(self, message_id: str) -> str:
        return next((view.model for view in self.messages if view.id == message_id), "") or self.model

    def _say(self, error: ChatError) -> None:
        self.error_code, self.error_text = error.code, str(error)

    # -- around it -----------------------------------------------------------------------------------------------

    @rx.event
    async def choose_model(self, model: str):
        """Choose who answers next."""
        await self._recall()
        self.model = model
        if self.conversation_id:
            try:
                await services().conversations.library.set_model(who(self).user_id, self.conversation_id, model)
            except ChatError as error:
                self._say(error)

    @rx.event
    def edit(self, message_id: str):
        """Edit a question in place."""
        self.editing = message_id

    @rx.event
    async def edit_last(self):
        """Edit the last question."""
        await self._recall()
        self.editing = next((view.id for view in reversed(self.messages) if view.role == "user"), "")

    @rx.event
    def cancel_edit(self):
        """Leave the question as it is."""
        self.editing = ""

    @rx.event
    def start_with(self, text: str):
        """Fill the composer with a starting point. The mark at the end makes the same one count again."""
        self.fill = f"{text}\u200b{time.time_ns()}"

    @rx.event
    async def show_facts(self, message_id: str):
        """Open the details of an answer."""
        try:
            details = await services().conversations.messages.details(who(self).user_id, message_id)
        except ChatError as error:
            self._say(error)
            return
        self.facts, self.facts_open = fact_views(details), True

    @rx.event
    def hide_facts(self):
        """Close the details."""
        self.facts_open, self.facts = False, []

    @rx.event
    def toggle_keys(self):
        """Open or close the list of keys."""
        self.keys_open = not self.keys_open

    @rx.event
    def dismiss_error(self):
        """The sentence at the composer was read."""
        self.error_code = self.error_text = ""

    @rx.event
    def new(self):
        """Begin a new conversation."""
        return rx.redirect("/new")

    @rx.event
    def message_action(self, message_id: str, action: str):
        """What the menu under a message asks for."""
        if action == "edit":
            self.editing = message_id
            return None
        return ChatState.show_facts(message_id)


def _problem(model: str, code: str | None, text: str, detail: str) -> ProblemView:
    server = next((card.server for card in services().catalogue.cards() if card.id == model), model)
    return problem_view(code or "", text, detail, server)
