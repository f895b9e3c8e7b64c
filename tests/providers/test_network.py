"""Connections of our own to servers without TLS: whole, bounded, and closed when they are left."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from chat_app.providers.connections import connections_to
from chat_app.providers.network import _MOST_HELD, Sockets
from tests.certificates import make_certificate
from tests.waiting import until

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """On either loop: ours is uvloop where there is one."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@asynccontextmanager
async def _asked(serve: Serve) -> AsyncIterator[tuple[httpx2.AsyncClient, list[bytes]]]:
    """A client of a server that handles each connection like that, and the heads it was sent."""
    heads: list[bytes] = []
    handling: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handling.add(task)
        try:
            while True:
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            handling.discard(task)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=8_000_000)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with connections_to(url, 1) as client:
        yield client, heads
    server.close()
    for task in tuple(handling):
        task.cancel()


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
        await asyncio.wait_for(gone.wait(), 20)


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
            with pytest.raises((httpx2.ConnectError, httpx2.ConnectTimeout)):  # a resolver may take its time
                await client.get("/")


async def test_a_read_and_a_write_may_be_bounded():
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with _asked(serve) as (client, _):
        with pytest.raises(httpx2.ReadTimeout):
            await client.get("/", timeout=httpx2.Timeout(None, read=0.05))
        with pytest.raises(httpx2.WriteTimeout):
            await client.post("/", content=b"x" * 50_000_000, timeout=httpx2.Timeout(None, write=0.05))


@pytest.mark.parametrize("ending", ["lingers", "closes", "half-closes"])
async def test_a_refusal_before_the_whole_body_was_sent_arrives(ending):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno")
        await writer.drain()
        if ending != "closes":
            writer.write_eof()
        if ending == "lingers":
            await reader.read(-1)
        if ending == "half-closes":
            await asyncio.wait_for(done.wait(), 5)
        raise ConnectionError

    done = asyncio.Event()
    async with _asked(serve) as (client, _):
        answer = await client.post("/", content=b"x" * 20_000_000)
        assert (answer.status_code, answer.text) == (413, "no")
        done.set()


async def test_an_answer_that_ends_with_its_connection_is_not_whole_when_we_close_that():
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await asyncio.sleep(60)

    async with _asked(serve) as (client, _), client.stream("GET", "/") as answer:
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == b"half"
        rest = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        await client.aclose()
        with pytest.raises(httpx2.ReadError):
            await rest


@pytest.mark.parametrize("url", ["http://a..b/", f"http://{'x' * 64}.lan/"])
async def test_an_address_that_cannot_be_is_an_error_of_connecting_also_where_a_server_sends_round_to_it(url):
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n".encode())

    async with _asked(serve) as (client, _):
        with pytest.raises((httpx2.RequestError, httpx2.InvalidURL)):
            await client.get("/")


@pytest.mark.parametrize(
    ("url", "proxy", "is_ours"),
    [
        ("http://a.name/v1", "", False),
        ("http://[::1]:8000/v1", "", True),
        ("http://localhost:8000/v1", "http://proxy:1", True),
        ("http://10.0.0.1/v1", "", True),
        ("http://10.0.0.1/v1", "http://proxy:1", False),
        ("http://127.0.0.1:1/v1", "http://proxy:1", True),
    ],
)
async def test_ours_is_for_addresses_and_a_proxy_that_is_set_for_all_but_this_machine(monkeypatch, url, proxy, is_ours):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    if proxy:
        monkeypatch.setenv("http_proxy", proxy)
    async with connections_to(url, 1) as client:
        chosen = client._transport_for_url(httpx2.URL(url))

    backend = getattr(chosen._pool._network_backend, "_backend", None)
    assert isinstance(backend, Sockets) is is_ours


@pytest.mark.parametrize(
    "left_out", ["box.example", ".example", "*.example", "EXAMPLE", "x, box.example:8000", "http://box.example", "*"]
)
async def test_a_server_that_no_proxy_leaves_out_is_reached_directly(monkeypatch, left_out):
    assert _backend_of(monkeypatch, "http://box.example:8000/v1", left_out) is not None


@pytest.mark.parametrize("left_out", ["10.0.0.5", "10.0.0.5:8000", "10.0.0.0/8"])
async def test_so_is_an_address_by_itself_or_by_its_network(monkeypatch, left_out):
    assert _backend_of(monkeypatch, "http://10.0.0.5:8000/v1", left_out) is not None
    assert _backend_of(monkeypatch, "http://11.0.0.5:8000/v1", left_out) is None


@pytest.mark.parametrize("left_out", ["", "ox.example", "box.example:9000", "other.example", "[::1", "box.example:x"])
async def test_any_other_is_reached_by_the_proxy(monkeypatch, left_out):
    assert _backend_of(monkeypatch, "http://box.example:8000/v1", left_out) is None


def _backend_of(monkeypatch, url: str, left_out: str) -> object:
    for name in ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    monkeypatch.setenv("no_proxy", left_out)
    chosen = connections_to(url, 1)._transport_for_url(httpx2.URL(url))
    return getattr(chosen._pool._network_backend, "_backend", None) if "Pool" in type(chosen).__name__ else None


async def test_a_server_with_tls_is_reached_by_its_name_and_only_with_a_certificate_that_is_believed(
    tmp_path, monkeypatch
):
    certificate = make_certificate(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    server = await asyncio.start_server(serve, "localhost", 0, ssl=context, family=socket.AF_INET)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with connections_to(url, 5) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get("/")
    monkeypatch.setattr(
        "chat_app.providers.connections._certificates", lambda: ssl.create_default_context(cafile=certificate[0])
    )
    async with connections_to(url, 5) as client:
        assert (await client.get("/")).text == "hi"
    server.close()
