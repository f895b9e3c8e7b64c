"""The OpenAI API, for programs: chat completions, embeddings, and the list of models."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from chat_app.api.chat_wire import ChunkWriter, read_chat, read_embed, whole_answer
from chat_app.api.programs import EVENTS, JSON, Program
from chat_app.events import Event, Relayed, Reply, Start
from chat_app.gateway.keys import may_ask
from chat_app.messages import ChatRequest, Json, ModelCard

_DONE = b"data: [DONE]\n\n"


async def chat(program: Program) -> None:
    """`POST /v1/chat/completions`, streamed or not.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model did not answer.
    """
    asked = read_chat(program.body)
    program.may_ask(asked.model)
    async with aclosing(program.services.gateway.stream(asked, program.caller)) as events:
        await (_whole if asked.is_whole else _streamed)(program, asked, events)


async def _streamed(program: Program, asked: ChatRequest, events: AsyncGenerator[Event]) -> None:
    """Chunk by chunk. A server's own are passed on as they are; what comes from another wire is written anew."""
    start, is_relayed = Start(""), False
    chunks: ChunkWriter | None = None
    async for event in events:
        if isinstance(event, Start):
            start = event  # told with the first delta: until then a failure has a status of its own
            continue
        if chunks is None:
            await program.begin(EVENTS, headers=[("cache-control", "no-cache"), *program.told(start)])
            chunks = ChunkWriter(_id(program), start.model or asked.model, wants_usage=_wants_usage(asked))
        if isinstance(event, Relayed):
            is_relayed = True  # the server's own chunks tell the end, too
            await program.write(event.data, more=True)
        elif not is_relayed:
            for data in chunks.chunks(event):
                await program.write(b"data: %b\n\n" % data, more=True)
    await program.write(_DONE)


async def _whole(program: Program, asked: ChatRequest, events: AsyncGenerator[Event]) -> None:
    """All at once."""
    reply, relayed, start = Reply(), b"", Start("")
    async for event in events:
        match event:
            case Start():
                start = event
            case Relayed(data, _, True):
                relayed = data
            case _:
                reply.apply(event)
    body = relayed or msgspec.json.encode(whole_answer(_id(program), start.model or asked.model, reply))
    await program.begin(JSON, headers=program.told(start))
    await program.write(body)


def _id(program: Program) -> str:
    return f"chatcmpl-{program.caller.request_id}"


def _wants_usage(asked: ChatRequest) -> bool:
    options = (asked.body or {}).get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


async def embeddings(program: Program) -> None:
    """`POST /v1/embeddings`.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model made none.
    """
    asked = read_embed(program.body)
    program.may_ask(asked.model)
    start, answer = await program.services.gateway.embed(asked, program.caller)
    await program.begin(JSON, headers=program.told(start))
    await program.write(answer)


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
