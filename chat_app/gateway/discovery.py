"""Which servers there are: those the settings name, and those found on this machine's usual ports."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chat_app.gateway.model_files import Server, model_files, read_model_files
from chat_app.providers.base import Provider
from chat_app.providers.openai import OpenAIProvider
from chat_app.providers.qwen import QwenProvider
from chat_app.providers.vllm import VllmProvider
from chat_app.settings import Settings, read_secret

if TYPE_CHECKING:
    from chat_app.providers.anthropic import AnthropicProvider

_PREFIXES = tuple(
    (re.compile(prefix), vendor)
    for prefix, vendor in (("gpt-", "OpenAI"), ("o[0-9]", "OpenAI"), ("claude-", "Anthropic"), ("qwen", "Qwen"))
)
LOCAL_SERVERS = (("Ollama", 11434), ("LM Studio", 1234), ("llama.cpp", 8080), ("vLLM", 8000))


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A vendor's settings. `elsewhere` begins the name of another server that its address may lead to."""

    name: str
    variable: str
    kind: Callable[[], Callable[..., OpenAIProvider | AnthropicProvider]]
    elsewhere: str
    base_url: str
    api_key: str

    @property
    def is_absent(self) -> bool:
        """Whether nobody can be asked: the vendor itself takes no call without a key."""
        return not self.api_key and _is_vendors(self.base_url)


def _vendors(settings: Settings) -> list[_Vendor]:
    openai, anthropic = settings.openai_api_key.get_secret_value(), settings.anthropic_api_key.get_secret_value()
    qwen = settings.dashscope_api_key.get_secret_value()
    return [
        _Vendor("OpenAI", "OPENAI_API_KEY", lambda: OpenAIProvider, "", settings.openai_base_url, openai),
        _Vendor("Anthropic", "ANTHROPIC_API_KEY", _anthropic, "Anthropic", settings.anthropic_base_url, anthropic),
        _Vendor("Qwen", "DASHSCOPE_API_KEY", lambda: QwenProvider, "Qwen", settings.dashscope_base_url, qwen),
    ]


def configured_providers(settings: Settings) -> list[Provider]:
    """The servers that the settings and the files of models name. One without its key is absent, not broken."""
    found = [_of_vendor(vendor, settings) for vendor in _vendors(settings) if not vendor.is_absent]
    vllm = [
        VllmProvider(
            server=server_at("vLLM", url), base_url=url, api_key=settings.vllm_api_key.get_secret_value(),
            connect_timeout_s=settings.connect_timeout_s,
        )
        for url in settings.vllm_base_url
    ]  # fmt: skip
    servers = read_model_files(*model_files(settings)).servers
    return [*found, *vllm, *(made for name, server in servers.items() for made in _of_file(name, server, settings))]


def vendor_provider(name: str, api_key: str, settings: Settings) -> Provider:
    """A vendor, with a key that was given for it on the page."""
    vendor = next(vendor for vendor in _vendors(settings) if vendor.name == name)
    return _of_vendor(replace(vendor, api_key=api_key), settings)


def vendor_of(model: str) -> str:
    """Whose model it is by its name; empty for nobody's."""
    return next((vendor for prefix, vendor in _PREFIXES if prefix.match(model)), "")


def absent_vendors(settings: Settings) -> list[tuple[str, str]]:
    """The vendors whose key is not set, each with the variable that would hold it."""
    return [(vendor.name, vendor.variable) for vendor in _vendors(settings) if vendor.is_absent]


def _of_vendor(vendor: _Vendor, settings: Settings) -> Provider:
    url = vendor.base_url
    name = vendor.name if _is_vendors(url) else server_at(vendor.elsewhere, url)
    made = vendor.kind()(
        server=name, base_url=url, api_key=vendor.api_key, connect_timeout_s=settings.connect_timeout_s
    )
    if vendor.api_key:  # also at another address: a key of a company's own door to the vendor
        made.vendor = vendor.name
    return made


def _of_file(name: str, server: Server, settings: Settings) -> Iterator[Provider]:
    key = read_secret(server.key_variable) if server.key_variable else ""
    if key or not server.key_variable:
        yield _WIRES[server.wire]()(
            server=name, base_url=server.base_url.rstrip("/"), api_key=key, connect_timeout_s=settings.connect_timeout_s
        )


def _anthropic() -> type[AnthropicProvider]:
    """Its SDK takes a second of each start, and 30 MB: only where it is used."""
    from chat_app.providers.anthropic import AnthropicProvider

    return AnthropicProvider


_WIRES: dict[str, Callable[[], Callable[..., Provider]]] = {
    "openai": lambda: OpenAIProvider,
    "vllm": lambda: VllmProvider,
    "qwen": lambda: QwenProvider,
    "anthropic": _anthropic,
}


def _is_vendors(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("api.openai.com", "api.anthropic.com") or host.endswith((".api.openai.com", ".aliyuncs.com"))


class LocalServers:
    """Servers that may come and go on this machine's usual ports.

    Args:
        settings: Whether and how long to look.
        servers: Their names and ports.
        known: Addresses of servers that are asked anyway.
    """

    def __init__(
        self, settings: Settings, servers: Iterable[tuple[str, int]] = LOCAL_SERVERS, known: Iterable[str] = ()
    ) -> None:
        taken = {port_here(url) for url in known} | {settings.port}
        self.timeout_s = settings.discover_timeout_s
        self._providers: dict[int, Provider] = {
            port: (VllmProvider if name == "vLLM" else OpenAIProvider)(
                server=f"{name} 127.0.0.1:{port}", base_url=f"http://127.0.0.1:{port}/v1", api_key="",
                connect_timeout_s=settings.discover_timeout_s,
            )
            for name, port in (servers if settings.discover_servers else ())
            if port not in taken
        }  # fmt: skip

    async def listening(self) -> list[Provider]:
        """Those whose port is open; all ports are tried at once."""
        is_open: dict[int, bool] = {}

        async def look(port: int) -> None:
            try:
                async with asyncio.timeout(self.timeout_s):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                is_open[port] = True
            except (OSError, TimeoutError):
                is_open[port] = False

        async with asyncio.TaskGroup() as group:
            for port in self._providers:
                group.create_task(look(port))
        return [provider for port, provider in self._providers.items() if is_open[port]]

    def all(self) -> Iterable[Provider]:
        """Every one, listening or not."""
        return self._providers.values()


def server_at(kind: str, url: str) -> str:
    """What a server is recognised by that has no name of its own: what it is and where."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    return f"{kind} {place}" if kind else place


def port_here(url: str) -> int | None:
    """A server's port, where it is on this machine."""
    parts = urlsplit(url)
    return parts.port if parts.hostname in ("127.0.0.1", "localhost", "::1") else None
