"""The page's words: keys here, sentences in `locales/`. Which language shows is decided in the browser."""

from __future__ import annotations

import json

import reflex as rx
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import Var, VarData

from chat_app.ui.islands import PUBLIC

_NAMES = ("t", "heading", "timeOfDay", "number", "dollars")
_IMPORT = VarData(imports={f"{PUBLIC}/i18n.js": [ImportVar(tag=name) for name in _NAMES]})


def t(key: str | rx.Var, **values: rx.Var | str | int) -> rx.Var[str]:
    """The words for a key, in the reader's language.

    Args:
        key: A key of the locale files, or a var that holds one.
        **values: What `{name}` in the words stands for.
    """
    return _call("t", key, values=values)


def heading(rows: rx.Var, index: rx.Var[int] | int) -> rx.Var[str]:
    """The heading over a row of the sidebar, in the reader's own days; empty where the row above has it."""
    return _call("heading", rows, index)


def time_of_day(ms: rx.Var[int] | int) -> rx.Var[str]:
    """The time of a moment of today, as the reader writes it; empty for older ones."""
    return _call("timeOfDay", ms)


def dollars(micros: rx.Var[int] | int) -> rx.Var[str]:
    """Micro-dollars as the reader's region writes them."""
    return _call("dollars", micros)


def number(value: rx.Var[str]) -> rx.Var[str]:
    """A number as the reader's region writes it."""
    return _call("number", value)


def _call(
    function: str, *arguments: rx.Var | str | int, values: dict[str, rx.Var | str | int] | None = None
) -> rx.Var[str]:
    parts = [Var.create(argument) for argument in arguments]
    named = {name: Var.create(value) for name, value in (values or {}).items()}
    data = VarData.merge(_IMPORT, *(part._get_all_var_data() for part in (*parts, *named.values())))
    fields = ", ".join(f"{json.dumps(name)}: {value!s}" for name, value in named.items())
    listed = ", ".join([*(str(part) for part in parts), *([f"{{{fields}}}"] if named else [])])
    return Var(_js_expr=f"{function}({listed})", _var_type=str, _var_data=data).to(str)
