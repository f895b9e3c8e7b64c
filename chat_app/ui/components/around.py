"""What belongs to every page: keys, dialogs, the toast."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.i18n import t
from chat_app.ui.islands import Dialog, Keys, Toast
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.library import LibraryState
from chat_app.ui.views import FactView

_KEYS = (
    ("Ctrl/⌘ Shift O", "new"),
    ("Ctrl/⌘ B", "sidebar"),
    ("Ctrl/⌘ Shift ;", "copy"),
    ("Ctrl/⌘ /", "help"),
    ("/", "focus"),
    ("↑", "edit"),
    ("Alt ↑ ↓", "step"),
    ("Esc", "stop"),
)


def around() -> rx.Component:
    """The unseen rest of a page."""
    return rx.fragment(
        Keys.create(on_new=ChatState.new, on_help=ChatState.toggle_keys, on_ready=LibraryState.ready),
        Toast.create(
            text=rx.cond(LibraryState.toast != "", t(LibraryState.toast), ""),
            undo=LibraryState.undo_id != "",
            seconds=LibraryState.undo_s,
            on_undo=LibraryState.undo,
            on_gone=LibraryState.hide_toast,
        ),
        Dialog.create(
            rx.el.h2(t("facts.title")),
            rx.el.dl(rx.foreach(ChatState.facts, _fact)),
            rx.el.button(t("action.close"), type="button", class_name="button", on_click=ChatState.hide_facts),
            is_open=ChatState.facts_open,
            label=t("facts.title"),
            on_close=ChatState.hide_facts,
        ),
        Dialog.create(
            rx.el.h2(t("keys.title")),
            rx.el.dl(*(rx.fragment(rx.el.dt(rx.el.kbd(keys)), rx.el.dd(t(f"keys.{name}"))) for keys, name in _KEYS)),
            rx.el.button(t("action.close"), type="button", class_name="button", on_click=ChatState.toggle_keys),
            is_open=ChatState.keys_open,
            label=t("keys.title"),
            on_close=ChatState.toggle_keys,
        ),
    )


def _fact(fact: FactView) -> rx.Component:
    return rx.fragment(rx.el.dt(t(fact.name)), rx.el.dd(fact.value))
