"""Where people write: the field, the model, and word when the server is gone or refuses."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from chat_app.ui.i18n import t
from chat_app.ui.islands import ComposerField, ModelPicker
from chat_app.ui.islands.comparing import ComparePicker
from chat_app.ui.islands.searching import AskedBefore, DocumentPicker
from chat_app.ui.islands.tuning import RecipePicker
from chat_app.ui.states.chat import ChatState, called


def composer() -> rx.Component:
    """The composer and what stands over it."""
    return rx.el.div(
        rx.cond(has_connection_errors, rx.el.p(t("offline"), role="status", class_name="strip offline")),
        rx.cond(ChatState.error_code != "", _refusal()),
        rx.cond(
            ChatState.gone != "",
            rx.el.p(
                t("problem." + ChatState.gone + ".what", model=called(ChatState.model), server=ChatState.gone_server),
                " ",
                t("problem." + ChatState.gone + ".do"),
                role="status",
                class_name="strip",
            ),
        ),
        AskedBefore.create(),
        ComposerField.create(
            DocumentPicker.create(known=ChatState.model, is_tuned=ChatState.is_tuned, on_pick=ChatState.choose_model),
            ComparePicker.create(
                known=ChatState.model,
                items=ChatState.models,
                is_tuned=ChatState.is_tuned,
                on_pick=ChatState.choose_model,
            ),
            ModelPicker.create(
                known=ChatState.model,
                items=ChatState.models,
                names=ChatState.names,
                on_pick=ChatState.choose_model,
            ),
            RecipePicker.create(known=ChatState.model, is_tuned=ChatState.is_tuned, on_pick=ChatState.choose_model),
            conversation_id=ChatState.conversation_id,
            model=ChatState.model,
            running=ChatState.running,
            aside=ChatState.aside,
            is_loaded=ChatState.is_loaded,
            accepted=ChatState.accepted,
            limit=ChatState.limit,
            most_files=ChatState.most_files,
            longest=ChatState.longest_s,
            transcriber=ChatState.transcriber,
            models=ChatState.models,
            on_pick=ChatState.choose_model,
            on_sent=ChatState.sent,
        ),
        class_name="composer-place",
    )


def _refusal() -> rx.Component:
    return rx.el.p(
        t("error." + ChatState.error_code, limit=ChatState.limit),
        rx.el.button(
            "✕",
            type="button",
            class_name="quiet",
            on_click=ChatState.dismiss_error,
            custom_attrs={"aria-label": t("action.dismiss")},
        ),
        role="alert",
        class_name="strip danger",
    )
