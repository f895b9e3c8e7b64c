"""The page's words: keys here, sentences in `locales/`. Which language shows is decided in the browser."""

from __future__ import annotations

import json

import reflex as rx
from reflex_base.utils.imports import ImportVar
from reflex_base.vars.base import Var, VarData

from chat_app.ui.islands import PUBLIC

_IMPORT = VarData(imports={f"{PUBLIC}/i18n.js": [ImportVar(tag="t"), ImportVar(tag="heading")]})


def t(key: str | rx.Var, **values: rx.Var | str | int) -> rx.Var[str]:
    """The words for a key, in the reader's language.

    Args:
        key: A key of the locale files, or a var that holds one.
        **values: What `{name}` in the words stands for.
    """
    return _call("t", key, values)


def heading(key: rx.Var[str]) -> rx.Var[str]:
    """The heading of a group in the sidebar: a name, or a month as `2026-10`."""
    return _call("heading", key, {})


def _call(function: str, key: str | rx.Var, values: dict[str, rx.Var | str | int]) -> rx.Var[str]:
    parts = [key if isinstance(key, Var) else Var.create(key), *(v for v in values.values() if isinstance(v, Var))]
    data = VarData.merge(_IMPORT, *(part._get_all_var_data() for part in parts))
    fields = ", ".join(f"{json.dumps(name)}: {Var.create(value)!s}" for name, value in values.items())
    return Var(_js_expr=f"{function}({parts[0]!s}, {{{fields}}})", _var_type=str, _var_data=data).to(str)
