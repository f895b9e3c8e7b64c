"""Connections of our own to servers without TLS: whole, bounded, and closed when they are left."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from chat_app.providers.connections import connections_to
from chat_app.providers.network import _MOST_HELD
from tests.waiting import until

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@asynccontextmanager
async def _asked(serve: Serve) -> AsyncIterator[tuple[httpx2.AsyncClient, list[bytes]]]:
    """A client of a server that handles each connection like that, and the heads it was sent."""
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=8_000_000)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with connections_to(url, 1) as client:
        yield client, heads
    server.close()


async def test_calls_one_after_the_other_share_a_connection_and_bodies_of_any_size_arrive():
    ports: set[int] = set()
    sizes: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        sizes.append(len(await reader.readuntil(b"!")))
        writer.write(OK)

    async with _asked(serve) as (client, _):
        for size in (1, 5_000_000, 1):
            answer = await client.post("/", content=b"x" * size + b"!")
            assert answer.text == "hi"

    assert sizes == [2, 5_000_001, 2]
    assert len(ports) == 1


async def test_a_connection_that_the_server_has_closed_is_not_used_again():
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        raise ConnectionError

    async with _asked(serve) as (client, heads):
        for _ in range(5):
            assert (await client.get("/")).status_code == 200
            await asyncio.sleep(0.01)  # in which the end arrives

    assert len(heads) == 5


async def test_a_server_is_kept_waiting_by_whom_does_not_read_and_nothing_of_it_is_lost():
    whole = 40 * _MOST_HELD
    sent = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % whole)
        while sent < whole:
            writer.write(b"x" * _MOST_HELD)
            sent += _MOST_HELD
            await writer.drain()

    async with _asked(serve) as (client, _), client.stream("GET", "/") as answer:
        before = -1

        async def is_waiting() -> bool:
            nonlocal before
            is_still, before = sent == before, sent
            await asyncio.sleep(0.05)
            return is_still and sent > 0

        await until(is_waiting)
        assert sent < whole
        assert sum([len(piece) async for piece in answer.aiter_bytes()]) == whole


async def test_leaving_closes_the_connection():
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        await reader.read()
        gone.set()
        raise ConnectionError

    async with _asked(serve) as (client, _):
        async with client.stream("GET", "/") as answer:
            pieces = answer.aiter_bytes()
            assert await anext(pieces) == b"a"
        await asyncio.wait_for(gone.wait(), 1)


async def test_an_answer_that_is_cut_or_none_is_an_error_of_httpx():
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK[:-1])
        raise ConnectionError

    async def nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        raise ConnectionError

    async def noise(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-x\r\n\r\n")
        raise ConnectionError

    for serve in (cut, nothing, noise):
        async with _asked(serve) as (client, _):
            with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
                await client.get("/")


async def test_nobody_listening_and_a_name_that_is_none_are_errors_of_connecting():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
        async with connections_to(url, 1) as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("/")


async def test_a_read_may_be_bounded():
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with _asked(serve) as (client, _):
        with pytest.raises(httpx2.ReadTimeout):
            await client.get("/", timeout=0.05)


@pytest.mark.parametrize(
    ("url", "proxy", "is_ours"),
    [
        ("http://10.0.0.1/v1", "", True),
        ("http://10.0.0.1/v1", "http://proxy:1", False),
        ("http://127.0.0.1:1/v1", "http://proxy:1", True),
    ],
)
async def test_a_proxy_that_is_set_is_used_but_for_this_machine(monkeypatch, url, proxy, is_ours):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if proxy:
        monkeypatch.setenv("http_proxy", proxy)
    async with connections_to(url, 1) as client:
        chosen = client._transport_for_url(httpx2.URL(url))

    assert (type(chosen).__name__ == "PlainTransport") is is_ours
