"""The open conversation: its frame, and what a person does with it. Its words never pass through here."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

import reflex as rx
from reflex.event import Event
from reflex.state import BaseState

from chat_app.conversations.service import PAGE, Page
from chat_app.errors import ChatError, Conflict, NotFound
from chat_app.messages import Principal
from chat_app.store.records import MessageRecord
from chat_app.ui.states.session import services, who
from chat_app.ui.views import (
    MessageView,
    ProblemView,
    ServerView,
    SilentView,
    message_view,
    model_items,
    problem_view,
    server_views,
    silent_views,
)

_MOST_SHOWN = 500
_SECOND_CLICK_S = 1.0
_WAV_BYTES = 32_000  # of a second as the page records it


class ChatState(rx.State):
    """What the page shows of one conversation."""

    conversation_id: str = ""
    title: str = ""
    messages: list[MessageView] = []
    beside: dict[str, list[MessageView]] = {}  # of an answer that has others: all of them
    marks: dict[str, str] = {}
    problems: dict[str, ProblemView] = {}
    running: list[str] = []
    aside: list[str] = []  # what runs beside an answer in view
    is_tuned: bool = False
    cost_micros: int = 0  # as far as prices are known
    has_more: bool = False
    is_missing: bool = False
    is_loaded: bool = False
    model: str = ""
    models: list[dict[str, str]] = []
    names: dict[str, str] = {}  # of models that are not called by their ids
    servers: list[ServerView] = []
    accepted: str = ""
    resumed: str = ""
    error_code: str = ""
    silent: list[SilentView] = []
    gone: str = ""
    gone_server: str = ""
    limit: int = 200_000
    most_files: int = 10
    longest_s: int = 600
    transcriber: dict[str, str] = {}  # who turns speech into text, as an item of `models`
    _seen: tuple[str, int, str] = ("", 0, "")
    _last_wish: tuple[str, float] = ("", 0.0)

    # -- opening -------------------------------------------------------------------------------------------------

    def _depart(self) -> None:
        """Show no more what this tab showed, where its address names another conversation now."""
        if self.is_loaded and self._wanted() != self.conversation_id:
            self._clear(self._wanted())
            self.is_loaded = False

    @rx.event
    async def load(self):
        """Show what the address names: `/new` a new conversation, `/c/{id}` that one, anything else nothing."""
        await self._load()

    async def _load(self) -> None:
        wanted = self._wanted()
        settings = services().settings
        self.limit, self.most_files = settings.max_message_chars, settings.max_files
        self.longest_s = min(settings.max_audio_seconds, settings.max_file_bytes // _WAV_BYTES - 1)
        is_arriving = wanted != self.conversation_id or not self.is_loaded
        if wanted != self.conversation_id or not self.is_loaded:
            self._clear(wanted)
        self.is_missing = self._path() not in ("", "/new") and not wanted
        self.refresh_models()
        try:
            if is_arriving and not wanted:
                await self._begin_as_usual(who(self))
            await self.refresh(who(self))
        except NotFound:
            self.is_missing = True
        except ChatError as error:
            self._say(error)
        self.is_loaded = True

    async def _begin_as_usual(self, principal: Principal) -> None:
        """A new conversation begins with the model that the person begins with, or else with the first one."""
        usual = await services().conversations.layers.model(principal.user_id, None)
        offered = [card.id for card in services().catalogue.offered() if card.is_language_model]
        if usual in offered:
            self.model = usual
        elif offered:  # while there is none, whatever was chosen may come back
            self.model = offered[0]

    def _path(self) -> str:
        return self.router.url.path.rstrip("/")

    def _wanted(self) -> str:
        """The conversation that the address names, or nothing."""
        path = self._path()
        return path.removeprefix("/c/") if path.startswith("/c/") else ""

    async def _recall(self) -> None:
        """A state that was lost, with the Redis that held it, begins empty: read what the page shows again."""
        if not self.is_loaded:
            await self._load()

    def _clear(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.title, self.messages, self.marks, self.problems, self.running = "", [], {}, {}, []
        self.beside, self.aside = {}, []
        self.has_more, self.is_missing, self.is_tuned, self.cost_micros = False, False, False, 0
        self.error_code = ""
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
        cost = await services().conversations.library.cost_micros(principal.user_id, conversation.id) or 0
        if self.cost_micros != cost:
            self.cost_micros = cost
        self._seen = (conversation.id, conversation.updated_at, conversation.leaf_message_id or "")
        if self.title != conversation.title:
            self.title = conversation.title
        if self.is_tuned != conversation.is_tuned:
            self.is_tuned = conversation.is_tuned
        model = conversation.model
        if conversation.is_tuned:
            model = await services().conversations.layers.model(principal.user_id, conversation.id) or model
        if model and self.model != model:
            self.model = model
        oldest = page.messages[0].id if page.messages else ""
        at = next((i for i, view in enumerate(self.messages) if view.id == oldest), 0)
        if len(page.messages) == _MOST_SHOWN and at:  # more is shown than is read at once: what is older stays
            await self._show(page, above=self.messages[:at])
        else:
            await self._show(page)
            self.has_more = page.has_more

    async def _show(self, page: Page, *, above: Sequence[MessageView] = (), below: Sequence[MessageView] = ()) -> None:
        """Put messages in view between those that were read before. What differs is set, as it travels whole."""
        views = [*above, *(message_view(record) for record in page.messages), *below]
        in_view = {view.id for view in views}
        read_here = {record.id for record in page.messages}
        older = {i: each for i, each in self.beside.items() if i in in_view - read_here}
        beside = older | await _beside(page)
        known = in_view | {view.id for each in beside.values() for view in each}
        read = {r.id: r for r in [*page.messages, *(r for each in page.beside.values() for r in each)]}
        marks = {i: status for i, status in self.marks.items() if i in known and i not in read}
        marks |= {r.id: r.status for r in read.values() if r.status != "complete"}
        problems = {i: problem for i, problem in self.problems.items() if i in known and i not in read}
        problems |= {r.id: _problem(r) for r in read.values() if r.error_code}
        under_way = [i for i, status in marks.items() if status == "streaming"]
        shown: dict[str, object] = {
            "messages": views, "beside": beside, "marks": marks, "problems": problems,
            "running": [i for i in under_way if i in in_view], "aside": [i for i in under_way if i not in in_view],
        }  # fmt: skip
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    def is_stale(self, conversation_id: str, updated_at: int, leaf_id: str) -> bool:
        """Whether the open conversation has moved on since it was read."""
        return conversation_id == self.conversation_id and self._seen != (conversation_id, updated_at, leaf_id)

    def refresh_models(self) -> None:
        """Read the list of models again; keep the chosen one while it exists."""
        catalogue = services().catalogue
        cards = catalogue.cards()
        items = model_items(card for card in cards if card.is_offered)
        servers, silent = server_views(cards), silent_views(catalogue.problems)
        names = {card.id: card.name for card in cards if card.name}
        if self.models != items or self.names != names:
            self.models, self.servers, self.names = items, servers, names
        heard_by = services().transcripts.transcriber()
        transcriber = model_items([heard_by])[0] if heard_by else {}
        if self.transcriber != transcriber:
            self.transcriber = transcriber
        if self.silent != silent:
            self.silent = silent
        if not self.model and items:
            self.model = items[0]["id"]
        is_gone = bool(self.model) and all(card.id != self.model for card in cards)
        gone = catalogue.absence(self.model).code if is_gone else ""
        if self.gone != gone:
            self.gone, self.gone_server = gone, catalogue.server_of(self.model)

    @rx.event
    async def older(self, first_id: str):
        """Show one page more, above."""
        await self._recall()
        oldest = self.messages[0].id if self.messages else ""
        if first_id not in (oldest, *(view.id for view in self.beside.get(oldest, []))):
            return
        try:
            page = await services().conversations.open(who(self), self.conversation_id, before=oldest)
        except ChatError as error:
            self._say(error)
            return
        await self._show(page, below=self.messages)
        self.has_more = page.has_more

    @rx.event
    async def settled(self, _message_id: str):
        """An answer ended, or the page comes back: the store knows."""
        await self.reread()

    # -- talking -------------------------------------------------------------------------------------------------

    @rx.event
    async def sent(self, conversation_id: str, key: str):
        """The page has put words into a conversation, by `POST /api/turns`."""
        await self._recall()
        if self.conversation_id not in ("", conversation_id):
            return None  # the page has moved on meanwhile
        self.accepted = key
        return await self._began(conversation_id)

    @rx.event
    async def try_again(self, message_id: str, how: str):
        """Answer once more: `same`, `hint:` and a wish, or `model:` and another model's name."""
        await self._recall()
        model = how.removeprefix("model:") if how.startswith("model:") else self._model_of(message_id)
        hint = how.removeprefix("hint:") if how.startswith("hint:") else ""
        wish, now = f"{message_id}:{how}", time.monotonic()
        last, self._last_wish = self._last_wish, (wish, now)
        if last[0] == wish and now - last[1] < _SECOND_CLICK_S:
            return None  # the second click of a double one
        return await self._again(message_id, model, str(uuid.uuid4()), hint)

    @rx.event
    async def ask_other(self, model: str):
        """Give up on the answer that does not begin, and ask another model."""
        await self._recall()
        if not self.running:
            return None
        slow = self.running[0]
        try:
            await services().conversations.stop(who(self), slow)
        except ChatError as error:
            self._say(error)
        return await self._again(slow, model, f"other:{slow}:{model}", "")

    async def _again(self, message_id: str, model: str, key: str, hint: str):
        try:
            turn = await services().conversations.regenerate(who(self), message_id, model=model, key=key, hint=hint)
        except ChatError as error:
            self._say(error)
            return None
        self.accepted = key
        return await self._began(turn.conversation_id)

    @rx.event
    async def resume(self, message_id: str):
        """Let a broken-off answer go on, or try a failed one again."""
        await self._recall()
        try:
            turn = await services().conversations.resume(who(self), message_id)
            self.resumed = f"{message_id}:{turn.generation_id}"
        except Conflict:  # the second click of a double one, or another tab's
            return await self.reread()
        except ChatError as error:
            self._say(error)
            return None
        return await self._began(turn.conversation_id)

    @rx.event
    async def branch(self, message_id: str):
        """Walk to a sibling."""
        try:
            await services().conversations.select_branch(who(self), message_id)
        except ChatError as error:
            self._say(error)
            return
        await self.reread()

    @rx.event
    async def show_beside(self, question_id: str, is_on: bool):
        """Show the answers to a question side by side, or one of them."""
        try:
            await services().trials.show(who(self), question_id, is_on)
        except ChatError as error:
            self._say(error)
            return
        await self.reread()

    async def _began(self, conversation_id: str):
        self.error_code = ""
        is_first = not self.conversation_id
        if is_first:
            self.conversation_id = conversation_id
        await self.reread()
        return rx.redirect(f"/c/{conversation_id}", replace=True) if is_first else None

    async def reread(self) -> None:
        """Show the open conversation as the store has it now, or say why not."""
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
        self.error_code = error.code

    # -- around it -----------------------------------------------------------------------------------------------

    @rx.event
    async def choose_model(self, model: str):
        """Let this model answer next; an empty one is the model that the person begins with."""
        await self._recall()
        if model:
            self.model = model
        else:
            await self._begin_as_usual(who(self))
        if self.conversation_id:
            model = self.model
            try:
                await services().conversations.library.set_model(who(self).user_id, self.conversation_id, model)
            except ChatError as error:
                self._say(error)

    @rx.event
    def dismiss_error(self):
        """The sentence at the composer was read."""
        self.error_code = ""

    @rx.event
    def new(self):
        """Begin a new conversation."""
        return rx.redirect("/new")


def called(model: rx.Var[str]) -> rx.Var[str]:
    """What a model is called on the page."""
    return rx.cond(ChatState.names.contains(model), ChatState.names[model], model)


async def _beside(page: Page) -> dict[str, list[MessageView]]:
    versions = {record.recipe_version_id for each in page.beside.values() for record in each}
    called = {version: await services().recipes.called(version) for version in versions}
    return {
        message_id: [
            message_view(record, called[record.recipe_version_id], side_by_side=record.parent_id in page.side_by_side)
            for record in each
        ]
        for message_id, each in page.beside.items()
    }


def _problem(record: MessageRecord) -> ProblemView:
    server = services().catalogue.server_of(record.model)
    return problem_view(record.error_code or "", record.error_text, record.error_detail, server)


class Arrival(rx.Middleware):
    """Reflex sends a page that opens all that its tab showed before, and runs `load` only then.

    Over a slow network the page would show another conversation meanwhile, and what one writes would go into it.
    """

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> None:
        """Before the page gets the state."""
        if event.name.rpartition(".")[2].startswith("hydrate"):
            (await state.get_state(ChatState))._depart()
