"""Passages, the built-in model that needs no key: it quotes what matches a question best.

It says plainly that it is a search. What was found in a person's documents and conversations comes with the request;
the guide, which is everybody's, it searches itself, by a function that is given to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from chat_app.events import Event, Finish, Sources, Start, TextDelta
from chat_app.messages import ChatRequest, Message, Source, Usage, Wire, text_of
from chat_app.parameters import SPEC
from chat_app.providers.base import Offer

KIND = "passages"
MODEL = "Passages"
_PACE_S = 0.01
_HAN = re.compile(r"[\u4e00-\u9fff]")
_WORDS = {
    "en": (
        "I am a search, not a language model: these are the passages that match your words best.",
        "I am a search, not a language model, and nothing matches these words. "
        "Try other words, or choose a model under the message field.",
    ),
    "zh": (
        "我是检索，不是语言模型：以下是与你的问题最匹配的段落。",
        "我是检索，不是语言模型；没有与这些词匹配的内容。请换一种说法，或在输入框下方选择一个模型。",
    ),
}

MOST_QUOTED = 5
Find = Callable[[str], Sequence[Source]]


class PassagesProvider:
    """Answers by quoting.

    Args:
        find: From a question to the best-matching passages, numbered from 1.
    """

    kind = KIND
    server = "chat_app"
    base_url = ""
    vendor = ""
    relays: frozenset[Wire] = frozenset()
    only_streams = False
    refuses = frozenset(SPEC) - {"model", "recipe", "documents"}  # it searches
    has_efforts = True
    takes: frozenset[str] | None = None  # the words of a question are what it searches by

    def __init__(self, find: Find) -> None:
        self._find = find

    async def offers(self) -> list[Offer]:
        """The one model."""
        return [Offer(MODEL)]

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """Quote the passages that match the last question, word by word."""
        question = next((_asked(message) for message in reversed(request.messages) if message.role == "user"), "")
        sources = self._numbered(request, question)
        found, nothing = _WORDS["zh" if _HAN.search(question) else "en"]
        said = request.messages[-1].text if request.continue_final else ""
        yield Start(deployment=MODEL)
        if sources:
            if not said:
                yield Sources(sources)
            quoted = "\n\n".join(f"**{s.title}** [{s.number}]\n\n{s.text}" for s in sources)
            text = f"{found}\n\n{quoted}"
        else:
            text = nothing
        # The guide may have changed since it broke off: then all of it is said again.
        for piece in re.findall(r"\s*\S{1,24}", text.removeprefix(said)):
            yield TextDelta(piece)
            await asyncio.sleep(_PACE_S)
        yield Finish("stop", Usage())

    def _numbered(self, request: ChatRequest, question: str) -> tuple[Source, ...]:
        """What came with the request, and then what the guide says."""
        found = list(request.passages)
        if not request.is_grounded:
            found += self._find(question)
        return tuple(msgspec.structs.replace(each, number=n) for n, each in enumerate(found[:MOST_QUOTED], start=1))

    async def aclose(self) -> None:
        """Nothing is open."""


def _asked(message: Message) -> str:
    """What was asked, without the wish for this answer alone that may follow it as a part of its own."""
    return text_of(message.parts[:1])
