"""Connections without TLS, by asyncio's own protocols: to servers of one's own the way costs as much as the call.

httpx's usual ones go through anyio, and ask the system before each call whether each idle connection is still open.
Here a connection knows it from its protocol: a sixth of the CPU of a call (docs/performance.md). The pool and the
protocol are httpcore's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import httpcore2
import httpx2

_MOST_HELD = 256 * 1024
"""When this much is read ahead of whoever reads, in bytes, the server waits."""
_ERRORS = {
    getattr(httpcore2, name): getattr(httpx2, name)
    for name in (
        "ConnectError", "ConnectTimeout", "PoolTimeout", "ReadError", "ReadTimeout", "WriteError", "WriteTimeout",
        "LocalProtocolError", "RemoteProtocolError", "UnsupportedProtocol",
    )
}  # fmt: skip


class PoolTransport(httpx2.AsyncBaseTransport):
    """Sends over a pool of httpcore's.

    Args:
        limits: How many connections there may be.
        backend: What makes them.
        certificates: Whom to believe who a server is; None speaks no TLS.
    """

    def __init__(
        self, limits: httpx2.Limits, backend: httpcore2.AsyncNetworkBackend, certificates: ssl.SSLContext | None
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=backend,
            ssl_context=certificates,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See `httpx2.AsyncBaseTransport`."""
        url = request.url
        asked = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _told():
            answer = await self._pool.handle_async_request(asked)
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer.stream), extensions=vars(answer)["extensions"]
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _told():
            async for piece in self._stream:
                yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextmanager
def _told() -> Generator[None]:
    """Raise httpx's errors for httpcore's, which have the same names."""
    try:
        yield
    except tuple(_ERRORS) as error:
        raise _ERRORS[type(error)](str(error)) from error


class Sockets(httpcore2.AsyncNetworkBackend):
    """Ours."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """See `httpcore2.AsyncNetworkBackend`."""
        try:
            async with asyncio.timeout(timeout):
                _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, port)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"no connection within {timeout} s") from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        return connection


class _Connection(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection, which is read by one task at a time and written by one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_over = self._is_lost = False
        self._why: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._has_room = asyncio.Event()
        self._has_room.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class

    def data_received(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD:
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._is_over = True
        self._wake()
        self._has_room.set()  # it has answered, and need not read the rest
        return False  # nothing is to be said to a server that has ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_over = self._is_lost = True
        self._why = self._why or exc
        self._wake()
        self._has_room.set()

    def pause_writing(self) -> None:
        self._has_room.clear()

    def resume_writing(self) -> None:
        self._has_room.set()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 # httpcore's
        while not self._held and not self._is_over:
            self._reader = self._loop.create_future()
            if timeout is None:
                await self._reader
            elif not (await asyncio.wait([self._reader], timeout=timeout))[0]:
                raise httpcore2.ReadTimeout(f"nothing within {timeout} s")
        if not self._held and self._why is not None:
            raise httpcore2.ReadError(str(self._why)) from self._why
        data = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        was_full = self._held_bytes > _MOST_HELD
        data, rest = data[:max_bytes], data[max_bytes:]
        self._held, self._held_bytes = [rest] if rest else [], len(rest)
        if was_full and len(rest) <= _MOST_HELD and not self._is_over:
            self._transport.resume_reading()
        if rest:  # others have their turn before what is here already
            await asyncio.sleep(0)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 # httpcore's
        if self._is_over:
            raise httpcore2.WriteError(str(self._why or "the server has closed the connection"))
        self._transport.write(buffer)
        if not self._has_room.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._has_room.wait()
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(f"not taken within {timeout} s") from error

    async def aclose(self) -> None:
        self._why = self._why or ConnectionAbortedError("closed here")
        if not self._is_lost:  # asyncio's own has no loop any more then
            self._transport.abort()

    def get_extra_info(self, info: str) -> Any:
        return self._is_over or bool(self._held) if info == "is_readable" else self._transport.get_extra_info(info)
