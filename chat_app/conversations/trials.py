"""Side by side: one question to several models or recipes at once, and one answer made of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat_app.conversations.answering import Question
from chat_app.conversations.attachments import Attached, words_of
from chat_app.conversations.changes import NO_CHANGE, Change
from chat_app.conversations.layers import NOWHERE, RECIPE, Place, Prepared
from chat_app.conversations.merging import MERGED
from chat_app.conversations.service import ConversationService
from chat_app.conversations.titles import title_from_question
from chat_app.errors import BadRequest, Conflict, NotFound, RecipeGone
from chat_app.messages import Json, Principal, text_of
from chat_app.parameters import Layer
from chat_app.store.records import NewTurn, Turn

MOST_COLUMNS = 4
_LEAST_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """Who answers beside others: a model, a recipe as a layer names it, or a recipe with another model than its own."""

    model: str = ""
    recipe: dict[str, Json] | None = None

    @property
    def layer(self) -> Layer:
        """What counts for this answer alone, over what its conversation says."""
        layer: Layer = {}
        if self.model:
            layer["model"] = self.model
        if self.recipe:
            layer[RECIPE] = self.recipe
        return layer


class Trials:
    """Use cases."""

    def __init__(self, conversations: ConversationService) -> None:
        self._conversations = conversations

    async def compare(
        self,
        who: Principal,
        columns: Sequence[Column],
        *,
        text: str,
        model: str,
        key: str,
        conversation_id: str | None = None,
        change: Change = NO_CHANGE,
        place: Place = NOWHERE,
        attached: Sequence[Attached] = (),
    ) -> tuple[Turn, ...]:
        """Store a question and let several answer it at once, side by side. The answer of the first is in view.

        A conversation keeps its own values. What was stored of a comparison before it failed is found by its key.

        Args:
            who: Who asks.
            columns: Who is to answer, two to `MOST_COLUMNS`.
            text: The question.
            model: Who answers where a column has no model, nor its recipe.
            key: The idempotency key.
            conversation_id: Where; None begins a conversation.
            change: Of the conversation's own values, over which those of a column count.
            place: Where the person is.
            attached: Files that go with the words.

        Returns:
            The turns, in the order of the columns.

        Raises:
            BadRequest: There are too few columns or too many; or as for `ConversationService.send`.
            NotFound: As for `ConversationService.send`.
            RecipeGone: A recipe is not there any more.
            StoreUnavailable: Not all is stored; it can be sent again.
        """
        if not _LEAST_COLUMNS <= len(columns) <= MOST_COLUMNS:
            raise BadRequest(f"Compare {_LEAST_COLUMNS} to {MOST_COLUMNS}.", detail="columns")
        talk = self._conversations
        parts = await talk.said(who, text, attached)
        try:
            # A conversation that is there keeps the change; one that begins has each answer asked after it.
            first, *others = [
                await talk.layers.prepare(
                    who.user_id,
                    conversation_id,
                    change if at == 0 or conversation_id is None else NO_CHANGE,
                    place,
                    column.layer,
                )
                for at, column in enumerate(columns)
            ]
        except RecipeGone:
            if known := await self._known(who.user_id, key, len(columns)):
                return known  # it came before, while the recipe was there
            raise
        turn = await talk.ask(
            who,
            NewTurn(
                parts, first.model or model, key, title_from_question(words_of(parts)), conversation_id,
                first.leaf_message_id, first.asked, first.layer, model, is_compared=True,
            ),
        )  # fmt: skip
        keys = _keys_beside(key, len(columns))
        beside = [
            await self._beside(who, turn.question_id, prepared, model, own)
            for own, prepared in zip(keys, others, strict=True)
        ]
        return (turn, *beside)

    async def merge(self, who: Principal, message_ids: Sequence[str], *, model: str, key: str) -> Turn:
        """Let a model make one answer of several to the same question, which says what came from where.

        Args:
            who: Who asks.
            message_ids: The answers, two to `MOST_COLUMNS`.
            model: Who merges them.
            key: The idempotency key.

        Raises:
            BadRequest: There are too few or too many, they are no answers to one question, or one has no words.
            NotFound: No such message, or someone else's.
            Conflict: One is still running; or the key is that of something else.
            RecipeGone: The conversation is asked by a recipe that is not there any more.
        """
        ids = list(dict.fromkeys(message_ids))
        if not _LEAST_COLUMNS <= len(ids) <= MOST_COLUMNS:
            raise BadRequest(f"Merge {_LEAST_COLUMNS} to {MOST_COLUMNS} answers.", detail="ids")
        talk = self._conversations
        if known := await talk.messages.known_reply(who.user_id, key):
            return known
        answers = [await talk.messages.shown(who.user_id, message_id) for message_id in ids]
        question_id = answers[0].parent_id
        if question_id is None or any((each.role, each.parent_id) != ("assistant", question_id) for each in answers):
            raise BadRequest("Only answers to one question can be merged.", detail="ids")
        if any(each.status == "streaming" for each in answers):
            raise Conflict("One of these answers is still running.")
        for message_id in ids:
            if not text_of((await talk.messages.history(who.user_id, message_id, 1))[0].parts):
                raise BadRequest("One of these answers has no words.", detail="ids")
        asked = (await talk.layers.prepare(who.user_id, answers[0].conversation_id)).asked
        notes: dict[str, Json] = {MERGED: list[Json](ids)}
        turn = await talk.messages.add_reply(who.user_id, question_id, model, key, asked, notes=notes)
        if turn.is_new:
            talk.start(who, turn, Question(model, asked, is_again=True, merges=tuple(ids)), notes=notes)
        return turn

    async def go_on(self, who: Principal, message_id: str) -> None:
        """Let a conversation go on with one of its answers, and with the model and the recipe that gave it.

        Raises:
            NotFound: No such answer, or someone else's.
        """
        talk = self._conversations
        details = await talk.messages.details(who.user_id, message_id)
        record = await talk.messages.shown(who.user_id, message_id)
        if record.role != "assistant" or record.parent_id is None:
            raise NotFound("There is no such answer here.")
        await talk.layers.follow(who.user_id, record.conversation_id, details.model, details.asked.recipe_version_id)
        await talk.library.set_model(who.user_id, record.conversation_id, details.model)
        await talk.messages.show_side_by_side(who.user_id, record.parent_id, False)
        await talk.messages.select_branch(who.user_id, message_id)

    async def show(self, who: Principal, question_id: str, is_on: bool) -> None:
        """Keep whether the answers to a question are shown side by side; see `MessageStore.show_side_by_side`."""
        await self._conversations.messages.show_side_by_side(who.user_id, question_id, is_on)

    async def _known(self, user_id: str, key: str, count: int) -> tuple[Turn, ...]:
        """What is stored of a comparison that came before, the first answer first."""
        messages = self._conversations.messages
        first = await messages.known_turn(user_id, key)
        beside = [await messages.known_reply(user_id, own) for own in _keys_beside(key, count)] if first else []
        return tuple(turn for turn in (first, *beside) if turn)

    async def _beside(self, who: Principal, question_id: str, prepared: Prepared, model: str, key: str) -> Turn:
        talk, model = self._conversations, prepared.model or model
        turn = await talk.messages.add_reply(who.user_id, question_id, model, key, prepared.asked, is_shown=False)
        if turn.is_new:
            talk.start(who, turn, Question(model, prepared.asked, is_again=True), is_titled=False)
        return turn


def _keys_beside(key: str, count: int) -> list[str]:
    """The keys of the answers beside the first, whose question has the comparison's own."""
    return [f"{key}:{number}" for number in range(_LEAST_COLUMNS, count + 1)]
