"""The Messages wire, for Anthropic.

As with OpenAI's, the SDK sends and authenticates, and the stream's JSON is decoded here. Since version 2026-10-21 the
wire takes no sampling parameters: they are dropped, and said to be. `max_tokens` must always be there.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable

import anthropic
import msgspec

from chat_app.errors import AnswerBroken, ModelFailed
from chat_app.events import Delta, Event, Finish, ReasoningDelta, Start, TextDelta, ToolCallDelta
from chat_app.messages import (
    ChatRequest,
    FinishReason,
    Json,
    Message,
    Part,
    Parts,
    ReasoningPart,
    Struct,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from chat_app.providers.base import GO_ON, Offer
from chat_app.providers.connections import connections_to
from chat_app.providers.refusals import Refusals
from chat_app.providers.sse import SseDecoder

_DEFAULT_TOKENS = 8192  # where the list of models does not say what a model can give
_EXCERPT = 200
# What this wire takes beside the parameters that every wire has; all else is dropped, as it would be refused.
_TAKEN = ("thinking", "output_config", "metadata", "service_tier", "tools", "tool_choice", "cache_control", "speed")
_CHOICES: dict[str, Json] = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class _OutputDetails(Struct, frozen=True):
    thinking_tokens: int | None = None


class _Usage(Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Opening(Struct, frozen=True):
    usage: _Usage = _Usage()


class _Block(Struct, frozen=True):
    type: str
    id: str = ""
    name: str = ""
    data: str = ""


class _Delta(Struct, frozen=True):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Event(Struct, frozen=True):
    """Every event of the stream; `type` says which fields are there."""

    type: str
    index: int = 0
    message: _Opening | None = None
    content_block: _Block | None = None
    delta: _Delta = _Delta()
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")


class _Model(Struct, frozen=True):
    id: str
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class _Models(Struct, frozen=True):
    data: tuple[_Model, ...]


_decode = msgspec.json.Decoder(_Event).decode
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
    relays: bool = False

    def __init__(self, *, server: str, base_url: str, api_key: str, connect_timeout_s: float) -> None:
        self.server = server
        self.base_url = base_url
        self._limits: dict[str, int] = {}
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key or "none",
            base_url=base_url,
            max_retries=0,
            http_client=connections_to(base_url, connect_timeout_s),
        )
        self._refusals = Refusals(
            server, api_key, anthropic.APIStatusError, anthropic.APIConnectionError, anthropic.AnthropicError
        )

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`."""
        with self._refusals.told(""):
            response = await self._client.models.with_raw_response.list(limit=1000)
            body = response.http_response.content
        try:
            models = _decode_models(body).data
        except msgspec.DecodeError as error:
            detail = self._refusals.without_key(f"{error}: {body[:_EXCERPT].decode(errors='replace')}")
            raise ModelFailed(f"{self.server} lists no models.", detail=detail) from error
        self._limits = {model.id: model.max_tokens for model in models if model.max_tokens}
        return [Offer(model.id, model.max_input_tokens, model.max_tokens) for model in models]

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """See `Provider.stream`."""
        sent, dropped, clamped = self.parameters(model, request)
        system, messages = wire_messages(request)
        with self._refusals.told(model):
            async with self._client.messages.with_streaming_response.create(
                model=model,
                max_tokens=_DEFAULT_TOKENS,  # in extra_body, as all that follows: the SDK's walk over it costs
                messages=(),
                stream=True,
                extra_body=sent | {"messages": messages} | ({"system": system} if system else {}),
            ) as response:
                request_id = response.headers.get("request-id", "")
                seam = "instruction" if request.continue_final else ""
                yield Start(f"{self.server}/{model}", sent, dropped, request_id, clamped, seam)
                fold = _Fold(self._refusals)
                async for piece in response.iter_bytes():
                    for event in fold.feed(piece):
                        yield event
                yield fold.finish()

    def parameters(self, model: str, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...], dict[str, Json]]:
        """The parameters as this wire names them, the names of those it does not take, and those cut to its limits."""
        asked = request.parameters
        extra: dict[str, Json] = dict(asked.extra)
        named: dict[str, Json] = {"temperature": asked.temperature, "top_p": asked.top_p, "seed": asked.seed}
        dropped = [name for name, value in named.items() if value is not None]
        sent: dict[str, Json] = {"cache_control": {"type": "ephemeral"}}  # what a conversation began with comes again
        if (effort := extra.pop("reasoning_effort", None)) is not None:
            extra.setdefault("thinking", {"type": "adaptive"})
            extra.setdefault("output_config", {"effort": effort})
        for name, value in extra.items():
            if name in _TAKEN:
                sent[name] = value
            else:
                dropped.append(name)
        most = self._limits.get(model)
        wanted = asked.max_output_tokens or most or _DEFAULT_TOKENS
        clamped: dict[str, Json] = {"max_tokens": wanted} if most is not None and wanted > most else {}
        sent["max_tokens"] = min(wanted, most or wanted)
        if request.tools:
            sent["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.schema or {"type": "object"}}
                for tool in request.tools
            ]
        if request.tool_choice:
            sent["tool_choice"] = _CHOICES.get(request.tool_choice) or {"type": "tool", "name": request.tool_choice}
        if asked.stop:
            sent["stop_sequences"] = [stop for stop in asked.stop if stop.strip()]  # white space alone is refused
        return sent, tuple(dropped), clamped

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


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


def _blocks(parts: Parts) -> list[Json]:
    # Thoughts go back where a tool was called: the model thinks on from them, and its vendor checks their signature.
    has_calls = any(isinstance(part, ToolCallPart) for part in parts)
    return [block for part in parts if (block := _block(part, has_calls)) is not None]


def _block(part: Part, has_calls: bool) -> Json:
    match part:
        case TextPart(text) if text:
            return {"type": "text", "text": text}
        case ReasoningPart(_, _, _, redacted) if redacted and has_calls:
            return {"type": "redacted_thinking", "data": redacted}
        case ReasoningPart(text, _, signature) if signature and has_calls:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCallPart(call_id, name, arguments):
            return {"type": "tool_use", "id": call_id, "name": name, "input": _arguments(arguments)}
        case ToolResultPart(call_id, text, is_error):
            return {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": is_error}
        case _:
            return None


def _arguments(text: str) -> Json:
    """The arguments of a call as the object that this wire wants; what is none stands in one."""
    try:
        found: Json = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {"arguments": text}
    return found if isinstance(found, dict) else {"arguments": found}


class _Fold:
    """From raw bytes to events; knows whether the answer was really finished."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals
        self._sse = SseDecoder()
        self._usage = _Usage()
        self._reason: str | None = None
        self._is_over = False

    def feed(self, piece: bytes) -> Generator[Delta]:
        """The deltas of a piece of the stream; those before an error come first."""
        for data in self._sse.feed(piece):
            try:
                event = _decode(data)
            except msgspec.DecodeError as error:
                raise AnswerBroken("The answer broke off.", detail=f"malformed event: {error}") from error
            yield from self._take(event)

    def finish(self) -> Finish:
        """The end of the connection.

        Raises:
            AnswerBroken: It ended before `message_stop`: cut, however cleanly.
        """
        reason = _REASONS.get(self._reason or "")
        if reason is None or not self._is_over:
            detail = f"stop_reason: {self._reason}" if self._is_over else "the stream ended without message_stop"
            raise AnswerBroken("The answer broke off.", detail=detail)
        return Finish(reason, _usage(self._usage))

    def _take(self, event: _Event) -> Iterable[Delta]:
        match event.type:
            case "message_start" if event.message is not None:
                self._usage = event.message.usage
            case "content_block_start" if event.content_block is not None:
                return _opened(event.index, event.content_block)
            case "content_block_delta":
                return _grown(event.index, event.delta)
            case "message_delta":
                self._reason = event.delta.stop_reason or self._reason
                self._usage = _newer(self._usage, event.usage or _Usage())
            case "message_stop":
                self._is_over = True
            case "error":
                detail = self._refusals.without_key(bytes(event.error).decode(errors="replace"))
                raise AnswerBroken("The answer broke off.", detail=detail)
            case _:  # ping, content_block_stop, and what later versions bring
                pass
        return ()


def _opened(index: int, block: _Block) -> Iterable[Delta]:
    match block.type:
        case "tool_use":
            return (ToolCallDelta(index, block.id, block.name),)
        case "redacted_thinking":
            return (ReasoningDelta("", redacted=block.data),)
        case _:
            return ()


def _grown(index: int, delta: _Delta) -> Iterable[Delta]:
    match delta.type:
        case "text_delta":
            return (TextDelta(delta.text),)
        case "thinking_delta":
            return (ReasoningDelta(delta.thinking),)
        case "signature_delta":
            return (ReasoningDelta("", signature=delta.signature),)
        case "input_json_delta":
            return (ToolCallDelta(index, arguments=delta.partial_json),)
        case _:
            return ()


def _newer(before: _Usage, after: _Usage) -> _Usage:
    """Counts are cumulative: the last one told of each is the whole."""
    told = {name: value for name in _Usage.__struct_fields__ if (value := getattr(after, name)) is not None}
    return msgspec.structs.replace(before, **told)


def _usage(usage: _Usage) -> Usage:
    """As every wire counts here: input includes what came from, and went into, the cache."""
    details = usage.output_tokens_details
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return Usage(
        input_tokens=None if usage.input_tokens is None else usage.input_tokens + cached,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cache_read_input_tokens,
        reasoning_tokens=details.thinking_tokens if details else None,
        cache_write_tokens=usage.cache_creation_input_tokens,
    )
