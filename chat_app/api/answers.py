"""How an answer reaches a program: streamed or at once, as it came where the wire is its own, else written anew."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import msgspec

from chat_app.api.programs import EVENTS, JSON, Program
from chat_app.events import Event, Relayed, Reply, Start
from chat_app.messages import ChatRequest


class Writer(Protocol):
    """Writes an answer's events on a wire."""

    def begin(self) -> bytes:
        """What comes before all events."""
        ...

    def events(self, event: Event) -> bytes:
        """What an event becomes; nothing, where the wire has no word for it."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """How answers are written on a wire that programs speak.

    Args:
        prefix: What the ids of its answers begin with.
        writer: (an answer's id, who speaks, what was asked) → writes a stream.
        whole: (an answer's id, who speaks, the finished reply) → the answer at once.
        end: What ends a stream after its last event.
    """

    prefix: str
    writer: Callable[[str, str, ChatRequest], Writer]
    whole: Callable[[str, str, Reply], dict[str, object]]
    end: bytes = b""


async def answer(program: Program, asked: ChatRequest, shape: AnswerShape) -> None:
    """Answer a request.

    Raises:
        LimitReached: The key, its person or the address has asked for as much as it may.
        ModelError: The model did not answer.
    """
    program.may_ask(asked.model)
    async with aclosing(program.services.gateway.stream(asked, program.caller)) as events:
        await (_whole if asked.is_whole else _streamed)(program, asked, shape, events)


async def _streamed(program: Program, asked: ChatRequest, shape: AnswerShape, events: AsyncGenerator[Event]) -> None:
    start, is_relayed = Start(""), False
    writer: Writer | None = None
    async for event in events:
        if isinstance(event, Start):
            start = event  # told with the first delta: until then a failure has a status of its own
            continue
        if writer is None:
            await program.begin(EVENTS, headers=[("cache-control", "no-cache"), *program.told(start)])
            writer = shape.writer(_id(program, shape), start.model or asked.model, asked)
            is_relayed = isinstance(event, Relayed)  # then the server's own events tell the beginning and the end, too
            data = b"" if is_relayed else writer.begin()
            if data:
                await program.write(data, more=True)
        if isinstance(event, Relayed):
            await program.write(event.data, more=True)
        elif not is_relayed and (data := writer.events(event)):
            await program.write(data, more=True)
    await program.write(shape.end)


async def _whole(program: Program, asked: ChatRequest, shape: AnswerShape, events: AsyncGenerator[Event]) -> None:
    reply, relayed, start = Reply(), b"", Start("")
    async for event in events:
        match event:
            case Start():
                start = event
            case Relayed(data, _, True):
                relayed = data
            case _:
                reply.apply(event)
    body = relayed or msgspec.json.encode(shape.whole(_id(program, shape), start.model or asked.model, reply))
    await program.begin(JSON, headers=program.told(start))
    await program.write(body)


def _id(program: Program, shape: AnswerShape) -> str:
    return f"{shape.prefix}{program.caller.request_id}"
