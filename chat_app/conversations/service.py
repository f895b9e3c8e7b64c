"""What a page can ask of conversations. It knows people, words and models, and nothing of pages or SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chat_app.conversations.answering import Answering, Question
from chat_app.conversations.attachments import Attached, Attachments, attached_to, words_of
from chat_app.conversations.changes import NO_CHANGE, Change
from chat_app.conversations.generations import Generations
from chat_app.conversations.layers import NOWHERE, Layers, Place
from chat_app.conversations.merging import merged_in
from chat_app.conversations.retrieval import given_in
from chat_app.conversations.titles import title_from_question
from chat_app.conversations.turns import Bill, Earlier, Running
from chat_app.errors import BadRequest, MessageTooLong, NotFound, RecipeGone
from chat_app.events import Reply
from chat_app.messages import Json, Message, Parts, Principal, ReasoningPart, SourcesPart, TextPart, storable, text_of
from chat_app.store.conversations import ConversationStore
from chat_app.store.messages import MessageStore
from chat_app.store.records import ConversationRecord, Details, MessageRecord, NewTurn, Settlement, Turn

PAGE = 50
_TITLE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a branch, oldest first. `has_more` says that older messages precede it.

    `beside` has by its id each answer that others stand beside, with the latest of all; `side_by_side` are questions.
    """

    conversation: ConversationRecord
    messages: list[MessageRecord]
    has_more: bool
    beside: dict[str, list[MessageRecord]]
    side_by_side: frozenset[str]


class ConversationService:
    """Use cases.

    Args:
        conversations: The library.
        messages: The messages.
        layers: What is asked beside the words.
        generations: Replies in progress.
        answering: Asks the models.
        attachments: The files.
        max_message_chars: Longest message.
    """

    def __init__(
        self,
        conversations: ConversationStore,
        messages: MessageStore,
        layers: Layers,
        generations: Generations,
        answering: Answering,
        attachments: Attachments,
        *,
        max_message_chars: int,
    ) -> None:
        self.library = conversations
        self.messages = messages
        self.layers = layers
        self._generations = generations
        self._answering = answering
        self.attachments = attachments
        self._max_message_chars = max_message_chars

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
            return Page(conversation, [], False, {}, frozenset())
        found = await self.messages.page(who.user_id, leaf, wanted + (before is not None))
        if found and found[0].conversation_id != conversation_id:
            raise NotFound("There is no such message here.")
        found = found if before is None else found[:-1]
        shown = found[-limit:]
        beside = await self.messages.beside(who.user_id, shown)
        is_so = await self.messages.side_by_side(who.user_id, beside)
        return Page(conversation, shown, len(found) > limit, beside, is_so)

    async def last_answer(self, user_id: str, conversation_id: str) -> Details | None:
        """How the answer at the end of the branch in view came about; None where a question stands there, or nothing.

        Raises:
            NotFound: No such conversation, or someone else's.
        """
        leaf = (await self.library.get(user_id, conversation_id)).leaf_message_id
        return None if leaf is None else await self.messages.details(user_id, leaf)

    async def send(
        self,
        who: Principal,
        *,
        text: str,
        model: str,
        key: str,
        conversation_id: str | None = None,
        change: Change = NO_CHANGE,
        place: Place = NOWHERE,
        attached: Sequence[Attached] = (),
    ) -> Turn:
        """Store a question and let its answer run. The same key gives the same turn, and one answer.

        Args:
            who: Who asks.
            text: The question.
            model: Who is to answer.
            key: The idempotency key.
            conversation_id: Where; None begins a conversation.
            change: Of the conversation's own values, from this answer on; those that are none are left out.
            place: Where the person is.
            attached: Files that go with the words, or instead of them.

        Raises:
            BadRequest: Nothing is said, or the text is too long.
            NotFound: No such conversation or file, or someone else's.
            RecipeGone: It is asked by a recipe that is not there any more.
            StoreUnavailable: Nothing was stored; the caller keeps the text.
        """
        parts = await self.said(who, text, attached)
        try:
            prepared = await self.layers.prepare(who.user_id, conversation_id, change, place)
        except RecipeGone:
            if known := await self.messages.known_turn(who.user_id, key):
                return known  # it came before, while the recipe was there
            raise
        new = NewTurn(
            parts, prepared.model or model, key, title_from_question(words_of(parts)), conversation_id,
            prepared.leaf_message_id, prepared.asked, prepared.layer,
        )  # fmt: skip
        return await self.ask(who, new)

    async def edit(
        self,
        who: Principal,
        message_id: str,
        *,
        text: str,
        model: str,
        key: str,
        change: Change = NO_CHANGE,
        attached: Sequence[Attached] | None = None,
    ) -> Turn:
        """Put other words beside a message's: a question is asked anew, an answer is what the model goes on from.

        Without `attached` a question keeps its files.

        Returns:
            The new turn; for an answer the old question with the version, for which nothing runs.

        Raises:
            BadRequest: The text is blank or too long.
            NotFound: No such message, or someone else's.
        """
        old = await self.messages.shown(who.user_id, message_id)
        if old.role == "assistant":
            stored = (await self.messages.history(who.user_id, message_id, 1))[0]
            stands_on = tuple(part for part in stored.parts if isinstance(part, SourcesPart))
            parts = (*stands_on, TextPart(self._checked(text)))
            version_id = await self.messages.add_version(who.user_id, message_id, parts, key)
            self._generations.announce(who.user_id)
            return Turn(old.conversation_id, old.parent_id or "", version_id, "", False)
        prepared = await self.layers.prepare(who.user_id, old.conversation_id, change)
        if attached is None:
            stored = await self.messages.history(who.user_id, message_id, 1)
            attached = await self.attachments.left(who.user_id, attached_to(stored[0].parts))
        parts = await self.said(who, text, attached)
        title = title_from_question(words_of(parts))
        new = NewTurn(parts, model, key, title, old.conversation_id, old.parent_id, prepared.asked)
        return await self.ask(who, new)

    async def regenerate(
        self, who: Principal, message_id: str, *, model: str, key: str, hint: str = "", change: Change = NO_CHANGE
    ) -> Turn:
        """Answer a question once more, beside the answers it has.

        Args:
            who: Who asks.
            message_id: The question, or one of its answers.
            model: Who is to answer.
            key: The idempotency key of this request.
            hint: A wish for this answer only, such as "shorter".
            change: As for `send`.

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
        asked = (await self.layers.prepare(who.user_id, old.conversation_id, change)).asked
        is_complete = old.role == "assistant" and old.status == "complete"  # one that failed is no worse for it
        is_again = is_complete and not (await self.messages.details(who.user_id, old.id)).is_own
        turn = await self.messages.add_reply(
            who.user_id, question_id, model, key, asked, instead_of=old.id if is_again else ""
        )
        if turn.is_new:
            self.start(who, turn, Question(model, asked, hint, is_again=True))
        return turn

    async def resume(self, who: Principal, message_id: str) -> Turn:
        """Let a broken-off answer go on: the same message grows.

        Raises:
            NotFound: No such message, or someone else's.
            Conflict: It is running, or complete.
        """
        await self.messages.shown(who.user_id, message_id)
        details = await self.messages.details(who.user_id, message_id)
        stored = (await self.messages.history(who.user_id, message_id, 1))[0]
        asked = replace(details.asked, documents=given_in(details.notes))
        if not text_of(stored.parts):  # nothing was said by it yet, so that what was mended since counts
            conversation_id = (await self.messages.record(who.user_id, message_id)).conversation_id
            asked = (await self.layers.prepare(who.user_id, conversation_id)).asked
        turn = await self.messages.reopen(who.user_id, message_id, asked)
        self.start(
            who,
            turn,
            Question(
                details.model, asked, str(details.notes.get("hint", "")), is_again=True, merges=merged_in(details.notes)
            ),
            reply=Reply(_base(stored.parts)),
            earlier=Earlier(details.usage, details.first_token_ms, details.duration_ms) if stored.parts else None,
            bill=_bill(details),
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

    async def show(self, who: Principal, message_id: str) -> str:
        """Bring a message into view: its branch is turned to, where another is open.

        Returns:
            Its conversation's id.

        Raises:
            NotFound: No such message, someone else's, or a deleted one's.
        """
        record = await self.messages.shown(who.user_id, storable(message_id))
        conversation = await self.library.get(who.user_id, record.conversation_id)
        leaf_id = conversation.leaf_message_id or ""
        if not await self.messages.is_on_path(who.user_id, message_id, leaf_id):
            await self.messages.select_branch(who.user_id, message_id)
        return conversation.id

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
        await self.attachments.forget_unsent(who.user_id)

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

    async def said(self, who: Principal, text: str, attached: Sequence[Attached]) -> Parts:
        """A question as it is stored: words, files, or both.

        Raises:
            BadRequest: Nothing is said, or the text is too long.
            NotFound: No such file, or someone else's.
        """
        files = await self.attachments.parts(who.user_id, attached)
        return files if files and not text.strip() else (TextPart(self._checked(text)), *files)

    async def ask(self, who: Principal, new: NewTurn) -> Turn:
        """Store a question and let its answer run."""
        turn = await self.messages.add_turn(who.user_id, new)
        if turn.is_new:
            # Nothing stands before a first question, so that its branch need not be read.
            branch = [Message("user", new.parts)] if new.parent_id is None else None
            self.start(who, turn, Question(new.model, new.asked, branch=branch))
        return turn

    def start(
        self,
        who: Principal,
        turn: Turn,
        question: Question,
        *,
        reply: Reply | None = None,
        earlier: Earlier | None = None,
        bill: Bill | None = None,
        notes: dict[str, Json] | None = None,
        is_titled: bool = True,
    ) -> None:
        """Let a stored answer run; where it `is_titled`, it gives a new conversation its title afterwards."""

        async def entitle(running: Running, settlement: Settlement) -> None:
            if is_titled:
                await self._answering.entitle(running, settlement, question.model)

        running = Running(
            who.user_id, turn, reply or Reply(), notes or {},
            address=who.address, earlier=earlier, bill=bill or Bill(),
        )  # fmt: skip
        self._generations.start(running, lambda running: self._answering.events(running, question), entitle)


def _bill(details: Details) -> Bill:
    """What the first part of an answer has cost that now goes on."""
    was_counted = details.usage.output_tokens is not None
    return Bill(details.cost_micros, is_unknown=was_counted and details.cost_micros is None)


def _base(parts: Parts) -> Parts:
    """What an answer goes on from: its words. Where none was said it is asked anew, below the thoughts it had."""
    if text_of(parts):
        return parts
    return tuple(ReasoningPart(f"{p.text}\n\n", p.duration_ms) for p in parts if isinstance(p, ReasoningPart))
