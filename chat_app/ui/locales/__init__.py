"""The page's sentences, one JSON file a language; the browser gets both."""

import reflex as rx
from reflex_base.environment import environment

if not environment.REFLEX_SKIP_COMPILE.get():  # as in `islands/`
    for _name in ("en.json", "zh-CN.json"):
        rx.asset(_name, shared=True)
