"""The frame of the pages beside the conversation: the sidebar, a title, and the way from one to the next."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.around import around
from chat_app.ui.components.sidebar import sidebar
from chat_app.ui.i18n import t
from chat_app.ui.islands import ClientOnly, DrawerButton

PAGES = ("settings", "documents", "recipes", "models", "usage", "feedback", "trials")


def framed(page: str, *children: rx.Component) -> rx.Component:
    """A page.

    Args:
        page: Which of `PAGES`.
        *children: What stands on it.
    """
    links = [_link(name, page) for name in PAGES]
    return ClientOnly.create(
        rx.el.div(
            sidebar(),
            rx.el.main(
                rx.el.header(
                    DrawerButton.create(label=t("library.label")),
                    rx.el.h1(t(f"{page}.title"), class_name="page-title"),
                ),
                rx.el.div(
                    rx.el.nav(*links, class_name="tabs", aria_label=t("settings.pages")),
                    *children,
                    class_name="settings",
                ),
            ),
            around(title=t(f"{page}.title")),
            class_name="page",
        )
    )


def _link(name: str, page: str) -> rx.Component:
    current = {"aria-current": "page"} if name == page else {}
    return rx.el.a(t(f"{name}.title"), href=f"/{name}", custom_attrs=current)
