"""The conversation: its messages, or a greeting, or word that there is no such thing."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.message import message
from chat_app.ui.i18n import t
from chat_app.ui.islands import LiveAnswers, TranscriptScroller
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.library import LibraryState

_STARTS = ("explain", "write", "plan", "help")


def transcript() -> rx.Component:
    """The middle of the page."""
    return rx.cond(
        ChatState.is_missing,
        _missing(),
        rx.cond((ChatState.conversation_id == "") & ChatState.is_loaded, _greeting(), _messages()),
    )


def _messages() -> rx.Component:
    return rx.fragment(
        TranscriptScroller.create(
            rx.foreach(ChatState.messages, message),
            conversation_id=ChatState.conversation_id,
            last_id=rx.cond(ChatState.messages.length() > 0, ChatState.messages[-1].id, ""),
            has_more=ChatState.has_more,
            on_older=ChatState.older,
        ),
        LiveAnswers.create(
            conversation_id=ChatState.conversation_id,
            running=ChatState.running,
            model=ChatState.model,
            title=ChatState.title,
            unread=LibraryState.unread.length() > 0,
            on_settled=ChatState.settled,
        ),
    )


def _greeting() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("greeting.title")),
        rx.cond(
            ChatState.models.length() <= 1,
            rx.el.div(
                rx.el.p(t("first.none")),
                rx.el.p(t("first.how")),
                rx.el.p(t("first.passages")),
                class_name="first",
            ),
            rx.el.p(t("first.found", count=ChatState.models.length()), class_name="first"),
        ),
        rx.el.div(
            *(
                rx.el.button(
                    t(f"start.{name}"),
                    type="button",
                    class_name="start",
                    on_click=ChatState.start_with(t(f"start.{name}")),
                )
                for name in _STARTS
            ),
            class_name="starts",
        ),
        class_name="greeting",
    )


def _missing() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("missing.title")),
        rx.el.p(t("missing.why")),
        rx.el.button(t("library.new"), type="button", class_name="button primary", on_click=ChatState.new),
        class_name="greeting",
    )
