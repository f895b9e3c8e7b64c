"""Recipes: made, changed, compared, shared and exchanged."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands.tuning import Recipes

ROUTE = "/recipes"


def recipes_page() -> rx.Component:
    """The page."""
    return framed("recipes", Recipes.create())
