"""The page's sentences, one JSON file a language; the browser gets both."""

import reflex as rx

for _name in ("en.json", "zh-CN.json"):
    rx.asset(_name, shared=True)
