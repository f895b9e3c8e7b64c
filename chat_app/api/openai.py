"""The OpenAI API, for programs: chat completions, embeddings, and the list of models."""

from __future__ import annotations

import msgspec

from chat_app.api.answers import AnswerShape, answer
from chat_app.api.chat_wire import ChunkWriter, read_chat, read_embed, whole_answer
from chat_app.api.programs import JSON, Program
from chat_app.gateway.keys import may_ask
from chat_app.messages import Json, ModelCard

_CHAT = AnswerShape("chatcmpl-", ChunkWriter, whole_answer, b"data: [DONE]\n\n")


async def chat(program: Program) -> None:
    """`POST /v1/chat/completions`, streamed or not.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model did not answer.
    """
    await answer(program, read_chat(program.body), _CHAT)


async def embeddings(program: Program) -> None:
    """`POST /v1/embeddings`.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model made none.
    """
    asked = read_embed(program.body)
    program.may_ask(asked.model)
    start, body = await program.services.gateway.embed(asked, program.caller)
    await program.begin(JSON, headers=program.told(start))
    await program.write(body)


async def models(program: Program) -> None:
    """`GET /v1/models`: those that the key may ask."""
    await program.services.catalogue.looked()
    cards = [card for card in program.services.catalogue.cards() if may_ask(program.key, card.id)]
    ends = {"first_id": cards[0].id, "last_id": cards[-1].id} if cards else {"first_id": None, "last_id": None}
    told = {"object": "list", "data": [_card(card) for card in cards], "has_more": False} | ends
    await program.begin(JSON)
    await program.write(msgspec.json.encode(told))


async def model(program: Program) -> None:
    """`GET /v1/models/{model}`.

    Raises:
        ModelUnknown: There is none of this name, or the key is not for it.
    """
    name: str = program.request.path_params["model"]
    program.may_ask(name)
    route = await program.services.gateway.route(name)
    await program.begin(JSON)
    await program.write(msgspec.json.encode(_card(route.card)))


def _card(card: ModelCard) -> dict[str, Json]:
    """A model as OpenAI's clients read it, and Anthropic's."""
    known: dict[str, Json] = {
        "id": card.id, "object": "model", "created": 0, "owned_by": card.server,
        "type": "model", "display_name": card.id, "created_at": "1970-01-01T00:00:00Z",
    }  # fmt: skip
    more: dict[str, Json] = {
        "context_window": card.context_tokens,
        "max_output_tokens": card.output_tokens,
        "capabilities": None if card.capabilities is None else list[Json](sorted(card.capabilities)),
        "parent": card.parent or None,
    }
    return known | {name: value for name, value in more.items() if value is not None}
