"""The Anthropic API, for programs: messages, and how many tokens they have. Models are listed with OpenAI's."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from chat_app.api.messages_wire import EventWriter, read_counted, read_messages, whole_message
from chat_app.api.programs import EVENTS, JSON, Program
from chat_app.events import Event, Relayed, Reply, Start
from chat_app.gateway.estimate import estimate_prompt
from chat_app.messages import ChatRequest

_PASSED_ON = ("anthropic-version", "anthropic-beta")


async def messages(program: Program) -> None:
    """`POST /v1/messages`, streamed or not.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model did not answer.
    """
    asked = read_messages(program.body, _headers(program))
    program.may_ask(asked.model)
    async with aclosing(program.services.gateway.stream(asked, program.caller)) as events:
        await (_whole if asked.is_whole else _streamed)(program, asked, events)


async def _streamed(program: Program, asked: ChatRequest, events: AsyncGenerator[Event]) -> None:
    """Event by event. A server's own are passed on as they are; what comes from another wire is written anew."""
    start, is_relayed = Start(""), False
    written: EventWriter | None = None
    async for event in events:
        if isinstance(event, Start):
            start = event  # told with the first delta: until then a failure has a status of its own
            continue
        if written is None:
            await program.begin(EVENTS, headers=[("cache-control", "no-cache"), *program.told(start)])
            written = EventWriter(_id(program), start.model or asked.model, estimate_prompt(asked))
            if not isinstance(event, Relayed):
                await program.write(written.begin(), more=True)
        if isinstance(event, Relayed):
            is_relayed = True  # the server's own events tell the end, too
            await program.write(event.data, more=True)
        elif not is_relayed and (data := written.events(event)):
            await program.write(data, more=True)
    await program.write(b"")


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
    body = relayed or msgspec.json.encode(whole_message(_id(program), start.model or asked.model, reply))
    await program.begin(JSON, headers=program.told(start))
    await program.write(body)


async def count_tokens(program: Program) -> None:
    """`POST /v1/messages/count_tokens`: by the server where it counts, else about, which `x-estimated` says.

    Raises:
        BadRequest: The body is no such request.
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelUnknown: Nobody serves the model.
    """
    asked = read_counted(program.body, _headers(program))
    program.may_ask(asked.model)
    counted = await program.services.gateway.count(asked, program.caller)
    tokens = estimate_prompt(asked) if counted is None else counted
    await program.begin(JSON, headers=[("x-estimated", "true")] if counted is None else ())
    await program.write(msgspec.json.encode({"input_tokens": tokens}))


def _headers(program: Program) -> dict[str, str]:
    return {name: value for name in _PASSED_ON if (value := program.request.headers.get(name))}


def _id(program: Program) -> str:
    return f"msg_{program.caller.request_id}"
