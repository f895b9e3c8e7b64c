"""vLLM: Chat Completions with more parameters, a way to let an answer go on from its last character, and its load."""

from __future__ import annotations

import math
from typing import ClassVar

import httpx2
import msgspec

from chat_app.errors import NOT_JSON, ModelFailed, ModelUnreachable
from chat_app.messages import ChatRequest, Json, Struct
from chat_app.providers.base import Load
from chat_app.providers.connections import connections_to
from chat_app.providers.media import with_data
from chat_app.providers.openai import OpenAIProvider, wire_tools
from chat_app.providers.relay import read_bounded

_MOST_WAITING = 1_000_000
_WAITING = "vllm:num_requests_waiting{"
_CACHE_USAGE = "vllm:kv_cache_usage_perc{"


class _Tokenized(Struct, frozen=True):
    count: int


class VllmProvider(OpenAIProvider):
    """One vLLM server."""

    kind: str = "vllm"
    _seam: ClassVar[str] = "continue_final_message"

    def __init__(self, *, server: str, base_url: str, api_key: str, connect_timeout_s: float) -> None:
        super().__init__(server=server, base_url=base_url, api_key=api_key, connect_timeout_s=connect_timeout_s)
        # What the SDK has no word for stands beside `/v1`, and asks for no key.
        self._root = connections_to(base_url.removesuffix("/v1"), connect_timeout_s)
        self._root.timeout = connect_timeout_s

    def parameters(self, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
        """See `OpenAIProvider.parameters`."""
        sent, dropped = super().parameters(request)
        if "thinking_budget" in sent:
            sent["thinking_token_budget"] = sent.pop("thinking_budget")
        if request.continue_final:
            sent |= {"continue_final_message": True, "add_generation_prompt": False}
        return sent, dropped

    def wire_messages(self, request: ChatRequest) -> list[Json]:
        """See `OpenAIProvider.wire_messages`: the unfinished answer stays last."""
        return super().wire_messages(ChatRequest(request.model, request.messages))

    async def load(self) -> Load:
        """How busy it is, over all the engines it runs; see `TellsLoad`."""
        try:
            async with self._root.stream("GET", "/metrics") as answer:
                body = await read_bounded(answer.aiter_bytes())
        except httpx2.HTTPError as error:
            raise ModelUnreachable(f"No answer from {self.server}.", detail=str(error)) from error
        text = body.decode(errors="replace")  # in UTF-8, whatever it says of itself
        waiting, usage = _figures(text, _WAITING), _figures(text, _CACHE_USAGE)
        if not waiting:
            raise ModelFailed(f"{self.server} does not say how busy it is.", detail=f"status {answer.status_code}")
        return Load(int(min(sum(waiting), _MOST_WAITING)), max(usage, default=0.0))

    async def count(self, model: str, request: ChatRequest) -> int:
        """See `CountsTokens`."""
        request = await with_data(request)
        asked = wire_tools(request) | {"model": model, "messages": self.wire_messages(request)}
        try:
            answer = await self._root.post("/tokenize", json=asked)
        except httpx2.HTTPError as error:
            raise ModelUnreachable(f"No answer from {self.server}.", detail=str(error)) from error
        try:
            return msgspec.json.decode(answer.content, type=_Tokenized).count
        except NOT_JSON as error:
            raise ModelFailed(f"{self.server} does not count tokens.", detail=f"status {answer.status_code}") from error

    async def aclose(self) -> None:
        """Close connections."""
        await super().aclose()
        await self._root.aclose()


def _figures(text: str, name: str) -> list[float]:
    """The values of a metric, one for each engine (prometheus.io/docs/instrumenting/exposition_formats)."""
    lines = (line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(name))
    return [value for value in map(_number, lines) if math.isfinite(value)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
