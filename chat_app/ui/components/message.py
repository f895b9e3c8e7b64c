"""One message: who speaks, its words, what can be done with it, and what went wrong."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.i18n import t
from chat_app.ui.islands import CopyButton, EditField, MessageBody, Picker, RetryButton
from chat_app.ui.states.chat import ChatState
from chat_app.ui.views import MessageView


def message(view: MessageView) -> rx.Component:
    """A message in the transcript."""
    status = ChatState.marks.get(view.id, "complete")
    return rx.el.article(
        rx.el.div(
            rx.cond(view.role == "assistant", _speaker(view)),
            rx.cond(
                ChatState.editing == view.id,
                EditField.create(
                    message_id=view.id,
                    value="",
                    label=t("message.edit"),
                    multiline=True,
                    on_save=ChatState.save_edit,
                    on_cancel=ChatState.cancel_edit,
                ),
                MessageBody.create(message_id=view.id, role=view.role, status=status),
            ),
            rx.cond(view.role == "assistant", _ending(view, status)),
            class_name="said",
        ),
        rx.cond(status != "streaming", _actions(view)),
        custom_attrs={
            "data-role": view.role,
            "data-status": status,
            "data-message-id": view.id,
            "aria-busy": rx.cond(status == "streaming", "true", "false"),
            "aria-label": rx.cond(view.role == "user", t("message.yours"), t("message.by", model=view.model)),
        },
        tab_index=-1,
        class_name="message",
        key=view.id,
    )


def _speaker(view: MessageView) -> rx.Component:
    return rx.el.p(rx.el.b(view.model), class_name="speaker")


def _ending(view: MessageView, status: str) -> rx.Component:
    return rx.match(
        status,
        ("stopped", _note(view, "stopped")),
        ("interrupted", _note(view, "interrupted")),
        ("failed", _failure(view)),
        rx.fragment(),
    )


def _note(view: MessageView, status: str) -> rx.Component:
    return rx.el.p(
        t(f"ending.{status}"),
        " ",
        _button(t("action.continue"), ChatState.resume(view.id)),
        rx.cond(status == "interrupted", _button(t("action.start_over"), ChatState.try_again(view.id, "same"))),
        class_name=f"ending {status}",
    )


def _failure(view: MessageView) -> rx.Component:
    """What happened, then what to do; the vendor's own text only under Details."""
    problem = ChatState.problems[view.id]
    what = rx.cond(problem.code != "", "problem." + problem.code + ".what", "problem.model_failed.what")
    to_do = rx.cond(problem.code != "", "problem." + problem.code + ".do", "problem.model_failed.do")
    return rx.el.div(
        rx.el.b(t(what, model=view.model, used=problem.used, budget=problem.budget)),
        rx.el.p(t(to_do, model=view.model, seconds=problem.retry_after_s)),
        rx.el.div(
            RetryButton.create(seconds=problem.retry_after_s, on_retry=ChatState.resume(view.id)),
            Picker.create(
                label=t("action.try_other"),
                text=t("action.try_other"),
                kind="menu",
                items=ChatState.models,
                on_pick=lambda model: ChatState.try_again(view.id, "model:" + model.to(str)),
                class_name="button-picker",
            ),
            class_name="row",
        ),
        rx.cond(
            problem.detail != "",
            rx.el.details(rx.el.summary(t("action.details")), rx.el.div(problem.detail, class_name="plain")),
        ),
        role="alert",
        class_name="card",
    )


def _actions(view: MessageView) -> rx.Component:
    return rx.el.div(
        CopyButton.create(message_id=view.id, class_name="quiet copy"),
        rx.cond(
            view.role == "assistant",
            rx.fragment(
                Picker.create(
                    label=t("action.again"),
                    text=t("action.again"),
                    kind="menu",
                    items=_again_items(),
                    on_pick=lambda how: ChatState.try_again(view.id, how),
                ),
                Picker.create(
                    label=t("action.more"),
                    text="⋯",
                    kind="menu",
                    items=rx.Var.create([{"id": "facts", "text": t("action.details")}]),
                    on_pick=lambda action: ChatState.message_action(view.id, action),
                ),
            ),
            _button(t("action.edit"), ChatState.edit(view.id)),
        ),
        rx.cond(view.branches > 1, _branches(view)),
        class_name="actions",
    )


def _again_items() -> rx.Var:
    same = [{"id": "same", "text": t("again.same")}, {"id": "shorter", "text": t("again.shorter")}]
    others = ChatState.models.map(
        lambda model: {"id": "model:" + model["id"], "text": t("again.with", model=model["id"])}
    )
    return rx.Var.create(same).to(list) + others.to(list)


def _branches(view: MessageView) -> rx.Component:
    return rx.el.span(
        rx.el.button(
            "‹",
            type="button",
            disabled=view.back == "",
            on_click=ChatState.branch(view.back),
            custom_attrs={"aria-label": t("branch.back")},
            class_name="quiet",
        ),
        rx.el.span(view.branch, "/", view.branches, class_name="figure"),
        rx.el.button(
            "›",
            type="button",
            disabled=view.on == "",
            on_click=ChatState.branch(view.on),
            custom_attrs={"aria-label": t("branch.on")},
            class_name="quiet",
        ),
        class_name="branches",
    )


def _button(label: rx.Var[str], on_click: rx.event.EventType) -> rx.Component:
    return rx.el.button(label, type="button", class_name="quiet", on_click=on_click)
