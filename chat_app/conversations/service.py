"""What a page can ask of conversations. It knows people, words and models, and nothing of pages or SQL."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial

import structlog

from chat_app.conversations.generations import Generations
from chat_app.conversations.prompt import build_prompt, spoken
from chat_app.conversations.titles import title_from_model, title_from_question
from chat_app.conversations.turns import Bill, Earlier, Running
from chat_app.errors import BadRequest, ChatError, MessageTooLong, NotFound, PromptTooLong
from chat_app.events import Event, Reply, Start
from chat_app.gateway.caller import Caller
from chat_app.gateway.gateway import Gateway
from chat_app.messages import Json, Message, Parts, Principal, ReasoningPart, TextPart, storable, text_of
from chat_app.store.conversations import ConversationStore
from chat_app.store.messages import MessageStore
from chat_app.store.records import ConversationRecord, Details, MessageRecord, NewTurn, Settlement, Turn

log = structlog.get_logger(__name__)
PAGE = 50
_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a branch, oldest first. `has_more` says that older messages precede it."""

    conversation: ConversationRecord
    messages: list[MessageRecord]
    has_more: bool


class ConversationService:
    """Use cases.

    Args:
        conversations: The library.
        messages: The messages.
        generations: Replies in progress.
        gateway: The door to the models.
        max_message_chars: Longest message.
        prompt_messages: Most messages that are read for a prompt.
        reply_reserve_tokens: Part of the context kept free for an answer.
        title_tokens: Most tokens for a title, thoughts included.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        messages: MessageStore,
        generations: Generations,
        gateway: Gateway,
        *,
        max_message_chars: int,
        prompt_messages: int,
        reply_reserve_tokens: int,
        title_tokens: int,
    ) -> None:
        self.library = conversations
        self.messages = messages
        self._generations = generations
        self._gateway = gateway
        self._max_message_chars = max_message_chars
        self._prompt_messages = prompt_messages
        self._reserve, self._title_tokens = reply_reserve_tokens, title_tokens

    async def open(self, who: Principal, conversation_id: str, *, before: str | None = None, limit: int = PAGE) -> Page:
        """A page of the branch in view.

        Args:
            who: Who asks.
            conversation_id: Which.
            before: The oldest message seen so far; None begins at the end.
            limit: How many messages.

        Raises:
            NotFound: No such conversation, or someone else's.
        """
        conversation = await self.library.get(who.user_id, conversation_id)
        leaf, wanted = before or conversation.leaf_message_id, limit + 1
        if leaf is None:
            return Page(conversation, [], False)
        found = await self.messages.page(who.user_id, leaf, wanted + (before is not None))
        if found and found[0].conversation_id != conversation_id:
            raise NotFound("There is no such message here.")
        if before is not None:
            found = found[:-1]
        return Page(conversation, found[-limit:], len(found) > limit)

    async def send(
        self, who: Principal, *, text: str, model: str, key: str, conversation_id: str | None = None
    ) -> Turn:
        """Store a question and let its answer run. The same key gives the same turn, and one answer.

        Raises:
            BadRequest: The text is blank, or too long.
            NotFound: No such conversation, or someone else's.
            StoreUnavailable: Nothing was stored; the caller keeps the text.
        """
        text = self._checked(text)
        leaf = None
        if conversation_id is not None:
            leaf = (await self.library.get(who.user_id, conversation_id)).leaf_message_id
        return await self._ask(who, text, model, key, conversation_id, leaf)

    async def edit(self, who: Principal, message_id: str, *, text: str, model: str, key: str) -> Turn:
        """Put other words beside a message's: a question is asked anew, an answer is what the model goes on from.

        Returns:
            The new turn; for an answer the old question with the version, for which nothing runs.

        Raises:
            BadRequest: The text is blank or too long.
            NotFound: No such message, or someone else's.
        """
        text = self._checked(text)
        old = await self.messages.shown(who.user_id, message_id)
        if old.role == "assistant":
            version_id = await self.messages.add_version(who.user_id, message_id, (TextPart(text),), key)
            self._generations.announce(who.user_id)
            return Turn(old.conversation_id, old.parent_id or "", version_id, "", False)
        return await self._ask(who, text, model, key, old.conversation_id, old.parent_id)

    async def regenerate(self, who: Principal, message_id: str, *, model: str, key: str, hint: str = "") -> Turn:
        """Answer a question once more, beside the answers it has.

        Args:
            who: Who asks.
            message_id: The question, or one of its answers.
            model: Who is to answer.
            key: The idempotency key of this request.
            hint: A wish for this answer only, such as "shorter".

        Raises:
            BadRequest: It is neither, or the wish is too long.
            NotFound: No such message, or someone else's.
        """
        if hint:
            hint = self._checked(hint)
        old = await self.messages.shown(who.user_id, message_id)
        question_id = old.id if old.role == "user" else old.parent_id
        if question_id is None:
            raise BadRequest("There is no question to answer here.")
        turn = await self.messages.add_reply(who.user_id, question_id, model, key)
        if turn.is_new:
            self._start(who, turn, model, hint=hint, is_again=True)
        return turn

    async def resume(self, who: Principal, message_id: str) -> Turn:
        """Let a broken-off answer go on: the same message grows.

        Raises:
            NotFound: No such message, or someone else's.
            Conflict: It is running, or complete.
        """
        await self.messages.shown(who.user_id, message_id)
        details = await self.messages.details(who.user_id, message_id)
        turn = await self.messages.reopen(who.user_id, message_id)
        stored = (await self.messages.history(who.user_id, message_id, 1))[0]
        self._start(
            who,
            turn,
            details.model,
            hint=str(details.notes.get("hint", "")),
            reply=Reply(_base(stored.parts)),
            earlier=Earlier(details.usage, details.first_token_ms, details.duration_ms) if stored.parts else None,
            bill=_bill(details),
            is_again=True,
            notes=dict(details.notes),
        )
        return turn

    async def stop(self, who: Principal, message_id: str) -> None:
        """Stop a running answer, from any tab and on any worker.

        Raises:
            NotFound: No such message, or someone else's.
        """
        await self.messages.record(who.user_id, message_id)
        self._generations.stop(message_id)

    async def select_branch(self, who: Principal, message_id: str) -> str:
        """Bring the branch of a message into view; see `MessageStore.select_branch`."""
        await self.messages.shown(who.user_id, message_id)
        return await self.messages.select_branch(who.user_id, message_id)

    async def delete(self, who: Principal, message_id: str) -> str:
        """Delete a message with all that follows it; a conversation that would be empty goes as a whole.

        Returns:
            The id of the conversation, where it went, or else the message's own: what `restore` takes.

        Raises:
            NotFound: No such message, or someone else's.
        """
        record = await self.messages.record(who.user_id, message_id)
        for running_id in await self.messages.running(who.user_id):
            if await self.messages.is_on_path(who.user_id, message_id, running_id):
                self._generations.stop(running_id)
        if record.parent_id is None and record.siblings == (message_id,):
            await self.delete_conversation(who, record.conversation_id)
            return record.conversation_id
        await self.messages.set_deleted(who.user_id, message_id, deleted=True)
        return message_id

    async def delete_conversation(self, who: Principal, conversation_id: str) -> None:
        """Delete a conversation, and stop what runs in it: nobody would read it, and it costs.

        Raises:
            NotFound: No such conversation, or someone else's.
        """
        await self.library.set_deleted(who.user_id, conversation_id, deleted=True)
        for running_id, where in (await self.messages.running(who.user_id)).items():
            if where == conversation_id:
                self._generations.stop(running_id)

    async def delete_everything(self, who: Principal) -> None:
        """Delete all that a person has, for good, and stop what runs."""
        for running_id in await self.messages.running(who.user_id):
            self._generations.stop(running_id)
        await self.library.delete_everything(who.user_id)

    async def restore(self, who: Principal, message_id: str) -> None:
        """Bring a deleted message back, with all that follows it.

        Raises:
            NotFound: No such message, or someone else's.
        """
        await self.messages.set_deleted(who.user_id, message_id, deleted=False)

    async def rename(self, who: Principal, conversation_id: str, title: str) -> None:
        """Give a conversation a person's own title.

        Raises:
            BadRequest: It is blank.
            NotFound: No such conversation, or someone else's.
        """
        title = storable(" ".join(title.split()))[:_TITLE_CHARS]
        if not title:
            raise BadRequest("A title needs at least one character.")
        if not await self.library.rename(who.user_id, conversation_id, title, source="person"):
            raise NotFound("There is no such conversation here.")

    def _checked(self, text: str) -> str:
        if not text.strip():
            raise BadRequest("The message is empty.")
        if len(text) > self._max_message_chars:
            raise MessageTooLong(f"A message may have {self._max_message_chars:,} characters; this has {len(text):,}.")
        return storable(text)

    async def _ask(
        self,
        who: Principal,
        text: str,
        model: str,
        key: str,
        conversation_id: str | None,
        parent_id: str | None,
    ) -> Turn:
        new = NewTurn((TextPart(text),), model, key, title_from_question(text), conversation_id, parent_id)
        turn = await self.messages.add_turn(who.user_id, new)
        if turn.is_new:
            # Nothing stands before a first question, so that its branch need not be read.
            self._start(who, turn, model, branch=[Message("user", new.parts)] if parent_id is None else None)
        return turn

    def _start(
        self,
        who: Principal,
        turn: Turn,
        model: str,
        *,
        hint: str = "",
        branch: Sequence[Message] | None = None,
        reply: Reply | None = None,
        earlier: Earlier | None = None,
        bill: Bill | None = None,
        notes: dict[str, Json] | None = None,
        is_again: bool = False,
    ) -> None:
        running = Running(
            who.user_id, turn, reply or Reply(), notes or {},
            address=who.address, earlier=earlier, bill=bill or Bill(),
        )  # fmt: skip
        self._generations.start(
            running,
            lambda running: self._answer(running, model, hint, branch, is_again=is_again),
            lambda running, settlement: self._entitle(running, settlement, model),
        )

    async def _answer(
        self, running: Running, model: str, hint: str, branch: Sequence[Message] | None, *, is_again: bool
    ) -> AsyncGenerator[Event]:
        """Build the prompt from the branch, newest first, and ask the gateway."""
        route = await self._gateway.route(model)
        heard = text_of(running.reply.parts)
        unread = 0
        if branch is None:
            leaf = running.turn.reply_id if heard else running.turn.question_id
            history = await self.messages.history(running.user_id, leaf, self._prompt_messages)
            branch = [Message(m.role, spoken(m.parts)) for m in history if text_of(m.parts)]
            if len(history) == self._prompt_messages:
                unread = await self.messages.depth(running.user_id, leaf) - len(history)
        if hint:
            running.notes["hint"] = hint
        most_tokens: int | None = None
        caller = Caller(
            running.user_id, address=running.address, affinity=running.turn.conversation_id, on_used=running.bill.add,
            cache_s=0 if is_again else None,  # whoever asks again wants another answer
        )  # fmt: skip
        while True:
            prompt = build_prompt(
                model=model,
                newest_first=branch,
                context_tokens=route.card.context_tokens,
                reserve_tokens=self._reserve,
                most_tokens=most_tokens,
                hint=hint,
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

    async def _entitle(self, running: Running, settlement: Settlement, model: str) -> None:
        """After the first complete answer, one title by the model; when that fails the question's words stay."""
        if settlement.status != "complete":
            return
        who, conversation_id = Principal(running.user_id), settlement.conversation_id
        try:
            page = await self.open(who, conversation_id, limit=3)
            if page.conversation.title_source != "question" or len(page.messages) != 2:
                return
            card = self._gateway.catalogue.resolve(model).card
            if not card.is_language_model:
                return
            question = await self._text(running.user_id, page.messages[0].id)
            answer = text_of(settlement.parts)
            most_tokens = min(self._title_tokens, (card.context_tokens or 8192) // 4)
            caller = Caller(running.user_id, affinity=conversation_id, purpose="title", is_counted=False)
            ask = partial(self._gateway.stream, caller=caller)
            title = await title_from_model(ask, model, question, answer, most_tokens)
            if title:
                await self.library.rename(running.user_id, conversation_id, title, source="model")
                self._generations.announce(running.user_id)
        except ChatError as error:
            log.info("title.kept", conversation_id=conversation_id, code=error.code)

    async def _text(self, user_id: str, message_id: str) -> str:
        found = await self.messages.history(user_id, message_id, 1)
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


def _bill(details: Details) -> Bill:
    """What the first part of an answer has cost that now goes on."""
    was_counted = details.usage.output_tokens is not None
    return Bill(details.cost_micros, is_unknown=was_counted and details.cost_micros is None)


def _base(parts: Parts) -> Parts:
    """What an answer goes on from: its words. Where none was said it is asked anew, below the thoughts it had."""
    if text_of(parts):
        return parts
    return tuple(ReasoningPart(f"{p.text}\n\n", p.duration_ms) for p in parts if isinstance(p, ReasoningPart))
