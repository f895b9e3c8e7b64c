"""The API as programs reach it: served over loopback, with a key, by the vendors' own clients."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anthropic
import httpx
import openai
import uvicorn

from chat_app.api.app import make_api
from chat_app.api.guard import Guard
from chat_app.api.identity import Identity
from chat_app.gateway.discovery import configured_providers
from chat_app.messages import NO_LIMITS, Limits
from chat_app.services import Services
from tests.conftest import make_settings, services_with
from tests.server import free_port
from tests.upstream import Upstream


@dataclass
class Api:
    """A running API: `key` is one that may do everything.

    Its clients verify nothing, as there is nothing to: to read the certificates of a machine takes 30 ms.
    """

    url: str
    key: str
    services: Services
    identity: Identity
    wire: str = ""

    def openai(self, key: str | None = None) -> openai.AsyncOpenAI:
        """OpenAI's own client, for this API."""
        return openai.AsyncOpenAI(
            base_url=f"{self.url}/v1",
            api_key=self.key if key is None else key,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(verify=False),
        )

    def anthropic(self, key: str | None = None) -> anthropic.AsyncAnthropic:
        """Anthropic's own client, for this API."""
        return anthropic.AsyncAnthropic(
            base_url=self.url,
            api_key=self.key if key is None else key,
            max_retries=0,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
        )

    def http(self, key: str | None = None) -> httpx.AsyncClient:
        """Any client."""
        headers = {"authorization": f"Bearer {self.key if key is None else key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60, verify=False)

    async def made(self, *models: str, limits: Limits = NO_LIMITS, expires_at: int | None = None) -> str:
        """A key of these rights."""
        _, key = await self.services.keys.make("local", "x", models=models, limits=limits, expires_at=expires_at)
        return key


def reached_by(wire: str, upstream: Upstream) -> dict[str, object]:
    """Settings by which the scripted server is one of this wire."""
    base = upstream.url.removesuffix("/v1")
    return {
        "vllm": {"vllm_base_url": (upstream.url,)},
        "openai": {"openai_base_url": upstream.url},
        "qwen": {"dashscope_base_url": upstream.url},
        "anthropic": {"anthropic_base_url": base},
    }[wire]


WIRES = ("vllm", "openai", "qwen", "anthropic")


@asynccontextmanager
async def serving(folder: Path, **settings: object) -> AsyncIterator[Api]:
    """The API over the providers that the settings name."""
    made = make_settings(folder, **settings)
    async with services_with(folder, *configured_providers(made), **settings) as services:
        app, port = make_api(), free_port()
        app.state.services, app.state.identity = services, Identity("not-a-secret", port)
        guarded = Guard(app, identity=app.state.identity, port=port, policy="")
        server = uvicorn.Server(uvicorn.Config(guarded, port=port, log_level="error", lifespan="off"))
        task = asyncio.ensure_future(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        _, key = await services.keys.make("local", "of the tests")
        try:
            yield Api(f"http://127.0.0.1:{port}", key, services, app.state.identity)
        finally:
            server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await task
