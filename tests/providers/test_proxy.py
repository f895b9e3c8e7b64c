"""A SOCKS proxy of the environment, as many people have one."""

import asyncio
from urllib.parse import urlsplit

from chat_app.providers.openai import OpenAIProvider
from tests.upstream import Upstream


class _Socks:
    """A SOCKS5 proxy (RFC 1928) without a password, which leads every name to one port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (_, methods) = await reader.readexactly(2)
        await reader.readexactly(methods)
        writer.write(b"\x05\x00")
        (_, _, _, kind) = await reader.readexactly(4)
        size = (await reader.readexactly(1))[0] if kind == 3 else 4
        self.asked.append((await reader.readexactly(size)).decode())
        await reader.readexactly(2)
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"\x05\x00\x00\x01" + bytes(6))

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))


async def test_a_socks_proxy_is_one_too_and_looks_up_names_by_itself(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Upstream(["far"]).serve() as upstream:
        proxy = _Socks(urlsplit(upstream.url).port or 0)
        server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        provider = OpenAIProvider(
            server="far", base_url="http://far.example/v1", api_key="sk-fake", connect_timeout_s=5
        )
        offers = await provider.offers()
        await provider.aclose()
        server.close()

    assert ([offer.model for offer in offers], proxy.asked) == (["far"], ["far.example"])
