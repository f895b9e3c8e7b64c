"""A wire between browser and server that a test can cut: a SOCKS 5 proxy (RFC 1928, without authentication).

The page keeps its address, so that nothing about it knows of the wire.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from tests.in_thread import in_thread

_VERSION, _NO_AUTHENTICATION, _IPV4 = 5, 0, 1
_GRANTED = bytes([_VERSION, 0, 0, _IPV4, 0, 0, 0, 0, 0, 0])


class Wire:
    """The proxy. Runs in a thread of its own, so that a blocking test can use it."""

    def __init__(self) -> None:
        self.port = 0
        self._is_cut = False
        self._most_up: int | None = None
        self._loop = asyncio.new_event_loop()
        self._carrying: set[asyncio.Task[None]] = set()

    @property
    def proxy(self) -> dict[str, str]:
        """What a browser context takes as its `proxy`."""
        return {"server": f"socks5://127.0.0.1:{self.port}", "bypass": "<-loopback>"}

    @property
    def count(self) -> int:
        """Connections that are open now."""
        return len(self._carrying)

    def cut(self) -> int:
        """Reset every connection and take none until `mend`; returns how many there were."""
        return asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result(5)

    def mend(self) -> None:
        """Carry again."""
        self._is_cut = False

    def cut_after(self, sent_bytes: int) -> None:
        """Reset, once, a connection on which the browser has sent so much."""
        self._most_up = sent_bytes

    @property
    def has_cut(self) -> bool:
        """Whether that has happened."""
        return self._most_up is None

    async def _cut(self) -> int:
        self._is_cut = True
        cut = list(self._carrying)
        for carrying in cut:
            carrying.cancel()
        await asyncio.gather(*cut, return_exceptions=True)
        return len(cut)

    @contextmanager
    def open(self) -> Iterator[Wire]:
        """Carry while the block runs."""
        with in_thread(self._run, self._loop):
            yield self

    def _run(self, started: threading.Event) -> None:
        async def listen() -> asyncio.Server:
            return await asyncio.start_server(self._carry, "127.0.0.1", 0)

        server = self._loop.run_until_complete(listen())
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        await self._cut()
        await asyncio.sleep(0)  # transports close in the turn after

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        far_writer: asyncio.StreamWriter | None = None
        try:
            port = await _greet(reader, writer)
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(self._bounded(reader), far_writer))
                group.create_task(_copy(_pieces(far_reader), writer))
        except* (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # either side left, or the wire was cut
        finally:
            self._carrying.discard(task)
            for end in (writer, far_writer):  # both ends are reset, as by a cut cable's far router
                if end is not None:
                    end.transport.abort()

    async def _bounded(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        sent = 0
        async for data in _pieces(reader):
            sent += len(data)
            if self._most_up is not None and sent > self._most_up:
                self._most_up = None
                raise OSError("cut")
            yield data


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    """What SOCKS says before it carries; returns the port that is asked for."""
    _, methods = await reader.readexactly(2)
    await reader.readexactly(methods)
    writer.write(bytes([_VERSION, _NO_AUTHENTICATION]))
    _, _, _, kind = await reader.readexactly(4)
    length = 4 if kind == _IPV4 else (await reader.readexactly(1))[0]
    await reader.readexactly(length)
    port = int.from_bytes(await reader.readexactly(2))
    writer.write(_GRANTED)
    return port


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(65536):
        yield data


async def _copy(pieces: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        async for data in pieces:
            writer.write(data)
            await writer.drain()
        writer.write_eof()
