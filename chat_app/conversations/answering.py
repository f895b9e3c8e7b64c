"""How an answer comes about: the prompt from its branch, the gateway, and afterwards the conversation's title."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial

import msgspec
import structlog

from chat_app.conversations.attachments import Attachments, words_of
from chat_app.conversations.merging import merging
from chat_app.conversations.prompt import Prompt, build_prompt, spoken
from chat_app.conversations.retrieval import NOTHING_GIVEN, Retrieval, Retrieved, sources_in
from chat_app.conversations.titles import title_from_model
from chat_app.conversations.turns import Running
from chat_app.errors import ChatError, ModelFailed, NotFound, PromptTooLong
from chat_app.events import Event, Sources, Start
from chat_app.gateway.caller import Caller
from chat_app.gateway.estimate import estimate_message, estimate_tokens
from chat_app.gateway.gateway import Gateway
from chat_app.gateway.media import weighed
from chat_app.messages import Json, Message, ModelCard, text_of
from chat_app.parameters import most_tokens as most_tokens_of
from chat_app.providers.passages import MOST_QUOTED
from chat_app.store.conversations import ConversationStore
from chat_app.store.messages import MessageStore
from chat_app.store.records import NOTHING, Asked, Settlement

_LEAST_MERGED = 2
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be answered.

    `branch` is what was said before, newest first, where it need not be read. `hint` is a wish for this answer only;
    `is_again` says that another answer is wanted than the one there may be. `merges` are the ids of answers to the same
    question of which one is to be made.
    """

    model: str
    asked: Asked = NOTHING
    hint: str = ""
    branch: Sequence[Message] | None = None
    is_again: bool = False
    merges: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    """What a model is asked with: as much of it as fits.

    `unread` is how many messages were not read of the branch, and `most_tokens` what is left of it at most. One that
    `is_silent` has no room even for why there are no passages.
    """

    card: ModelCard
    branch: Sequence[Message]
    unread: int
    retrieved: Retrieved
    drafts: str = ""
    most_tokens: int | None = None
    is_silent: bool = False

    @property
    def is_told(self) -> bool:
        """Whether a model is told passages; the built-in one names those that it quotes by itself."""
        return bool(self.retrieved.sources) and not self.card.is_built_in

    def shorten(self, prompt: Prompt | None) -> bool:
        """Ask with less than in a prompt that was too long, None the shortest; whether anything can be left out."""
        if prompt is not None and not prompt.is_shortest:
            self.most_tokens = prompt.estimated_tokens * 3 // 4
        elif self.retrieved.sources:
            self.retrieved = self.retrieved.best(len(self.retrieved.sources) // 2)
        elif self.retrieved.given and not self.is_silent:
            self.is_silent = True
        else:
            return False
        return True


class Answering:
    """Asks.

    Args:
        conversations: The library.
        messages: The messages.
        gateway: The door to the models.
        announce: Tells a person's pages that something changed.
        attachments: The files.
        retrieval: Finds passages in documents.
        prompt_messages: Most messages that are read for a prompt.
        reply_reserve_tokens: Part of the context kept free for an answer of which nobody says how long it may be.
        title_tokens: Most tokens for a title, thoughts included.
        document_tokens: Most tokens of passages from documents that go with a question.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        messages: MessageStore,
        gateway: Gateway,
        announce: Callable[[str], None],
        attachments: Attachments,
        retrieval: Retrieval,
        *,
        prompt_messages: int,
        reply_reserve_tokens: int,
        title_tokens: int,
        document_tokens: int,
    ) -> None:
        self._library, self._messages = conversations, messages
        self._gateway, self._announce, self._attachments = gateway, announce, attachments
        self._prompt_messages = prompt_messages
        self._reserve, self._title_tokens = reply_reserve_tokens, title_tokens
        self._retrieval, self._document_tokens = retrieval, document_tokens

    async def events(self, running: Running, question: Question) -> AsyncGenerator[Event]:
        """Build the prompt from the branch, newest first, and ask the gateway.

        Raises:
            ModelError: The answer failed.
        """
        plan = await self._plan(running, question)
        heard = len(text_of(running.reply.parts))
        caller = Caller(
            running.user_id, address=running.address, affinity=running.turn.conversation_id, on_used=running.bill.add,
            cache_s=0 if question.is_again else None,
        )  # fmt: skip
        while True:
            prompt: Prompt | None = None
            try:
                prompt = self._prompt(running, question, plan)
                async with aclosing(self._gateway.stream(prompt.request, caller)) as events:
                    async for event in events:
                        if isinstance(event, Start):
                            _note(running.notes, event, question.model, heard)
                        elif plan.is_told and not sources_in(running.reply.parts):
                            yield Sources(plan.retrieved.sources)  # not sooner: what was too long is asked with fewer
                        yield event
            except PromptTooLong:  # the server counts more than was estimated, its context was not known, or we do
                if not plan.shorten(prompt):
                    raise
                caller = replace(caller, is_counted=False)
            else:
                return

    async def _plan(self, running: Running, question: Question) -> _Plan:
        """What there is to ask with. An answer that goes on stands on what it stood on before."""
        route = await self._gateway.route(question.model)
        branch, unread = question.branch, 0
        if branch is None:
            branch, unread = await self._branch(running, is_begun=bool(text_of(running.reply.parts)))
        given, is_built_in = question.asked.documents, route.card.is_built_in
        retrieved = NOTHING_GIVEN
        if known := sources_in(running.reply.parts):
            retrieved = Retrieved(known, given=given, documents=len(given), found=len(known))
        elif given:
            retrieved = await self._retrieval.passages(running.user_id, given, branch)
        elif is_built_in:
            retrieved = await self._retrieval.recalled(running.user_id, running.turn.conversation_id, branch)
        branch = weighed(await self._attachments.for_models(running.user_id, branch), route.deployments)
        if is_built_in:
            retrieved = retrieved.best(MOST_QUOTED)
        else:
            retrieved = retrieved.within(self._room(route.card.context_tokens, question.asked, branch))
        if question.merges and is_built_in:
            raise ModelFailed("A search makes no answer of others.")
        drafts = await self._drafts(running.user_id, question.merges)
        return _Plan(route.card, branch, unread, retrieved, drafts)

    async def _drafts(self, user_id: str, message_ids: Sequence[str]) -> str:
        """What is said of the answers to merge, as long as there are two: what was deleted meanwhile is not told.

        Raises:
            ModelFailed: There are not.
        """
        if not message_ids:
            return ""
        answers = list[tuple[str, str]]()
        for message_id in message_ids:
            with suppress(NotFound):
                await self._messages.shown(user_id, message_id)
                [message] = await self._messages.history(user_id, message_id, 1)
                answers.append((message.model, text_of(message.parts)))
        if len(answers) < _LEAST_MERGED:
            raise ModelFailed("The answers that this was to be made of are not there any more.")
        return merging(answers)

    def _room(self, context_tokens: int | None, asked: Asked, newest_first: Sequence[Message]) -> int:
        """Tokens for passages: half of what the question leaves at most, since what was said before has the other."""
        if context_tokens is None:
            return self._document_tokens
        reserved = min(most_tokens_of(asked.parameters) or self._reserve, context_tokens // 2)
        said = estimate_tokens(asked.system) + sum(map(estimate_message, newest_first[:1]))
        return min(self._document_tokens, (context_tokens - reserved - said) // 2)

    def _prompt(self, running: Running, question: Question, plan: _Plan) -> Prompt:
        asked, is_built_in = question.asked, plan.card.is_built_in
        prompt = build_prompt(
            model=question.model,
            newest_first=plan.branch,
            context_tokens=plan.card.context_tokens,
            reserve_tokens=most_tokens_of(asked.parameters) or self._reserve,
            most_tokens=plan.most_tokens,
            system=asked.system,
            hint=question.hint,
            context="" if is_built_in or plan.is_silent else plan.retrieved.context,
            drafts=plan.drafts,
            parameters=asked.parameters,
            continue_final=bool(text_of(running.reply.parts)),
        )
        running.notes |= {"hint": question.hint} if question.hint else {}
        if plan.retrieved.hits or plan.retrieved.given:
            running.notes["retrieved"] = plan.retrieved.note
        running.notes |= {
            "estimated_input_tokens": prompt.estimated_tokens,
            "messages_left_out": prompt.left_out + plan.unread,
        }
        if is_built_in:
            quoted = msgspec.structs.replace(
                prompt.request,
                passages=plan.retrieved.sources,
                is_grounded=bool(asked.documents or sources_in(running.reply.parts)),
            )
            prompt = replace(prompt, request=quoted)
        return prompt

    async def _branch(self, running: Running, *, is_begun: bool) -> tuple[list[Message], int]:
        """(what was said before, newest first, how many messages of it were not read)."""
        leaf = running.turn.reply_id if is_begun else running.turn.question_id
        history = await self._messages.history(running.user_id, leaf, self._prompt_messages)
        unread = 0
        if len(history) == self._prompt_messages:
            unread = await self._messages.depth(running.user_id, leaf) - len(history)
        return [Message(m.role, spoken(m.parts)) for m in history if spoken(m.parts)], unread

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
        return words_of(found[0].parts) if found else ""


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
    if start.files:
        notes["files"] = [msgspec.to_builtins(file) for file in start.files]
