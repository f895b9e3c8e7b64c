"""A scriptable model server on loopback: speaks Chat Completions and Messages, and every fault a real one has shown.

A test says what the next answers are with `Script`s; the server records the requests and how each one ended, so that a
test can assert what went over the wire and that a stop reached it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes

from tests.in_thread import in_thread
from tests.upstream_wires import ChatWire, MessagesWire

END = b"\r\n\r\n"
CHATS = ("/chat/completions", "/messages")
COUNTS = {"/count_tokens": {"input_tokens": 11}, "/tokenize": {"count": 9, "max_model_len": 8192, "tokens": []}}


@dataclass
class Script:
    """One answer.

    Args:
        pieces: Texts to stream; bytes go onto the wire as they are.
        pace_s: Pause before each piece and before the end.
        status: HTTP status; other than 200 the answer is `body` and nothing is streamed.
        headers: Further response headers.
        first_s: Pause before the first byte of the answer.
        ending: `finish` (finish reason, usage, [DONE]), `done` ([DONE] alone), `cut` (the connection drops), `close`
            (a clean early end), `stall` (silence until the caller leaves), or a finish reason.
        field_name: Which delta field carries the text.
        whole: The answer to a request that wants it at once; None is the pieces as one.
        held: Nothing comes after the pieces, and no whole answer, before it is set: what is seen meanwhile is seen
            however slow the machine is.
    """

    pieces: Iterable[str | bytes] = ("Hello", " there", ".")
    pace_s: float = 0.0
    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    first_s: float = 0.0
    ending: str = "finish"
    field_name: str = "content"
    whole: object = None
    held: threading.Event | None = None


@dataclass
class Call:
    """A request as it arrived, and how its answer ended: `running`, `finished` or `gone` (the caller left)."""

    path: str
    headers: dict[str, str]
    body: dict
    state: str = "running"
    sent: list[str] = field(default_factory=list)
    ended_at: float = 0.0

    @property
    def text(self) -> str:
        """What was sent so far."""
        return "".join(self.sent)


def words(count: int) -> list[str]:
    """`count` pieces of text that are all different."""
    return [f"word{index} " for index in range(count)]


class Upstream:
    """The server. Runs in a thread of its own, so that a blocking test can use it."""

    def __init__(self, models: Sequence[str] = ("echo",), port: int = 0) -> None:
        self.models: list[dict] = [{"id": model, "object": "model", "max_model_len": 8192} for model in models]
        self.title = "A title from the model"
        self.models_status = 200
        self.models_s = 0.0  # how long it takes to list them
        self.models_headers: dict[str, str] = {}
        self.key = ""  # that it wants to see
        self.metrics = ""
        self.metrics_kind = ""  # what it says that they are written in
        self.count_s = 0.0  # how long it takes to count tokens
        self.models_page: bytes | None = None  # instead of the list
        self.scripts: deque[Script] = deque()
        self.default = Script()
        self.of_model: dict[str, Script] = {}  # what some always say, instead
        self.of_path: dict[str, int] = {}  # the status of what is answered there, instead
        self.calls: list[Call] = []
        self.port = port
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Base URL, up to and with /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    def then(self, *scripts: Script) -> None:
        """The next answers; after them `default` again."""
        self.scripts.extend(scripts)

    @property
    def chats(self) -> list[Call]:
        """The chat requests so far, those for a title left out."""
        return [call for call in self.calls if call.path.endswith(CHATS) and not is_title(call.body)]

    @property
    def heard(self) -> list[Call]:
        """The recordings that were to be turned into text so far."""
        return [call for call in self.calls if call.path.endswith("/audio/transcriptions")]

    @contextmanager
    def serve(self):
        """Serve while the block runs."""
        with in_thread(self._run, self._loop):
            yield self

    def _run(self, started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]
            started.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        """Leave nothing behind: nobody is let in any more, and whoever is in goes."""
        assert self._server is not None
        self._server.close()
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for writer in self._writers:
                writer.transport.abort()
            for task in left:
                task.cancel()
            await asyncio.wait(left)
        await asyncio.sleep(0)  # in which the connections close

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while await self._answer(await reader.readuntil(END), reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            with suppress(ConnectionError):
                writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; say whether the connection stays open. After a stream it does not."""
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        call = Call(first.split()[1].partition("?")[0], headers, _read(headers.get("content-type", ""), body))
        self.calls.append(call)
        if self.key and self.key not in (
            headers.get("x-api-key"),
            headers.get("authorization", "").removeprefix("Bearer "),
        ):
            call.state = "finished"
            _respond(writer, 401, {"error": {"message": "Incorrect API key provided"}})
            return True
        if call.path in self.of_path:
            call.state = "finished"
            _respond(writer, self.of_path[call.path], {"detail": "Not Found"})
            return True
        if call.path.endswith("/models"):
            await asyncio.sleep(self.models_s)
            call.state = "finished"
            listed: object = {"object": "list", "data": self.models} if self.models_page is None else self.models_page
            body_of_list = listed if self.models_status == 200 else {"error": {"message": "no"}}
            _respond(writer, self.models_status, body_of_list, self.models_headers)
            return True
        if call.path.endswith(tuple(COUNTS)):
            await asyncio.sleep(self.count_s)
            call.state = "finished"
            counted = next(told for path, told in COUNTS.items() if call.path.endswith(path))
            _respond(writer, 200, counted)
            return True
        if call.path == "/metrics":
            call.state = "finished"
            kind = {"content-type": self.metrics_kind} if self.metrics_kind else {}
            _respond(writer, 200 if self.metrics else 404, self.metrics.encode() or {"detail": "Not Found"}, kind)
            return True
        script = self._script_for(call)
        gone = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([gone], timeout=script.first_s)
            if gone.done():
                call.state = "gone"
                return False
            if script.status != 200:
                call.state = "finished"
                _respond(writer, script.status, script.body or {"error": {"message": "no"}}, script.headers)
                return True
            if not call.body.get("stream"):
                await _left_before_the_end(script, gone)
                call.state = "finished"
                whole = _whole_of(call.path)(script) if script.whole is None else script.whole
                _respond(writer, 200, whole, script.headers)
                return True
            await self._stream(call, script, writer, gone)
        except ConnectionError:  # told by what could not be written, before it was by what can be read
            call.state = "gone"
            raise
        finally:
            call.ended_at = time.monotonic()
            gone.cancel()
            await asyncio.wait([gone])
        return False

    def _script_for(self, call: Call) -> Script:
        if is_title(call.body):
            return Script([self.title])
        if self.scripts:
            return self.scripts.popleft()
        return self.of_model.get(str(call.body.get("model")), self.default)

    async def _stream(self, call: Call, script: Script, writer: asyncio.StreamWriter, gone: asyncio.Future) -> None:
        head = {
            "content-type": "text/event-stream",
            "transfer-encoding": "chunked",
            "connection": "close",
        } | script.headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode())
        wire = MessagesWire if call.path.endswith("/messages") else ChatWire
        if wire.head:
            writer.write(b"%x\r\n%b\r\n" % (len(wire.head), wire.head))
        async for piece in _pieces(script):
            if gone.done() or writer.transport.is_closing():
                call.state = "gone"
                return
            raw = piece if isinstance(piece, bytes) else wire.piece(script.field_name, piece)
            writer.write(b"%x\r\n%b\r\n" % (len(raw), raw))
            await writer.drain()
            if isinstance(piece, str):
                call.sent.append(piece)
        if await _left_before_the_end(script, gone):
            call.state = "gone"
            return
        call.state = "finished"
        if script.ending == "cut":
            writer.transport.abort()
            return
        tail = b""
        if script.ending not in ("done", "close"):
            tail = wire.end(wire.reasons.get(script.ending, script.ending), len(call.sent))
        if script.ending != "close":
            tail += wire.done
        if tail:
            writer.write(b"%x\r\n%b\r\n" % (len(tail), tail))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _whole(script: Script) -> dict:
    message = {"role": "assistant", "content": "".join(str(piece) for piece in script.pieces)}
    reason = ChatWire.reasons.get(script.ending, script.ending)
    return {
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 7, "completion_tokens": len(list(script.pieces)), "total_tokens": 7},
    }  # fmt: skip


def _whole_message(script: Script) -> dict:
    reason = MessagesWire.reasons.get(script.ending, script.ending)
    return {
        "id": "m-1", "type": "message", "role": "assistant", "model": "m", "stop_reason": reason, "stop_sequence": None,
        "content": [{"type": "text", "text": "".join(str(piece) for piece in script.pieces)}],
        "usage": {"input_tokens": 7, "output_tokens": len(list(script.pieces))},
    }  # fmt: skip


def _transcript(script: Script) -> dict:
    return {"text": "".join(str(piece) for piece in script.pieces), "usage": {"type": "duration", "seconds": 2}}


def _whole_of(path: str) -> Callable[[Script], dict]:
    if path.endswith("/audio/transcriptions"):
        return _transcript
    return _whole_message if path.endswith("/messages") else _whole


def _read(kind: str, body: bytes) -> dict:
    """A body of JSON, or a form, whose file stands with what is said of it."""
    if not kind.startswith("multipart/form-data"):
        return json.loads(body or b"{}")
    form = message_from_bytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    read: dict[str, object] = {}
    for part in form.get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        told = (part.get_filename(), part.get_content_type(), content)
        read[name] = content.decode() if part.get_filename() is None else told
    return read


async def _pieces(script: Script) -> AsyncIterator[str | bytes]:
    pieces = iter(script.pieces)  # taken when they are due: a benchmark's say when they were sent
    due = time.monotonic()
    while True:
        due += script.pace_s
        await asyncio.sleep(due - time.monotonic())
        if (piece := next(pieces, None)) is None:
            return
        yield piece


async def _left_before_the_end(script: Script, gone: asyncio.Future) -> bool:
    """Whether the caller left in a silence before the end; there is none where the script asks for none."""
    is_silent = script.ending == "stall" or script.held is not None
    while is_silent and not gone.done() and not (script.held and script.held.is_set()):
        await asyncio.wait([gone], timeout=0.01)
    return is_silent and gone.done()


def is_title(body: dict) -> bool:
    content = (body.get("messages") or [{}])[-1].get("content", "")
    text = content[0].get("text", "") if isinstance(content, list) and content else content
    return str(text).startswith("Give this conversation a title")


def _respond(writer: asyncio.StreamWriter, status: int, body: object, headers: dict[str, str] | None = None) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": "application/json", "content-length": str(len(raw))} | (headers or {})
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in told.items())]
    writer.write("\r\n".join(lines).encode() + END + raw)
