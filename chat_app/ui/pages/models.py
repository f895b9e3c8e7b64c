"""The servers of models: what each offers, and whether it works."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands import Servers

ROUTE = "/models"


def models_page() -> rx.Component:
    """The page."""
    return framed("models", Servers.create())
