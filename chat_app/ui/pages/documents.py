"""Documents: added, looked into, asked about and deleted."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands.searching import Documents

ROUTE = "/documents"


def documents_page() -> rx.Component:
    """The page."""
    return framed("documents", Documents.create())
