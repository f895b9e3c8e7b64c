"""What belongs to every page: keys, dialogs, the toast."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.i18n import number, t
from chat_app.ui.islands import Dialog, Keys, LocalDialog, Notice, PageTitle, Toast
from chat_app.ui.islands.searching import PassageDialog, SearchDialog
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.dialogs import DialogState
from chat_app.ui.states.library import LibraryState
from chat_app.ui.states.session import NOTICE
from chat_app.ui.views import FactView

_KEYS = (
    ("Ctrl/⌘ K", "search"),
    ("Ctrl/⌘ Shift O", "new"),
    ("Ctrl/⌘ B", "sidebar"),
    ("Ctrl/⌘ Shift ;", "copy"),
    ("Ctrl/⌘ Shift .", "parameters"),
    ("Ctrl/⌘ /", "help"),
    ("/", "focus"),
    ("↑", "edit"),
    ("Alt ↑ ↓", "step"),
    ("Esc", "stop"),
)


def around(*, title: rx.Var[str], shows_conversation: bool = False) -> rx.Component:
    """The unseen rest of a page.

    Args:
        title: What the tab is called.
        shows_conversation: Whether what is open is in view on this page.
    """
    is_unread = LibraryState.unread.contains(ChatState.conversation_id)
    return rx.fragment(
        PageTitle.create(
            title=title,
            running=LibraryState.running.length() > 0,
            unread=LibraryState.unread.length() > 0,
            is_unread_here=is_unread if shows_conversation else False,
            on_seen=LibraryState.seen,
        ),
        Keys.create(on_new=ChatState.new, on_ready=LibraryState.ready),
        Toast.create(
            text=rx.cond(LibraryState.toast != "", t(LibraryState.toast), ""),
            mark=LibraryState.toast_mark,
            undo=LibraryState.undo_id != "",
            seconds=LibraryState.undo_s,
            on_undo=LibraryState.undo,
            on_gone=LibraryState.hide_toast,
        ),
        SearchDialog.create(models=ChatState.models),
        PassageDialog.create(),
        Notice.create(id=NOTICE),
        Dialog.create(
            rx.el.h2(t("facts.title")),
            rx.el.dl(rx.foreach(DialogState.facts, _fact)),
            rx.el.button(t("action.close"), type="button", class_name="button", on_click=DialogState.hide_facts),
            is_open=DialogState.facts_open,
            label=t("facts.title"),
            on_close=DialogState.hide_facts,
        ),
        LocalDialog.create(
            rx.el.h2(t("keys.title")),
            rx.el.dl(*(rx.fragment(rx.el.dt(rx.el.kbd(keys)), rx.el.dd(t(f"keys.{name}"))) for keys, name in _KEYS)),
            name="keys",
            label=t("keys.title"),
        ),
    )


def _fact(fact: FactView) -> rx.Component:
    return rx.fragment(
        rx.el.dt(t(fact.name)),
        rx.el.dd(rx.match(fact.kind, ("key", t(fact.value)), ("number", number(fact.value)), fact.value)),
    )
