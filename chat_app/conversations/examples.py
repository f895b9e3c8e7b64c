"""What people said, liked, corrected or preferred, as examples to train models with: lines of JSON in two formats."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

from chat_app.conversations.attachments import words_of
from chat_app.conversations.redaction import Secret, redacted
from chat_app.errors import NotFound
from chat_app.messages import Json, text_of
from chat_app.store.conversations import ConversationStore
from chat_app.store.feedback import Event, FeedbackStore
from chat_app.store.messages import MessageStore
from chat_app.store.records import Details, StoredMessage

What: TypeAlias = Literal["answers", "preferences", "conversations"]
Format: TypeAlias = Literal["chat", "alpaca"]
WHATS: tuple[What, ...] = get_args(What)
"""Answers that were liked or corrected; pairs of one that was corrected or preferred, and what it is better than; or
every conversation, on the branch in view."""
FORMATS: tuple[Format, ...] = get_args(Format)
"""How they are written."""
_WHOLE_BRANCH = 1_000_000
_WHOLE = ("assistant", "complete", True)


@dataclass(frozen=True, slots=True)
class Example:
    """An answer with the questions and answers before it, the last question without one, and what it is better than."""

    system: str
    said: tuple[tuple[str, str], ...]
    chosen: str
    rejected: str = ""

    def without(self, secrets: Collection[Secret]) -> Example:
        """The same, but for what tells who somebody is."""
        said = tuple((redacted(question, secrets), redacted(answer, secrets)) for question, answer in self.said)
        system, chosen, rejected = (redacted(each, secrets) for each in (self.system, self.chosen, self.rejected))
        return Example(system, said, chosen, rejected)


class Examples:
    """Makes them of a person's conversations and feedback."""

    def __init__(self, feedback: FeedbackStore, messages: MessageStore, library: ConversationStore) -> None:
        self._feedback, self._messages, self._library = feedback, messages, library

    async def lines(
        self, user_id: str, what: What, form: Format, secrets: Collection[Secret]
    ) -> AsyncGenerator[dict[str, Json]]:
        """The lines of a file, the oldest first.

        Args:
            user_id: Whose.
            what: Which.
            form: How they are written.
            secrets: What is taken out of all texts.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        async with aclosing(self._found(user_id, what)) as found:
            async for example in found:
                yield await _written(example, form, secrets)

    async def preview(
        self, user_id: str, what: What, form: Format, secrets: Collection[Secret], most: int
    ) -> tuple[int, list[dict[str, Json]]]:
        """(how many lines a file would have, the first of them): of the others nothing need be taken out.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        count, shown = 0, list[dict[str, Json]]()
        async with aclosing(self._found(user_id, what)) as found:
            async for example in found:
                count += 1
                if len(shown) < most:
                    shown.append(await _written(example, form, secrets))
        return count, shown

    def _found(self, user_id: str, what: What) -> AsyncGenerator[Example]:
        return self._conversations(user_id) if what == "conversations" else self._judged(user_id, what)

    async def _conversations(self, user_id: str) -> AsyncGenerator[Example]:
        """Each up to the last answer that is whole and has words."""
        for leaf_id in await self._library.leaves(user_id):
            history = await self._messages.history(user_id, leaf_id, _WHOLE_BRANCH)
            while history and (history[0].role, history[0].status, bool(_words(history))) != _WHOLE:
                history = history[1:]
            if (said := _turns(history[1:])) and (details := await self._details(user_id, history[0].id)):
                yield Example(details.asked.system, said, _words(history))

    async def _details(self, user_id: str, message_id: str) -> Details | None:
        """None where it was deleted meanwhile."""
        with suppress(NotFound):
            return await self._messages.details(user_id, message_id)
        return None

    async def _judged(self, user_id: str, what: What) -> AsyncGenerator[Example]:
        events = await self._feedback.events(user_id)
        disliked = {event.message_id for event in events if event.kind == "down"}
        seen = set[tuple[str, str]]()
        for event in events:
            for pair in _pairs(event, what):
                if pair[0] in disliked or pair in seen:
                    continue
                seen.add(pair)
                if (example := await self._example(user_id, event.system, *pair)) is not None:
                    yield example

    async def _example(self, user_id: str, system: str, chosen_id: str, rejected_id: str) -> Example | None:
        """None where an answer has no words or was deleted meanwhile, or nothing was asked in words."""
        history = await self._messages.history(user_id, chosen_id, _WHOLE_BRANCH)
        rejected = await self._messages.history(user_id, rejected_id, 1) if rejected_id else []
        said, words, worse = _turns(history[1:]), _words(history), _words(rejected)
        if not words or not said or bool(rejected_id) != bool(worse) or words == worse:
            return None
        return Example(system, said, words, worse)


async def _written(example: Example, form: Format, secrets: Collection[Secret]) -> dict[str, Json]:
    return _WRITERS[form](await asyncio.to_thread(example.without, secrets))  # much text takes seconds


def _words(newest_first: Sequence[StoredMessage]) -> str:
    """What the last message says."""
    return text_of(newest_first[0].parts) if newest_first else ""


def _turns(newest_first: Sequence[StoredMessage]) -> tuple[tuple[str, str], ...]:
    """What was asked and answered, oldest first, the last without an answer; none where nothing was asked last.

    A question that was answered with no words, as where a model failed, is left out with them.
    """
    words = [(each.role, words_of(each.parts)) for each in reversed(newest_first)]
    if not words or words[-1][0] != "user" or not words[-1][1]:
        return ()
    pairs = [
        (question, answer)
        for (asks, question), (answers, answer) in pairwise(words)
        if (asks, answers) == ("user", "assistant") and question and answer
    ]
    return (*pairs, (words[-1][1], ""))


def _pairs(event: Event, what: What) -> list[tuple[str, str]]:
    """The answers of an event, each with what it is better than."""
    match event.kind, what:
        case "edit", "answers":
            return [(version, "") for version in event.others]
        case "edit", "preferences":
            return [(version, event.message_id) for version in event.others]
        case (("up" | "prefer"), "answers"):
            return [(event.message_id, "")]
        case "prefer", "preferences":
            return [(event.message_id, other) for other in event.others]
        case _:
            return []


def _chat(example: Example) -> dict[str, Json]:
    """As OpenAI's fine-tuning and TRL read it: messages; a preference has its prompt by itself."""
    prompt: list[Json] = [{"role": "system", "content": example.system}] if example.system else []
    for question, answer in example.said:
        prompt.append({"role": "user", "content": question})
        if answer:
            prompt.append({"role": "assistant", "content": answer})
    chosen: Json = {"role": "assistant", "content": example.chosen}
    if not example.rejected:
        return {"messages": [*prompt, chosen]}
    return {"prompt": prompt, "chosen": [chosen], "rejected": [{"role": "assistant", "content": example.rejected}]}


def _alpaca(example: Example) -> dict[str, Json]:
    """As Stanford's Alpaca has it, with a system prompt and a history as LLaMA-Factory reads them."""
    *before, (question, _) = example.said
    head: dict[str, Json] = {"instruction": question, "input": ""}
    tail: dict[str, Json] = {"system": example.system, "history": [list(each) for each in before]}
    if not example.rejected:
        return head | {"output": example.chosen} | tail
    return head | {"chosen": example.chosen, "rejected": example.rejected} | tail


_WRITERS: dict[Format, Callable[[Example], dict[str, Json]]] = {"chat": _chat, "alpaca": _alpaca}
