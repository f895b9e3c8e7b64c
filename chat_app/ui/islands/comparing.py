"""The islands for answers side by side, and for replays."""

from __future__ import annotations

import reflex as rx
from reflex.event import passthrough_event_spec

from chat_app.ui.islands import PUBLIC, Island
from chat_app.ui.views import MessageView


class ComparePicker(Island):
    """Who answers the next message side by side."""

    library = f"{PUBLIC}/compare_picker.jsx"
    tag = "ComparePicker"

    known: rx.Var[str]
    items: rx.Var[list[dict[str, str]]]
    is_tuned: rx.Var[bool]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class SideBySide(Island):
    """The answers to one question, its children, side by side, or the one in view."""

    library = f"{PUBLIC}/side_by_side.jsx"
    tag = "SideBySide"

    question: rx.Var[str]
    current: rx.Var[str]
    answers: rx.Var[list[MessageView]]
    models: rx.Var[list[dict[str, str]]]
    model: rx.Var[str]
    on_show: rx.EventHandler[passthrough_event_spec(str, bool)]
    on_go_on: rx.EventHandler[passthrough_event_spec(str)]
    on_merged: rx.EventHandler[passthrough_event_spec(str, str)]


class BesideButton(Island):
    """Shows the answers to a question side by side."""

    library = f"{PUBLIC}/side_by_side.jsx"
    tag = "BesideButton"

    question: rx.Var[str]
    on_show: rx.EventHandler[passthrough_event_spec(str, bool)]


class Replays(Island):
    """Sets of prompts, and replays of them; or the one that the address names."""

    library = f"{PUBLIC}/replays.jsx"
    tag = "Replays"

    models: rx.Var[list[dict[str, str]]]
    model: rx.Var[str]
