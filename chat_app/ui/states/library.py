"""The sidebar: a person's conversations, what runs and what is unread in them, kept true while the page is open."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

import reflex as rx
import structlog

from chat_app.errors import ChatError, NotFound
from chat_app.messages import Principal
from chat_app.store.records import ConversationRecord
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.dialogs import DialogState
from chat_app.ui.states.session import is_connected, services, who
from chat_app.ui.views import RowView, row_views

log = structlog.get_logger(__name__)
_PAGE = 50
_MOST_PINNED = 1000
_SHELF = 200
_LOOK_S = 10
_GATHER_S = 0.2
_RETRY_S = 2
# The tabs that this process watches over. Not in the state, which in Redis outlives a killed process.
_watched: set[str] = set()


class LibraryState(rx.State):
    """What the sidebar shows."""

    pinned: list[RowView] = []
    rows: list[RowView] = []
    running: list[str] = []
    unread: list[str] = []
    has_more: bool = False
    is_loaded: bool = False
    toast: str = ""
    toast_mark: int = 0
    undo_id: str = ""
    undo_action: str = ""
    undo_s: float = 8
    keep_days: int = 30
    put_away: list[RowView] = []
    thrown_away: list[RowView] = []
    has_more_shelved: bool = False
    asks_delete_all: bool = False
    _shown: int = _PAGE
    _shelf: int = _SHELF

    @rx.event
    async def ready(self):
        """The page is there."""
        self.undo_s, self.keep_days = services().settings.undo_s, services().settings.keep_deleted_days
        await self._reload()
        return LibraryState.watch

    @rx.event
    async def arrive(self):
        """An address was opened, or the socket came back."""
        await self._reload()
        return LibraryState.watch

    @rx.event(background=True)
    async def watch(self):
        """Keep the sidebar and the open conversation true until the tab is gone."""
        async with self:
            token, user_id = self.router.session.client_token, who(self).user_id
        if token in _watched:
            return
        _watched.add(token)
        try:
            async with services().changes.watch(user_id) as changed:
                while is_connected(token):
                    try:
                        async with asyncio.timeout(_LOOK_S):
                            await changed.wait()
                    except TimeoutError:
                        continue
                    await asyncio.sleep(_GATHER_S)
                    changed.clear()
                    try:
                        async with self:
                            await self._reload()
                            await self._follow()
                    except Exception as error:  # noqa: BLE001 # a task boundary: a state out of reach must not end it
                        log.warning("library.unread", error=str(error))
                        changed.set()
                        await asyncio.sleep(_RETRY_S)
        finally:
            _watched.discard(token)

    async def _follow(self) -> None:
        """The open conversation, where another tab or worker moved it on."""
        chat = await self.get_state(ChatState)
        chat.refresh_models()
        if not chat.conversation_id or chat.is_missing:
            return
        try:
            principal = who(self)
            record = await services().conversations.library.get(principal.user_id, chat.conversation_id)
            if chat.is_stale(record.id, record.updated_at, record.leaf_message_id or "") or chat.title != record.title:
                await chat.refresh(principal)
        except NotFound:
            chat.is_missing = True
        except ChatError:
            return  # the sidebar says it already

    async def _reload(self) -> None:
        try:
            await self._read(who(self))
        except ChatError as error:
            self._say(f"error.{error.code}")

    async def _read(self, principal: Principal) -> None:
        service, user_id = services().conversations, principal.user_id
        pinned = await service.library.library(user_id, limit=_MOST_PINNED, pinned=True)
        found = await service.library.library(user_id, limit=self._shown + 1)
        running = sorted(set((await service.messages.running(user_id)).values()))
        self._put("pinned", row_views(pinned))
        self._put("rows", row_views(found[: self._shown]))
        self._put("has_more", len(found) > self._shown)
        self._put("running", running)
        self._put("unread", [r.id for r in (*pinned, *found) if _is_unread(r) and r.id not in running])
        self._put("is_loaded", True)

    def _put(self, name: str, value: object) -> None:
        """Set a var only when it differs: whatever is set travels."""
        if getattr(self, name) != value:
            setattr(self, name, value)

    @rx.event
    async def seen(self):
        """The open conversation is in view, with what ended in it."""
        chat = await self.get_state(ChatState)
        try:
            await services().conversations.library.mark_read(who(self).user_id, chat.conversation_id)
        except ChatError:
            return  # it stays unread, which is no loss
        await self._reload()
        services().changes.tell(who(self).user_id)

    @rx.event
    async def more(self):
        """One page more, below."""
        if self.has_more:
            self._shown += _PAGE
            await self._reload()

    @rx.event
    async def act(self, conversation_id: str, action: str):
        """What the menu of a row asks for."""
        library, user_id = services().conversations.library, who(self).user_id
        try:
            match action:
                case "pin" | "unpin":
                    await library.set_pinned(user_id, conversation_id, pinned=action == "pin")
                case "archive":
                    await library.set_archived(user_id, conversation_id, archived=True)
                    self._offer_undo("archived", conversation_id, "unarchive")
                case "unarchive":
                    await library.set_archived(user_id, conversation_id, archived=False)
                case "delete":
                    await services().conversations.delete_conversation(who(self), conversation_id)
                    self._offer_undo("deleted", conversation_id, "undelete")
                case "undelete":
                    await library.set_deleted(user_id, conversation_id, deleted=False)
                case _:
                    return _export(conversation_id, action)
        except ChatError as error:
            self._say(f"error.{error.code}")
            return None
        await self._reload()
        services().changes.tell(user_id)
        return await self._leave(conversation_id, action)

    async def _leave(self, conversation_id: str, action: str):
        chat = await self.get_state(ChatState)
        if action == "delete" and chat.conversation_id == conversation_id:
            return rx.redirect("/new")
        return None

    def _offer_undo(self, what: str, conversation_id: str, action: str) -> None:
        self._say(f"toast.{what}")
        self.undo_id, self.undo_action = conversation_id, action

    def _say(self, key: str) -> None:
        """Say a sentence of the locale files for a while."""
        self.toast, self.undo_id, self.toast_mark = key, "", self.toast_mark + 1

    @rx.event
    async def undo(self):
        """Take the last thing back."""
        gone, action = self.undo_id, self.undo_action
        self.toast = self.undo_id = ""
        if action != "restore":
            return await self.act(gone, action)
        try:
            await services().conversations.restore(who(self), gone)
        except ChatError as error:
            self._say(f"error.{error.code}")
            return None
        return await self._shown_again()

    @rx.event
    def hide_toast(self):
        """Its time is over."""
        self.toast = self.undo_id = ""

    @rx.event
    async def rename(self, conversation_id: str, title: str):
        """Give a person's own title."""
        principal = who(self)
        try:
            await services().conversations.rename(principal, conversation_id, title)
        except ChatError as error:
            self._say(f"error.{error.code}")
            return
        await self._reload()
        services().changes.tell(principal.user_id)

    @rx.event
    async def act_on_message(self, message_id: str, action: str):
        """What the menu under a message asks for."""
        match action:
            case "facts":
                return DialogState.show_facts(message_id)
            case "delete":
                return await self._delete_message(message_id)
            case _:
                return _export((await self.get_state(ChatState)).conversation_id, action)

    async def _delete_message(self, message_id: str):
        try:
            gone = await services().conversations.delete(who(self), message_id)
        except ChatError as error:
            self._say(f"error.{error.code}")
            return None
        if gone == message_id:
            self._offer_undo("deleted", message_id, "restore")
            return await self._shown_again()
        self._offer_undo("deleted", gone, "undelete")
        await self._reload()
        services().changes.tell(who(self).user_id)
        return await self._leave(gone, "delete")

    async def _shown_again(self) -> None:
        """The open conversation, here and in the person's other tabs."""
        chat = await self.get_state(ChatState)
        await chat.reread()
        services().changes.tell(who(self).user_id)

    # -- settings ------------------------------------------------------------------------------------------------

    @rx.event
    async def read_shelves(self):
        """The archived and the deleted, for the settings page."""
        library, user_id = services().conversations.library, who(self).user_id
        try:
            archived = await library.library(user_id, limit=self._shelf + 1, archived=True)
            deleted = await library.deleted(user_id, self._shelf + 1)
        except ChatError as error:
            self._say(f"error.{error.code}")
            return
        self.put_away, self.thrown_away = row_views(archived[: self._shelf]), row_views(deleted[: self._shelf])
        self.has_more_shelved = max(len(archived), len(deleted)) > self._shelf

    @rx.event
    async def more_shelved(self):
        """One page more of both."""
        self._shelf += _SHELF
        return LibraryState.read_shelves

    @rx.event
    async def bring_back(self, conversation_id: str, action: str):
        """Take a conversation from a shelf."""
        await self.act(conversation_id, action)
        return LibraryState.read_shelves

    @rx.event
    def ask_delete_all(self):
        """The one deletion that asks."""
        self.asks_delete_all = True

    @rx.event
    def keep_all(self):
        """The answer was no."""
        self.asks_delete_all = False

    @rx.event
    async def delete_all(self):
        """Delete everything, for good."""
        self.asks_delete_all = False
        user_id = who(self).user_id
        try:
            await services().conversations.delete_everything(who(self))
        except ChatError as error:
            self._say(f"error.{error.code}")
            return None
        await self._reload()
        services().changes.tell(user_id)
        return LibraryState.read_shelves


def _is_unread(record: ConversationRecord) -> bool:
    return record.updated_at > record.read_at


def _export(conversation_id: str, action: str):
    """A download: `json`, or `markdown:` and what the person is called in it."""
    kind, _, you = action.partition(":")
    return rx.download(f"/api/conversations/{quote(conversation_id)}/export?{urlencode({'format': kind, 'you': you})}")
