"""What calls took: a chart, a table, and a file of them."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands import Usage

ROUTE = "/usage"


def usage_page() -> rx.Component:
    """The page."""
    return framed("usage", Usage.create())
