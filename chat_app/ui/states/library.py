"""The sidebar: a person's conversations, what runs and what is unread in them, kept true while the page is open."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import reflex as rx

from chat_app.errors import ChatError, NotFound
from chat_app.messages import Principal
from chat_app.store.records import ConversationRecord
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.session import is_connected, services, who
from chat_app.ui.views import RowView, row_views

_PAGE = 50
_LOOK_S = 10
_GATHER_S = 0.2


class LibraryState(rx.State):
    """What the sidebar shows."""

    pinned: list[RowView] = []
    rows: list[RowView] = []
    running: list[str] = []
    unread: list[str] = []
    has_more: bool = False
    is_loaded: bool = False
    renaming: str = ""
    toast: str = ""
    undo_id: str = ""
    undo_action: str = ""
    undo_s: float = 8
    put_away: list[RowView] = []
    thrown_away: list[RowView] = []
    asks_delete_all: bool = False
    _zone: str = "UTC"
    _shown: int = _PAGE
    _watching: bool = False

    @rx.event
    async def ready(self, zone: str):
        """The page is there, in this time zone."""
        self._zone = zone
        self.undo_s = services().settings.undo_s
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
            if self._watching:
                return
            self._watching = True
            token, user_id = self.router.session.client_token, who(self).user_id
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
                    async with self:
                        await self._reload()
                        await self._follow()
        finally:
            async with self:
                self._watching = False

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
            self.toast, self.undo_id = str(error), ""

    async def _read(self, principal: Principal) -> None:
        service, user_id = services().conversations, principal.user_id
        pinned = await service.library.library(user_id, limit=100, pinned=True)
        found = await service.library.library(user_id, limit=self._shown + 1)
        running = sorted(set((await service.messages.running(user_id)).values()))
        self._put("pinned", row_views(pinned, self._tz(), pinned=True))
        self._put("rows", row_views(found[: self._shown], self._tz(), pinned=False))
        self._put("has_more", len(found) > self._shown)
        self._put("running", running)
        self._put("unread", [r.id for r in (*pinned, *found) if _is_unread(r) and r.id not in running])
        self._put("is_loaded", True)

    def _put(self, name: str, value: object) -> None:
        """Set a var only when it differs: whatever is set travels."""
        if getattr(self, name) != value:
            setattr(self, name, value)

    def _tz(self) -> ZoneInfo:
        try:
            return ZoneInfo(self._zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

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
                case "rename":
                    self.renaming = conversation_id
                case "pin" | "unpin":
                    await library.set_pinned(user_id, conversation_id, pinned=action == "pin")
                case "archive":
                    await library.set_archived(user_id, conversation_id, archived=True)
                    self._offer_undo("archived", conversation_id, "unarchive")
                case "unarchive":
                    await library.set_archived(user_id, conversation_id, archived=False)
                case "delete":
                    await library.set_deleted(user_id, conversation_id, deleted=True)
                    self._offer_undo("deleted", conversation_id, "undelete")
                case "undelete":
                    await library.set_deleted(user_id, conversation_id, deleted=False)
                case "markdown" | "json":
                    return rx.download(f"/api/conversations/{conversation_id}/export?format={action}")
        except ChatError as error:
            self.toast, self.undo_id = str(error), ""
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
        self.toast, self.undo_id, self.undo_action = f"toast.{what}", conversation_id, action

    @rx.event
    async def undo(self):
        """Take the last thing back."""
        conversation_id, action = self.undo_id, self.undo_action
        self.toast = self.undo_id = ""
        return await self.act(conversation_id, action)

    @rx.event
    def hide_toast(self):
        """Its time is over."""
        self.toast = self.undo_id = ""

    @rx.event
    async def rename(self, title: str, _key: str):
        """Give a person's own title."""
        conversation_id, self.renaming = self.renaming, ""
        principal = who(self)
        try:
            await services().conversations.rename(principal, conversation_id, title)
        except ChatError as error:
            self.toast, self.undo_id = str(error), ""
            return
        await self._reload()
        services().changes.tell(principal.user_id)

    @rx.event
    def cancel_rename(self):
        """Leave the title as it is."""
        self.renaming = ""

    # -- settings ------------------------------------------------------------------------------------------------

    @rx.event
    async def read_shelves(self):
        """The archived and the deleted, for the settings page."""
        library, user_id = services().conversations.library, who(self).user_id
        archived = await library.library(user_id, limit=200, archived=True)
        self.put_away = row_views(archived, self._tz(), pinned=False)
        self.thrown_away = row_views(await library.deleted(user_id, 200), self._tz(), pinned=False)

    @rx.event
    async def bring_back(self, conversation_id: str, action: str):
        """Take a conversation from a shelf."""
        await self.act(conversation_id, action)
        return LibraryState.read_shelves

    @rx.event
    def ask_delete_all(self):
        """The one deletion that asks."""
        self.asks_delete_all = not self.asks_delete_all

    @rx.event
    async def delete_all(self):
        """Delete everything, for good."""
        self.asks_delete_all = False
        user_id = who(self).user_id
        try:
            await services().conversations.library.delete_everything(user_id)
        except ChatError as error:
            self.toast = str(error)
            return None
        await self._reload()
        services().changes.tell(user_id)
        return LibraryState.read_shelves


def _is_unread(record: ConversationRecord) -> bool:
    return record.updated_at > record.read_at
