"""The Messages wire, for Anthropic.

As with OpenAI's, the SDK lists the models and the rest is done here (docs/decisions/0009). Since version 2026-10-21 the
wire takes no sampling parameters: they are dropped, and said to be. `max_tokens` must always be there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import anthropic
import msgspec

from chat_app.errors import NOT_JSON, ModelFailed, NoModelList
from chat_app.events import Event, Start
from chat_app.messages import (
    ChatRequest,
    Json,
    MediaPart,
    Message,
    Part,
    ReasoningPart,
    Struct,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Wire,
)
from chat_app.parameters import ANY_JSON, SENT, SPEC, most_tokens
from chat_app.providers.base import GO_ON, Offer
from chat_app.providers.connections import connections_to
from chat_app.providers.media import messages_block, with_data
from chat_app.providers.messages_answers import Fold, whole_answer
from chat_app.providers.refusals import Refusals
from chat_app.providers.relay import Relay, read_bounded

_DEFAULT_TOKENS = 8192  # where the list of models does not say what a model can give
_EXCERPT = 200
_PATH = "v1/messages"
_VERSION = "anthropic-version"
# What this wire takes beside the parameters that every wire has; all else is dropped, as it would be refused.
_TAKEN = (
    "thinking", "output_config", "metadata", "service_tier", "tools", "tool_choice", "cache_control", "speed",
)  # fmt: skip
_EFFORTS = ("low", "medium", "high", "xhigh", "max")  # platform.claude.com/docs/en/build-with-claude/effort
_OF_OURS = frozenset({"max_tokens", "stop", "reasoning_effort", "response_format"})
_NO_EFFORTS = {f"reasoning_effort={each}" for each in SPEC["reasoning_effort"].choices if each not in _EFFORTS}
_CHOICES: dict[str, Json] = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}


class _Model(Struct, frozen=True):
    id: str
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _Count(Struct, frozen=True):
    input_tokens: int


class _Models(Struct, frozen=True):
    data: tuple[_Model, ...]


_decode_models = msgspec.json.Decoder(_Models).decode


class AnthropicProvider:
    """Anthropic, or a server that speaks its wire.

    Args:
        server: What a person recognises it by.
        base_url: Without `/v1`, as the vendor's own variable has it.
        api_key: The key.
        connect_timeout_s: Time to connect.
    """

    kind: str = "anthropic"
    vendor: str = ""
    relays: frozenset[Wire] = frozenset[Wire](("messages",))
    only_streams: bool = False
    refuses: frozenset[str] = SENT - _OF_OURS | _NO_EFFORTS | {ANY_JSON}
    has_efforts: bool = True
    takes: frozenset[str] | None = frozenset[str](("image", "application/pdf"))

    def __init__(self, *, server: str, base_url: str, api_key: str, connect_timeout_s: float) -> None:
        self.server = server
        self.base_url = base_url
        self._limits: dict[str, int] = {}
        self._refusals = Refusals(
            server, api_key, anthropic.APIStatusError, anthropic.APIConnectionError, anthropic.AnthropicError
        )
        connections = connections_to(base_url, connect_timeout_s)
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key or "none", base_url=base_url, max_retries=0, http_client=connections
        )
        version = {_VERSION: str(self._client.default_headers[_VERSION])}  # a program's own body has its own
        self._relay = Relay(connections, self._client.auth_headers | version, self._refusals)

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`."""
        with self._refusals.told(""):
            async with self._client.models.with_streaming_response.list(limit=1000) as response:
                body = await read_bounded(response.iter_bytes())
        try:
            models = _decode_models(body).data
        except NOT_JSON as error:
            detail = f"{error}: {self._refusals.without_key(body.decode(errors='replace'))[:_EXCERPT]}"
            raise NoModelList(f"{self.server} lists no models.", detail=detail) from error
        self._limits = {model.id: model.max_tokens for model in models if model.max_tokens}
        return [Offer(model.id, model.max_input_tokens, model.max_tokens) for model in models]

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """See `Provider.stream`."""
        if request.body is not None and request.wire in self.relays:
            return self._passed_on(model, request, request.body)
        return self._stream(model, request)

    async def _stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        request = await with_data(request)
        sent, dropped, clamped = self.parameters(model, request)
        body = sent | _question(request) | {"model": model, "stream": True}
        async with self._relay.asked(_PATH, body, model) as response:
            request_id = response.headers.get("request-id", "")
            seam = "instruction" if request.continue_final else ""
            yield Start(f"{self.server}/{model}", sent, dropped, request_id, clamped, seam)
            fold = Fold(self._refusals.without_key)
            async for piece in response.aiter_bytes():
                for event in fold.feed(piece):
                    yield event
            yield fold.finish()

    async def _passed_on(self, model: str, request: ChatRequest, body: dict[str, Json]) -> AsyncGenerator[Event]:
        """The caller's own request as it is, and what comes back likewise, with what it says beside it."""
        async with self._relay.asked(_PATH, body | {"model": model}, model, request.headers) as response:
            yield Start(f"{self.server}/{model}", request_id=response.headers.get("request-id", ""))
            if request.is_whole:
                for event in whole_answer(await response.aread(), self._refusals.without_key):
                    yield event
                return
            fold = Fold(self._refusals.without_key)
            async for piece in response.aiter_bytes():
                for event in fold.relay(piece):
                    yield event
            yield fold.finish()

    async def count(self, model: str, request: ChatRequest) -> int:
        """See `CountsTokens`."""
        body = request.body
        if body is None or request.wire not in self.relays:
            sent = self.parameters(model, request)[0]
            body = _question(request) | {name: sent[name] for name in ("tools", "tool_choice") if name in sent}
        asked = body | {"model": model}
        async with self._relay.asked(f"{_PATH}/count_tokens", asked, model, request.headers) as answer:
            content = await answer.aread()
        try:
            return msgspec.json.decode(content, type=_Count).input_tokens
        except NOT_JSON as error:
            raise ModelFailed(f"{self.server} does not count tokens.", detail=str(error)) from error

    def parameters(self, model: str, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...], dict[str, Json]]:
        """The parameters as this wire names them, the names of those it does not take, and those cut to its limits."""
        extra = {name: value for name, value in request.parameters.items() if value is not None}
        own, stop = most_tokens(extra), extra.pop("stop", None)
        extra.pop("max_tokens", None)
        dropped: list[str] = []
        sent: dict[str, Json] = {"cache_control": {"type": "ephemeral"}}  # what a conversation began with comes again
        effort = extra.pop("reasoning_effort", None)
        if effort is not None and effort not in _EFFORTS:
            dropped.append("reasoning_effort")
        elif effort is not None:
            extra.setdefault("thinking", {"type": "adaptive"})
            told = extra.get("output_config")
            extra["output_config"] = {"effort": effort} | (told if isinstance(told, dict) else {})
        shape = extra.pop("response_format", None)
        if (wanted := _format(shape)) is not None:
            config = extra.get("output_config")
            extra["output_config"] = (config if isinstance(config, dict) else {}) | {"format": wanted}
        elif shape is not None:
            dropped.append("response_format")
        for name, value in extra.items():
            if name in _TAKEN:
                sent[name] = value
            else:
                dropped.append(name)
        most = self._limits.get(model)
        wanted = own or most or _DEFAULT_TOKENS
        clamped: dict[str, Json] = {"max_tokens": wanted} if most is not None and wanted > most else {}
        sent["max_tokens"] = min(wanted, most or wanted)
        if request.tools:
            sent["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.schema or {"type": "object"}}
                for tool in request.tools
            ]
        if request.tool_choice:
            sent["tool_choice"] = _CHOICES.get(request.tool_choice) or {"type": "tool", "name": request.tool_choice}
        if isinstance(stop, list) and stop:
            taken = [each for each in stop if str(each).strip()]  # white space alone is refused
            sent |= {"stop_sequences": taken} if taken else {}
            dropped += ["stop"] if len(taken) < len(stop) else []
        return sent, tuple(dropped), clamped

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


def _format(wanted: Json) -> Json:
    """Chat Completions' `response_format` as this wire has it, which knows schemas alone."""
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    named = wanted.get("json_schema")
    return {"type": "json_schema", "schema": named.get("schema")} if isinstance(named, dict) else None


def _question(request: ChatRequest) -> dict[str, Json]:
    system, messages = wire_messages(request)
    asked: dict[str, Json] = {"messages": messages}
    return asked | {"system": system} if system else asked


def wire_messages(request: ChatRequest) -> tuple[str, list[Json]]:
    """The system prompt, and the messages as this wire wants them: none empty, the last a person's."""
    system = "\n\n".join(message.text for message in request.messages if message.role == "system")
    messages = [message for message in request.messages if message.role != "system"]
    if request.continue_final:  # newer models refuse an answer of their own at the end
        messages.append(Message("user", (TextPart(GO_ON),)))
    wire: list[Json] = []
    for message in messages:
        role = "assistant" if message.role == "assistant" else "user"  # what a tool gave back is the user's to say
        if content := _blocks(message.parts):
            wire.append({"role": role, "content": content})
    return system, wire


def _blocks(parts: Sequence[Part | MediaPart]) -> list[Json]:
    # Thoughts go back where a tool was called: the model thinks on from them, and its vendor checks their signature.
    has_calls = any(isinstance(part, ToolCallPart) for part in parts)
    return [block for part in parts if (block := _block(part, has_calls)) is not None]


def _block(part: Part | MediaPart, has_calls: bool) -> Json:
    match part:
        case TextPart(text) if text:
            return {"type": "text", "text": text}
        case MediaPart():
            return messages_block(part)
        case ReasoningPart(_, _, _, redacted) if redacted and has_calls:
            return {"type": "redacted_thinking", "data": redacted}
        case ReasoningPart(text, _, signature) if signature and has_calls:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCallPart(call_id, name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": part.arguments_object}
        case ToolResultPart(call_id, text, is_error):
            return {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": is_error}
        case _:
            return None
