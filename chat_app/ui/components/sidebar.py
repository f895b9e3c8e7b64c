"""The sidebar: every conversation, the pinned first."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.i18n import heading, t, time_of_day
from chat_app.ui.islands import Drawer, Picker, Renamable, Sentinel
from chat_app.ui.islands.searching import SearchButton
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.library import LibraryState
from chat_app.ui.views import RowView


def sidebar(*, shows_conversation: bool = False) -> rx.Component:
    """Beside the page, or a drawer on a narrow one."""
    open_id = ChatState.conversation_id if shows_conversation else rx.Var.create("")
    return Drawer.create(
        # A link, so that it opens in a new tab too; a button to those who hear it, as it begins something.
        rx.el.a(rx.icon("plus", size=18), t("library.new"), href="/new", class_name="row-link new", role="button"),
        SearchButton.create(),
        rx.el.div(
            rx.cond(LibraryState.pinned.length() > 0, rx.el.h2(t("library.pinned"))),
            rx.foreach(LibraryState.pinned, lambda row: _row(row, open_id, is_pinned=True)),
            rx.foreach(LibraryState.rows, lambda row, index: _dated_row(row, index, open_id)),
            rx.cond(
                LibraryState.is_loaded & (LibraryState.rows.length() + LibraryState.pinned.length() == 0),
                rx.el.p(t("library.empty"), class_name="empty"),
            ),
            rx.cond(
                LibraryState.has_more,
                Sentinel.create(mark=LibraryState.rows.length().to_string(), on_seen=LibraryState.more),
            ),
            class_name="rows",
        ),
        rx.el.a(rx.icon("book-open", size=18), t("documents.title"), href="/documents", class_name="row-link"),
        rx.el.a(rx.icon("settings", size=18), t("settings.title"), href="/settings", class_name="row-link foot"),
        path=rx.State.router.url.path,
        label=t("library.label"),
    )


def _dated_row(row: RowView, index: int, open_id: rx.Var[str]) -> rx.Component:
    above = heading(LibraryState.rows, index)
    return rx.fragment(
        rx.cond(above != "", rx.el.h2(above)),
        _row(row, open_id, is_pinned=False),
        key=row.id,  # an open menu and a title being written go with their row when the order changes
    )


def _row(row: RowView, open_id: rx.Var[str], *, is_pinned: bool) -> rx.Component:
    is_open = open_id == row.id
    is_running = LibraryState.running.contains(row.id)
    is_unread = LibraryState.unread.contains(row.id) & (open_id != row.id)
    return Renamable.create(
        rx.el.div(
            rx.el.a(
                rx.cond(
                    is_running, rx.el.span("●", class_name="dot", custom_attrs={"aria-label": t("library.running")})
                ),
                rx.cond(
                    is_unread,
                    rx.el.span(t("library.unread"), class_name="visually-hidden"),
                ),
                rx.el.span(row.title, class_name="title", dir="auto"),
                rx.el.time(time_of_day(row.updated_at)),
                href="/c/" + row.id,
                class_name="row-link",
                custom_attrs={
                    "aria-current": rx.cond(is_open, "page", "false"),
                    "data-unread": rx.cond(is_unread, "true", "false"),
                    "data-running": rx.cond(is_running, "true", "false"),
                },
            ),
            Picker.create(
                label=t("library.actions", title=row.title),
                icon="ellipsis",
                kind="menu",
                subject=row.id,
                items=_items(is_pinned=is_pinned),
                on_pick=lambda action: LibraryState.act(row.id, action),
                class_name="row-menu",
            ),
            class_name="row",
        ),
        conversation_id=row.id,
        title=row.title,
        label=t("library.rename"),
        on_rename=LibraryState.rename,
        key=row.id,
    )


def _items(*, is_pinned: bool) -> rx.Var:
    names = ["unpin" if is_pinned else "pin", "archive", "markdown", "json", "delete"]
    rename = {"id": "rename", "text": t("library.rename"), "local": "yes"}
    items = [rename, *({"id": name, "text": t(f"library.{name}")} for name in names)]
    items[names.index("markdown") + 1]["id"] = rx.Var.create(f"markdown:{t('export.you')}")
    return rx.Var.create(items)
