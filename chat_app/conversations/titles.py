"""Titles: the question's first words at once, one by the model after the first answer, a person's own for good."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from chat_app.events import Event, TextDelta
from chat_app.messages import ChatRequest, Message, TextPart, storable

_FROM_QUESTION_CHARS = 48
_MOST_WORDS, _MOST_HAN = 6, 16
_ENOUGH_CHARS = 400
_EXCERPT_CHARS = 1000
_HAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKUP = re.compile(r"[*_`#>\[\]\"“”«»「」『』]")
_ASK = (
    "Give this conversation a title of at most six words, or sixteen characters in Chinese, in the language of the "
    "question. Answer with the title alone, without quotation marks or a full stop.\n\nQuestion: {question}\n\n"
    "Answer: {answer}"
)


def title_from_question(text: str) -> str:
    """The question's first 48 characters, on one line, cut at a word where there is one."""
    line = " ".join(text.split())
    if len(line) <= _FROM_QUESTION_CHARS:
        return line
    cut = line[:_FROM_QUESTION_CHARS]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > _FROM_QUESTION_CHARS // 2 else cut).rstrip(" ,;:，；：、") + "…"


def tidy_title(text: str) -> str:
    """A model's answer as a title: its first line, without markup, at most six words or sixteen Han characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    line = _MARKUP.sub("", lines[0]).strip().removeprefix("Title:").strip().rstrip(".。!！")
    if len(_HAN.findall(line)) * 2 > len(line):
        return line[:_MOST_HAN]
    return " ".join(line.split()[:_MOST_WORDS])[:_FROM_QUESTION_CHARS]


async def title_from_model(
    stream: Callable[[ChatRequest], AsyncGenerator[Event]], model: str, question: str, answer: str, most_tokens: int
) -> str:
    """Ask a model for a title.

    Args:
        stream: The gateway's.
        model: The model that answered.
        question: The first question.
        answer: Its answer.
        most_tokens: What it may take, its thoughts included; a title has a few, but some models think first.

    Returns:
        The title, empty when the model said nothing usable.

    Raises:
        ModelError: The model failed.
    """
    ask = _ASK.format(question=question[:_EXCERPT_CHARS], answer=answer[:_EXCERPT_CHARS])
    request = ChatRequest(model, (Message("user", (TextPart(ask),)),), {"temperature": 0, "max_tokens": most_tokens})
    text = ""
    async with aclosing(stream(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                text += event.text
            if len(text) > _ENOUGH_CHARS or "\n" in text.strip():
                break  # it says more than it was asked for
    return tidy_title(storable(text))
