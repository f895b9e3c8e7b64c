"""The conversation: its messages, or a greeting, or word that there is no such thing."""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx

from chat_app.ui.components.message import message
from chat_app.ui.i18n import t
from chat_app.ui.islands import BeforeFirst, LiveAnswers, Picker, StartingPoint, TranscriptScroller
from chat_app.ui.islands.tuning import StartingPoints
from chat_app.ui.states.chat import ChatState
from chat_app.ui.states.library import LibraryState

_STARTS = ("explain", "write", "plan", "help")
_GUIDED = ("help", "add", "keys", "undo")
"""What Passages alone can answer, from the guide."""


def transcript() -> rx.Component:
    """The middle of the page."""
    return rx.cond(
        ChatState.is_missing,
        _missing(),
        rx.cond((ChatState.conversation_id == "") & ChatState.is_loaded, BeforeFirst.create(_greeting()), _messages()),
    )


def _messages() -> rx.Component:
    return rx.el.div(
        TranscriptScroller.create(
            rx.foreach(ChatState.messages, message),
            conversation_id=ChatState.conversation_id,
            messages=ChatState.messages,
            accepted=ChatState.accepted,
            has_more=ChatState.has_more,
            is_loaded=ChatState.is_loaded,
            on_older=ChatState.older,
        ),
        LiveAnswers.create(
            Picker.create(
                label=t("action.try_other"),
                text=t("action.try_other"),
                kind="menu",
                items=ChatState.models,
                on_pick=ChatState.ask_other,
            ),
            conversation_id=ChatState.conversation_id,
            running=ChatState.running,
            aside=ChatState.aside,
            resumed=ChatState.resumed,
            accepted=ChatState.accepted,
            messages=ChatState.messages,
            beside=ChatState.beside,
            problems=ChatState.problems,
            on_settled=ChatState.settled,
        ),
        class_name="conversation",
    )


def _greeting() -> rx.Component:
    is_first_start = LibraryState.is_loaded & (LibraryState.rows.length() + LibraryState.pinned.length() == 0)
    return rx.el.div(
        rx.el.h1(t("greeting.title")),
        rx.cond(is_first_start | (ChatState.servers.length() == 0), _first_start()),
        StartingPoints.create(
            rx.cond(ChatState.servers.length() == 0, _starting_points(_GUIDED), _starting_points(_STARTS)),
            known=ChatState.model,
            is_tuned=ChatState.is_tuned,
            on_pick=ChatState.choose_model,
        ),
        class_name="greeting",
    )


def _starting_points(names: Sequence[str]) -> rx.Component:
    return rx.el.div(*(StartingPoint.create(text=t(f"start.{name}")) for name in names), class_name="starts")


def _first_start() -> rx.Component:
    """Which models were found, how to add one, and what works without any."""
    return rx.el.div(
        rx.cond(ChatState.servers.length() + ChatState.silent.length() == 0, rx.el.p(t("first.none"))),
        rx.el.ul(
            rx.foreach(
                ChatState.servers,
                lambda server: rx.el.li(t("first.server", server=server.name, count=server.models)),
            ),
            rx.foreach(
                ChatState.silent,
                lambda server: rx.el.li(
                    t("problem." + server.code + ".what", server=server.name),
                    " ",
                    rx.cond(server.code.startswith("model_"), t("first.silent"), t("problem." + server.code + ".do")),
                ),
            ),
        ),
        rx.el.p(t("first.how"), " ", rx.el.a(t("first.add"), href="/models")),
        rx.el.p(t("first.passages")),
        class_name="first",
    )


def _missing() -> rx.Component:
    return rx.el.div(
        rx.el.h1(t("missing.title")),
        rx.el.p(t("missing.why")),
        rx.el.button(t("library.new"), type="button", class_name="button primary", on_click=ChatState.new),
        class_name="greeting",
    )
