"""One message: who speaks, its words, what can be done with it, and what went wrong."""

from __future__ import annotations

import reflex as rx

from chat_app.ui.i18n import t
from chat_app.ui.islands import (
    CopyButton,
    Editable,
    EditButton,
    Figures,
    MessageBody,
    Picker,
    ReadAloud,
    RetryButton,
)
from chat_app.ui.islands.comparing import BesideButton, SideBySide
from chat_app.ui.islands.judging import RateButtons, RateForm
from chat_app.ui.states.chat import ChatState, called
from chat_app.ui.states.library import LibraryState
from chat_app.ui.views import MessageView


def message(view: MessageView) -> rx.Component:
    """A message in the transcript: an answer that has others beside it among them."""
    answers = ChatState.beside[view.id]
    shown = rx.cond(
        ChatState.beside.contains(view.id),
        SideBySide.create(
            rx.foreach(answers, _article),
            question=view.question,
            current=view.id,
            answers=answers,
            models=ChatState.models,
            model=ChatState.model,
            on_show=ChatState.show_beside,
            on_go_on=ChatState.branch,
            on_merged=ChatState.sent,
        ),
        _article(view),
    )
    # By its key a message stays what it is when others come in above it, and the turn when another answer is in view.
    return rx.fragment(shown, key=rx.cond(view.question != "", view.question + view.role, view.id))


def _article(view: MessageView) -> rx.Component:
    status = ChatState.marks.get(view.id, "complete")
    return rx.el.article(
        rx.el.div(
            rx.cond(view.role == "assistant", _speaker(view)),
            Editable.create(
                MessageBody.create(message_id=view.id, role=view.role, status=status),
                message_id=view.id,
                role=view.role,
                model=ChatState.model,
                speaker=view.model,
                limit=ChatState.limit,
                accepted=ChatState.accepted,
            ),
            rx.cond(view.role == "assistant", _ending(view, status)),
            class_name="said",
        ),
        # Their room is kept while words come, so that the end of an answer moves nothing.
        rx.cond(status == "streaming", rx.el.div(class_name="actions"), _actions(view)),
        rx.cond(view.role == "assistant", RateForm.create(message_id=view.id)),
        custom_attrs={
            "data-role": view.role,
            "data-status": status,
            "data-message-id": view.id,
            "aria-busy": rx.cond(status == "streaming", "true", "false"),
            "aria-label": rx.cond(view.role == "user", t("message.yours"), t("message.by", model=called(view.model))),
        },
        tab_index=-1,
        class_name="message",
        key=view.id,
    )


def _speaker(view: MessageView) -> rx.Component:
    recipe = rx.cond(view.recipe != "", rx.el.span(" · ", view.recipe))
    return rx.el.p(rx.el.b(called(view.model)), recipe, class_name="speaker")


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
        rx.el.b(t(what, model=called(view.model), server=problem.server, used=problem.used, budget=problem.budget)),
        rx.el.p(t(to_do, model=called(view.model), seconds=problem.retry_after_s)),
        rx.el.div(
            rx.cond(
                problem.code.startswith("prompt_too_long"),  # it would be too long again
                rx.fragment(),
                RetryButton.create(at=problem.retry_at, on_retry=ChatState.resume(view.id)),
            ),
            Picker.create(
                label=rx.cond(problem.code.startswith("prompt_too_long"), t("action.fitting"), t("action.try_other")),
                text=rx.cond(problem.code.startswith("prompt_too_long"), t("action.fitting"), t("action.try_other")),
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
        class_name="card",
    )


def _actions(view: MessageView) -> rx.Component:
    return rx.el.div(
        CopyButton.create(message_id=view.id, class_name="quiet icon-only copy"),
        rx.cond(view.role == "assistant", ReadAloud.create(message_id=view.id, class_name="quiet icon-only")),
        rx.cond(
            view.role == "assistant",
            rx.fragment(_again(view), RateButtons.create(message_id=view.id), _menu(view)),
            rx.fragment(
                rx.cond(view.id == ChatState.messages[-1].id, _again(view)),
                EditButton.create(message_id=view.id, class_name="quiet icon-only"),
                rx.el.button(
                    rx.icon("trash-2", size=18, stroke_width=1.75),
                    type="button",
                    title=t("message.delete"),
                    class_name="quiet icon-only",
                    custom_attrs={"aria-label": t("message.delete")},
                    on_click=LibraryState.act_on_message(view.id, "delete"),
                ),
            ),
        ),
        rx.cond(view.branches > 1, _branches(view)),
        rx.cond(view.role == "assistant", Figures.create(message_id=view.id)),
        class_name="actions",
    )


def _again(view: MessageView) -> rx.Component:
    """Also under a question that lost its answer."""
    return Picker.create(
        label=t("action.again"),
        icon="rotate-cw",
        kind="menu",
        items=_again_items(),
        subject=view.id,
        on_pick=lambda how: ChatState.try_again(view.id, how),
    )


def _again_items() -> rx.Var:
    own = [
        {"id": "same", "text": t("again.same")},
        {"id": rx.Var.create(f"hint:{t('again.shorter.hint')}"), "text": t("again.shorter")},
        {"id": "wish", "text": t("again.wish"), "local": "yes"},
    ]
    others = ChatState.models.map(
        lambda model: {"id": "model:" + model["id"], "text": t("again.with", model=model["text"])}
    )
    return rx.Var.create(own).to(list) + others.to(list)


def _menu(view: MessageView) -> rx.Component:
    items = [
        {"id": "edit", "text": t("action.edit"), "local": "yes"},
        {"id": "facts", "text": t("action.details")},
        {"id": rx.Var.create(f"markdown:{t('export.you')}"), "text": t("library.markdown")},
        {"id": "delete", "text": t("message.delete")},
    ]
    return Picker.create(
        label=t("action.more"),
        icon="ellipsis",
        kind="menu",
        items=rx.Var.create(items),
        subject=view.id,
        on_pick=lambda action: LibraryState.act_on_message(view.id, action),
    )


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
        rx.cond(view.role == "assistant", BesideButton.create(question=view.question, on_show=ChatState.show_beside)),
        class_name="branches",
    )


def _button(label: rx.Var[str], on_click: rx.event.EventType) -> rx.Component:
    return rx.el.button(label, type="button", class_name="quiet", on_click=on_click)
