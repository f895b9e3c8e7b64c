"""The islands for people who tune models: the panel of parameters, and recipes."""

from __future__ import annotations

import reflex as rx
from reflex.event import passthrough_event_spec

from chat_app.ui.islands import PUBLIC, Island
from chat_app.ui.views import MessageView


class ParametersButton(Island):
    """Opens the panel, and closes it."""

    library = f"{PUBLIC}/parameter_panel.jsx"
    tag = "ParametersButton"

    is_tuned: rx.Var[bool]


class ParameterPanel(Island):
    """What the next answer is asked with."""

    library = f"{PUBLIC}/parameter_panel.jsx"
    tag = "ParameterPanel"

    model: rx.Var[str]
    messages: rx.Var[list[MessageView]]
    running: rx.Var[list[str]]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class _OfRecipe(Island):
    """What depends on the recipe of the open conversation, which may bring its model."""

    known: rx.Var[str]
    is_tuned: rx.Var[bool]
    on_pick: rx.EventHandler[passthrough_event_spec(str)]


class RecipePicker(_OfRecipe):
    """The recipe that the next message is asked by."""

    library = f"{PUBLIC}/recipe_picker.jsx"
    tag = "RecipePicker"


class StartingPoints(_OfRecipe):
    """The recipe's questions to begin with; its children where it has none."""

    library = f"{PUBLIC}/recipe_picker.jsx"
    tag = "StartingPoints"


class Recipes(Island):
    """The recipes that there are, and what can be done with them."""

    library = f"{PUBLIC}/recipes.jsx"
    tag = "Recipes"


class MyDefaults(Island):
    """A person's own defaults."""

    library = f"{PUBLIC}/my_defaults.jsx"
    tag = "MyDefaults"
