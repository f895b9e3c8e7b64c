"""How an answer comes about: the prompt from its branch, the gateway, and afterwards the conversation's title."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

import structlog

from chat_app.conversations.prompt import build_prompt, spoken
from chat_app.conversations.titles import title_from_model
from chat_app.conversations.turns import Running
from chat_app.errors import ChatError, PromptTooLong
from chat_app.events import Event, Start
from chat_app.gateway.caller import Caller
from chat_app.gateway.gateway import Gateway
from chat_app.messages import Json, Message, text_of
from chat_app.parameters import most_tokens as most_tokens_of
from chat_app.store.conversations import ConversationStore
from chat_app.store.messages import MessageStore
from chat_app.store.records import NOTHING, Asked, Settlement

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered.

    `branch` is what was said before, newest first, where it need not be read. `hint` is a wish for this answer only;
    `is_again` says that another answer is wanted than the one there may be.
    """

    model: str
    asked: Asked = NOTHING
    hint: str = ""
    branch: Sequence[Message] | None = None
    is_again: bool = False


class Answering:
    """Asks.

    Args:
        conversations: The library.
        messages: The messages.
        gateway: The door to the models.
        announce: Tells a person's pages that something changed.
        prompt_messages: Most messages that are read for a prompt.
        reply_reserve_tokens: Part of the context kept free for an answer of which nobody says how long it may be.
        title_tokens: Most tokens for a title, thoughts included.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        messages: MessageStore,
        gateway: Gateway,
        announce: Callable[[str], None],
        *,
        prompt_messages: int,
        reply_reserve_tokens: int,
        title_tokens: int,
    ) -> None:
        self._library, self._messages = conversations, messages
        self._gateway, self._announce = gateway, announce
        self._prompt_messages = prompt_messages
        self._reserve, self._title_tokens = reply_reserve_tokens, title_tokens

    async def events(self, running: Running, question: Question) -> AsyncGenerator[Event]:
        """Build the prompt from the branch, newest first, and ask the gateway.

        Raises:
            ModelError: The answer failed.
        """
        model, asked, hint = question.model, question.asked, question.hint
        route = await self._gateway.route(model)
        heard = text_of(running.reply.parts)
        branch, unread = question.branch, 0
        if branch is None:
            branch, unread = await self._branch(running, is_begun=bool(heard))
        if hint:
            running.notes["hint"] = hint
        most_tokens: int | None = None
        caller = Caller(
            running.user_id, address=running.address, affinity=running.turn.conversation_id, on_used=running.bill.add,
            cache_s=0 if question.is_again else None,
        )  # fmt: skip
        while True:
            prompt = build_prompt(
                model=model,
                newest_first=branch,
                context_tokens=route.card.context_tokens,
                reserve_tokens=most_tokens_of(asked.parameters) or self._reserve,
                most_tokens=most_tokens,
                system=asked.system,
                hint=hint,
                parameters=asked.parameters,
                continue_final=bool(heard),
            )
            running.notes |= {
                "estimated_input_tokens": prompt.estimated_tokens,
                "messages_left_out": prompt.left_out + unread,
            }
            try:
                async with aclosing(self._gateway.stream(prompt.request, caller)) as events:
                    async for event in events:
                        if isinstance(event, Start):
                            _note(running.notes, event, model, len(heard))
                        yield event
            except PromptTooLong:  # the server counts more than was estimated, or its context was not known
                if prompt.is_shortest:
                    raise
                most_tokens = prompt.estimated_tokens * 3 // 4
                caller = replace(caller, is_counted=False)
            else:
                return

    async def _branch(self, running: Running, *, is_begun: bool) -> tuple[list[Message], int]:
        """(what was said before, newest first, how many messages of it were not read)."""
        leaf = running.turn.reply_id if is_begun else running.turn.question_id
        history = await self._messages.history(running.user_id, leaf, self._prompt_messages)
        unread = 0
        if len(history) == self._prompt_messages:
            unread = await self._messages.depth(running.user_id, leaf) - len(history)
        return [Message(m.role, spoken(m.parts)) for m in history if text_of(m.parts)], unread

    async def entitle(self, running: Running, settlement: Settlement, model: str) -> None:
        """After the first complete answer, one title by the model; when that fails the question's words stay."""
        if settlement.status != "complete":
            return
        user_id, conversation_id = running.user_id, settlement.conversation_id
        try:
            conversation = await self._library.get(user_id, conversation_id)
            said = await self._messages.page(user_id, conversation.leaf_message_id or "", 3)
            if conversation.title_source != "question" or len(said) != 2:
                return
            card = self._gateway.catalogue.resolve(model).card
            if not card.is_language_model:
                return
            question = await self._text(user_id, said[0].id)
            answer = text_of(settlement.parts)
            most_tokens = min(self._title_tokens, (card.context_tokens or 8192) // 4)
            caller = Caller(user_id, affinity=conversation_id, purpose="title", is_counted=False)
            ask = partial(self._gateway.stream, caller=caller)
            title = await title_from_model(ask, model, question, answer, most_tokens)
            if title:
                await self._library.rename(user_id, conversation_id, title, source="model")
                self._announce(user_id)
        except ChatError as error:
            log.info("title.kept", conversation_id=conversation_id, code=error.code)

    async def _text(self, user_id: str, message_id: str) -> str:
        found = await self._messages.history(user_id, message_id, 1)
        return text_of(found[0].parts) if found else ""


def _note(notes: dict[str, Json], start: Start, asked: str, at: int) -> None:
    """What the details say beside what was sent: where an answer went on, who was asked, what went otherwise."""
    if start.seam:
        noted = notes.get("seams")
        seams = noted if isinstance(noted, list) else []
        # A try that added nothing leaves no seam of its own.
        earlier = [seam for seam in seams if not (isinstance(seam, dict) and seam.get("at") == at)]
        notes["seams"] = [*earlier, {"at": at, "how": start.seam}]
    if start.model:
        notes["asked"] = asked
