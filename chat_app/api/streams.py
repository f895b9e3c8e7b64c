"""Running answers of one conversation as server-sent events.

Plain ASGI: an event is a `send`, with nothing between the log and the socket. The wire, kept small because it is paid
per token:

    data: ["1a2b", "words"]         an answer grew; its key is the end of its id; a third element 1 says reasoning
    event: set      {id, parts}     an answer's parts from its beginning; what the page held before is void
    event: sources  {id, sources}
    event: unsaved  {id}            over, but the store does not take it yet
    event: end      {id, status}    its words are in the store
    event: idle     {}              nothing runs here; the page reads the store and closes the stream
    event: away     {}              the log is out of reach; the browser comes back by itself

Every event's id is its own position in the log, which the browser sends back as `Last-Event-ID` wherever the connection
is cut; of what a page is told at first, only the last event has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from chat_app.errors import StreamsUnavailable
from chat_app.services import Services
from chat_app.streams.base import Batch, Began, Cited, Ended, Grew, Unsaved, fold

KEY_LENGTH = 4
_KEEP_ALIVE_S = 15
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_encode = msgspec.json.Encoder().encode


class FollowAnswers:
    """`GET /api/streams/{conversation_id}`."""

    def __init__(self, services: Services, user_id: str, conversation_id: str, after: str | None) -> None:
        self._services = services
        self._user_id = user_id
        self._conversation_id = conversation_id
        self._after = after

    @classmethod
    async def open(cls, request: Request, services: Services, user_id: str) -> FollowAnswers:
        """Check the owner before a byte is sent.

        Raises:
            NotFound: No such conversation, or someone else's.
        """
        conversation_id = request.path_params["conversation_id"]
        await services.conversations.library.get(user_id, conversation_id)
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        return cls(services, user_id, conversation_id, after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the answers end or the caller leaves."""
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._pump(send)),
                group.create_task(_until_gone(receive)),
                group.create_task(_keep_alive(send)),
            ]
            await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()

    async def _pump(self, send: Send) -> None:
        try:
            async with aclosing(self._services.streams.follow(self._conversation_id, self._after)) as batches:
                async for batch in batches:
                    frames = list(_fresh(batch) if batch.is_fresh else _later(batch))
                    if not batch.running:
                        frames.append(_event(b"idle", {}, batch.position))
                    if frames:
                        body = b"".join(frames)
                        await send({"type": "http.response.body", "body": body, "more_body": bool(batch.running)})
                    if not batch.running:
                        return
        except StreamsUnavailable:
            await send({"type": "http.response.body", "body": b"retry:1000\nevent:away\ndata:{}\n\n"})


def _fresh(batch: Batch) -> Iterable[bytes]:
    """The answers that run, each in one event, however many entries the log holds."""
    replies = fold(batch.entries)
    told = [message_id for message_id in batch.running if message_id in replies]
    for message_id in told:
        position = batch.position if message_id == told[-1] else ""
        yield _event(b"set", {"id": message_id, "parts": replies[message_id].parts}, position)


def _later(batch: Batch) -> Iterable[bytes]:
    for position, entry in batch.placed:
        match entry:
            case Grew(message_id, _, text, is_reasoning):
                key = message_id[-KEY_LENGTH:]
                data = _encode([key, text, 1] if is_reasoning else [key, text])
                yield b"id:%b\ndata:%b\n\n" % (position.encode(), data)
            case Began(message_id, parts):
                yield _event(b"set", {"id": message_id, "parts": parts}, position)
            case Cited(message_id, sources):
                yield _event(b"sources", {"id": message_id, "sources": sources}, position)
            case Unsaved(message_id):
                yield _event(b"unsaved", {"id": message_id}, position)
            case Ended(message_id, status):
                yield _event(b"end", {"id": message_id, "status": status}, position)


def _event(name: bytes, data: object, position: str) -> bytes:
    at = b"id:%b\n" % position.encode() if position else b""
    return b"%bevent:%b\ndata:%b\n\n" % (at, name, _encode(data))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _keep_alive(send: Send) -> None:
    while True:
        await asyncio.sleep(_KEEP_ALIVE_S)
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
