"""A tab without a browser: the page's socket and its stream of words, for loads that no browser could make.

Speaks what the page speaks: Engine.IO 4 and Socket.IO 5 over one WebSocket (github.com/socketio/engine.io-protocol,
socket.io-protocol), Reflex's events inside, and server-sent events for the words.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import websockets

_STATE = "reflex___state____state"
_CHAT = f"{_STATE}.chat_app___ui___states___chat____chat_state"


class Tab:
    """One open page.

    Args:
        port: The application's port on this machine.
        cookie: The visitor's cookie, from `first_visit`.
        socket: The page's connection.
        path: The page's address.
    """

    def __init__(self, port: int, cookie: str, socket: websockets.ClientConnection, path: str) -> None:
        self._port, self._cookie, self._socket, self._path = port, cookie, socket, path
        self.shown: dict[str, object] = {}
        self._key = ""
        self._posts: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, port: int, cookie: str, path: str = "/new") -> AsyncGenerator[Tab]:
        """Connect and wait until the page's state is there."""
        url = f"ws://127.0.0.1:{port}/_event/?token={uuid.uuid4()}&EIO=4&transport=websocket"
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        async with websockets.connect(url, additional_headers=headers, max_size=None, compression=None) as socket:
            tab = cls(port, cookie, socket, path)
            await socket.recv()
            hello = {"event": {"name": f"{_STATE}.hydrate_and_load", "payload": {"hashes": []}} | tab._router()}
            await socket.send(f"40/_event,{json.dumps(hello)}")
            await tab.until(lambda: tab.shown.get("is_loaded") is True)
            yield tab
            if tab._posts is not None:
                tab._posts[1].close()

    def _router(self) -> dict[str, object]:
        query = {"splat": self._path.strip("/").split("/")}
        return {"router_data": {"pathname": self._path, "asPath": self._path, "query": query}}

    async def until(self, is_so) -> None:
        """Read the socket until something is true of what the page shows."""
        while not is_so():
            frame = await self._socket.recv()
            if frame == "2":
                await self._socket.send("3")
            elif frame.startswith("42/_event,"):
                self._take(json.loads(frame.partition(",")[2])[1])

    def _take(self, update: dict) -> None:
        for name, delta in (update.get("delta") or {}).items():
            if name == _CHAT:
                self.shown |= {key.removesuffix("_rx_state_"): value for key, value in delta.items()}

    async def send(self, text: str) -> str:
        """Ask, and give back the answer's id once the page shows it."""
        turn = await self.post(text)
        await self.show(turn)
        return turn["reply_id"]

    async def post(self, text: str) -> dict[str, str]:
        """Ask, and give back what the server says of the turn."""
        conversation_id = self._path.removeprefix("/c/") if self._path.startswith("/c/") else ""
        self._key = str(uuid.uuid4())
        sent = {"key": self._key, "text": text, "model": self.shown["model"], "conversation_id": conversation_id}
        body = json.dumps(sent).encode()
        head = f"POST /api/turns HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nOrigin: http://127.0.0.1:{self._port}\r\n"
        head += f"Cookie: {self._cookie}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if self._posts is None:
            self._posts = await asyncio.open_connection("127.0.0.1", self._port)  # kept, as a browser does
        reader, writer = self._posts
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(answer.partition("content-length:")[2].partition("\r\n")[0])
        turn = json.loads(await reader.readexactly(length))
        self._path = f"/c/{turn['conversation_id']}"
        return turn

    async def show(self, turn: dict[str, str]) -> None:
        """Tell the page's state of the turn, as the page does, and wait until it is shown."""
        payload = {"conversation_id": turn["conversation_id"], "key": self._key}
        event = {"name": f"{_CHAT}.sent", "payload": payload} | self._router()
        await self._socket.send(f"42/_event,{json.dumps(['event', event])}")
        await self.until(lambda: self.shown["accepted"] == self._key)

    async def follow(self) -> AsyncGenerator[str]:
        """Yield the words of what runs here as they come, until it ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"GET /api/streams/{self._path.removeprefix('/c/')} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {self._cookie}\r\n\r\n"
        writer.write(head.encode())
        try:
            name = ""
            while line := await reader.readline():
                if line.startswith(b"event:"):
                    name = line[6:].strip().decode()
                elif line.startswith(b"data:"):
                    data = json.loads(line[5:])
                    if name == "":
                        yield data[1]
                    elif name == "set":
                        yield "".join(part["text"] for part in data["parts"])
                    elif name in ("end", "idle"):
                        return
                elif line == b"\n":
                    name = ""
        finally:
            writer.close()


async def first_visit(port: int) -> str:
    """Load the page once; the cookie that a first visit gets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /new HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    line = next(line for line in head.split("\r\n") if line.lower().startswith("set-cookie:"))
    return line.partition(":")[2].strip().partition(";")[0]
