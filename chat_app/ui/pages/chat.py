"""The conversation's page, at `/new` and `/c/{id}`: one route, so a first send changes the address alone."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.around import around
from chat_app.ui.components.composer import composer
from chat_app.ui.components.sidebar import sidebar
from chat_app.ui.components.transcript import transcript
from chat_app.ui.i18n import dollars, t
from chat_app.ui.islands import ClientOnly, DrawerButton, Viewer
from chat_app.ui.islands.searching import Related
from chat_app.ui.islands.tuning import ParameterPanel, ParametersButton
from chat_app.ui.states.chat import ChatState

ROUTE = "/[[...splat]]"


def chat_page() -> rx.Component:
    """The page."""
    return ClientOnly.create(
        rx.el.div(
            sidebar(shows_conversation=True),
            rx.el.main(
                rx.el.header(
                    DrawerButton.create(label=t("library.label")),
                    rx.cond(
                        (ChatState.conversation_id == "") | ChatState.is_missing,
                        rx.el.span(class_name="page-title"),
                        rx.el.h1(ChatState.title, class_name="page-title"),
                    ),
                    rx.cond(
                        ChatState.cost_micros > 0,
                        rx.el.span(dollars(ChatState.cost_micros), class_name="cost", title=t("conversation.cost")),
                    ),
                    rx.cond(
                        ChatState.is_missing, rx.fragment(), Related.create(conversation_id=ChatState.conversation_id)
                    ),
                    rx.cond(ChatState.is_missing, rx.fragment(), ParametersButton.create(is_tuned=ChatState.is_tuned)),
                    rx.el.a(
                        rx.icon("square-pen", size=18),
                        href="/new",
                        class_name="icon only-narrow",
                        custom_attrs={"aria-label": t("library.new")},
                    ),
                ),
                transcript(),
                rx.cond(ChatState.is_missing, rx.fragment(), composer()),
            ),
            rx.cond(
                ChatState.is_missing,
                rx.fragment(),
                ParameterPanel.create(
                    model=ChatState.model,
                    messages=ChatState.messages,
                    running=ChatState.running,
                    on_pick=ChatState.choose_model,
                ),
            ),
            Viewer.create(),
            around(title=rx.cond(ChatState.is_missing, "", ChatState.title), shows_conversation=True),
            class_name="page",
        )
    )
