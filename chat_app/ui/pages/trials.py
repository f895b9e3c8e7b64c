"""Trials: sets of prompts, and replays of them through two models or versions of recipes."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.islands.comparing import Replays
from chat_app.ui.states.chat import ChatState

ROUTE = "/trials"


def trials_page() -> rx.Component:
    """The page."""
    return framed("trials", Replays.create(models=ChatState.models, model=ChatState.model))
