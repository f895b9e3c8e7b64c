"""A small settings page: appearance, language, data, keys for programs."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.components.frame import framed
from chat_app.ui.i18n import t
from chat_app.ui.islands import About, ApiKeys, Choice, Dialog, ExportFiles, ImportFile
from chat_app.ui.islands.tuning import MyDefaults
from chat_app.ui.states.library import LibraryState
from chat_app.ui.views import RowView

ROUTE = "/settings"


def settings_page() -> rx.Component:
    """The page."""
    return framed(
        "settings",
        rx.el.section(
            rx.el.h2(t("settings.appearance")),
            Choice.create(name="theme"),
            Choice.create(name="size"),
            Choice.create(name="width"),
            Choice.create(name="follow"),
            Choice.create(name="slash"),
            Choice.create(name="send"),
        ),
        rx.el.section(rx.el.h2(t("settings.language")), Choice.create(name="language")),
        rx.el.section(rx.el.h2(t("settings.defaults")), MyDefaults.create()),
        _data(),
        rx.el.section(rx.el.h2(t("api_keys.title")), ApiKeys.create()),
        rx.el.section(rx.el.h2(t("about.title")), About.create()),
    )


def _data() -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("settings.data")),
        ExportFiles.create(),
        ImportFile.create(),
        _shelf("archived", LibraryState.put_away, "unarchive"),
        _shelf("deleted", LibraryState.thrown_away, "undelete"),
        rx.cond(
            LibraryState.has_more_shelved,
            rx.el.button(t("settings.more"), type="button", class_name="quiet", on_click=LibraryState.more_shelved),
        ),
        rx.el.button(
            t("settings.delete_all"), type="button", class_name="button danger", on_click=LibraryState.ask_delete_all
        ),
        Dialog.create(
            rx.el.h2(t("settings.delete_all")),
            rx.el.p(t("settings.delete_all.ask")),
            rx.el.div(
                rx.el.button(t("action.cancel"), type="button", class_name="button", on_click=LibraryState.keep_all),
                rx.el.button(
                    t("settings.delete_all.yes"),
                    type="button",
                    class_name="button danger",
                    on_click=LibraryState.delete_all,
                ),
                class_name="row",
            ),
            is_open=LibraryState.asks_delete_all,
            label=t("settings.delete_all"),
            on_close=LibraryState.keep_all,
        ),
    )


def _shelf(name: str, rows: list[RowView], action: str) -> rx.Component:
    return rx.cond(
        rows.length() > 0,
        rx.el.details(
            rx.el.summary(t(f"settings.{name}", count=rows.length(), days=LibraryState.keep_days)),
            rx.el.ul(
                rx.foreach(
                    rows,
                    lambda row: rx.el.li(
                        rx.el.span(row.title, dir="auto"),
                        rx.el.button(
                            t("settings.bring_back"),
                            type="button",
                            class_name="quiet",
                            on_click=LibraryState.bring_back(row.id, action),
                        ),
                    ),
                )
            ),
        ),
    )
