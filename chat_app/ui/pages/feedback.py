"""How models and versions of recipes do: a chart, a table, the answers behind them, and examples to train with."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands.judging import Feedback

ROUTE = "/feedback"


def feedback_page() -> rx.Component:
    """The page."""
    return framed("feedback", Feedback.create())
