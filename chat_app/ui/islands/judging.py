"""The islands for what people think of answers, and which models and recipes do well by it."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.islands import PUBLIC, Island


class RateButtons(Island):
    """The thumbs under an answer."""

    library = f"{PUBLIC}/rating.jsx"
    tag = "RateButtons"

    message_id: rx.Var[str]


class RateForm(Island):
    """Why it has its thumb, once that is asked for."""

    library = f"{PUBLIC}/rating.jsx"
    tag = "RateForm"

    message_id: rx.Var[str]


class Feedback(Island):
    """How models and versions of recipes do, and files of examples to train with."""

    library = f"{PUBLIC}/feedback.jsx"
    tag = "Feedback"
