"""The Chat Completions wire, for OpenAI and every server that speaks it.

The SDK lists the models; what it would do with a request and an answer is done here with msgspec, at a fraction of the
CPU (docs/decisions/0009). Retries are the gateway's, so the SDK's are off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import httpx2
import msgspec
import openai

from chat_app.errors import NOT_JSON, ModelError, NoModelList
from chat_app.events import Event, Finish, Start
from chat_app.messages import (
    ChatRequest,
    Json,
    MediaPart,
    Message,
    Struct,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
    Wire,
)
from chat_app.parameters import SENT
from chat_app.providers.base import GO_ON, Offer
from chat_app.providers.chat_answers import Fold, embeddings, transcript, whole_answer
from chat_app.providers.connections import connections_to
from chat_app.providers.media import ENDINGS, chat_content, with_data
from chat_app.providers.refusals import Refusals
from chat_app.providers.relay import Relay, read_bounded

_EXCERPT = 200
_CHOICES = ("auto", "none", "required")
# What other servers of this wire take beside its own parameters, and the vendor refuses.
_FOREIGN = frozenset({
    "top_k", "min_p", "repetition_penalty", "min_tokens", "stop_token_ids", "ignore_eos", "structured_outputs",
    "chat_template_kwargs", "priority", "enable_thinking", "thinking_budget", "enable_search", "thinking",
})  # fmt: skip
_VENDOR = "api.openai.com"
_TAKES = frozenset({"image", "audio/wav", "audio/mpeg"})
_LOST_WHEN_FOLDED = ("logprobs", "top_logprobs")


class _Meta(Struct, frozen=True):
    n_ctx_train: int | None = None


class _Told(Struct, frozen=True):
    """What a server tells beside the wire's own fields: vLLM `max_model_len`, llama.cpp `meta.n_ctx_train`.

    vLLM's adapters have the model they stand on as their `parent`.
    """

    max_model_len: int | None = None
    meta: _Meta | None = None
    parent: str | None = None
    owned_by: str | None = None


class _Model(Struct, frozen=True):
    id: str


class _Models(Struct, frozen=True):
    data: tuple[msgspec.Raw, ...]


_decode_models = msgspec.json.Decoder(_Models).decode
_decode_model = msgspec.json.Decoder(_Model).decode
_decode_told = msgspec.json.Decoder(_Told).decode


class OpenAIProvider:
    """One server that speaks Chat Completions.

    Args:
        server: What a person recognises it by.
        base_url: Up to and with `/v1`.
        api_key: The key; servers without one want it non-empty.
        connect_timeout_s: Time to connect.
    """

    kind: str = "openai"
    vendor: str = ""
    relays: frozenset[Wire] = frozenset[Wire](("chat", "embeddings", "transcriptions"))
    only_streams: bool = False
    refuses: frozenset[str] = frozenset()
    has_efforts: bool = True
    takes: frozenset[str] | None = _TAKES
    _seam: ClassVar[str] = "instruction"

    def __init__(self, *, server: str, base_url: str, api_key: str, connect_timeout_s: float) -> None:
        self.server = server
        self.base_url = base_url
        self._foreign = _FOREIGN if urlsplit(base_url).hostname == _VENDOR else frozenset[str]()
        self.refuses |= self._foreign & SENT
        if self._foreign:  # other servers of this wire read no files
            self.takes = _TAKES | {"application/pdf"}
        self._refusals = Refusals(server, api_key, openai.APIStatusError, openai.APIConnectionError, openai.OpenAIError)
        connections = connections_to(base_url, connect_timeout_s)
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "none", base_url=base_url, max_retries=0, http_client=connections
        )
        self._relay = Relay(connections, self._client.auth_headers, self._refusals)
        # The SDK would read them from the environment, and tell every server of this wire.
        self._client.organization = self._client.project = None

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`."""
        with self._refusals.told(""):
            async with self._client.models.with_streaming_response.list() as response:
                body = await read_bounded(response.iter_bytes())
        try:
            return list(_offers(body))
        except NOT_JSON as error:  # another program's port: its pages are no list
            detail = f"{error}: {self._refusals.without_key(body.decode(errors='replace'))[:_EXCERPT]}"
            raise NoModelList(f"{self.server} lists no models.", detail=detail) from error

    def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """See `Provider.stream`."""
        if request.wire == "transcriptions":
            return self._transcribed(model, request)
        if request.body is not None and request.wire == "embeddings":
            return self._embedded(model, request.body)
        if request.body is not None and request.wire in self.relays:
            return self._passed_on(model, request, request.body)
        return self._stream(model, request)

    async def _stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        request = await with_data(request)
        sent, dropped = self.parameters(request)
        asked: dict[str, Json] = {"model": model, "messages": self.wire_messages(request), "stream": True}
        asked["stream_options"] = {"include_usage": True}
        async with self._relay.asked("chat/completions", sent | asked, model) as response:
            request_id = response.headers.get("x-request-id", "")
            seam = self._seam if request.continue_final else ""
            yield Start(f"{self.server}/{model}", sent, dropped, request_id, seam=seam)
            fold = Fold(self._refusals.without_key)
            try:
                async for piece in response.aiter_bytes():
                    for event in fold.feed(piece):
                        yield event
                for event in fold.close():
                    yield _told_of_its_cut(event, self._max_tokens_name, sent)
            except (ModelError, httpx2.HTTPError, httpx2.StreamError):
                for event in fold.rest():
                    yield event
                raise

    async def _passed_on(self, model: str, request: ChatRequest, body: dict[str, Json]) -> AsyncGenerator[Event]:
        """The caller's own request as it is, and what comes back likewise, with what it says beside it."""
        options = body.get("stream_options")
        wanted = options if isinstance(options, dict) else {}
        own, dropped = self.as_taken({name: value for name, value in body.items() if name != "stream"})
        sent = own | {"model": model}
        is_whole = request.is_whole and not self.only_streams
        if request.is_whole and not is_whole:
            dropped += tuple(name for name in _LOST_WHEN_FOLDED if name in sent)
        if not is_whole:
            sent |= {"stream": True, "stream_options": wanted | {"include_usage": True}}
        async with self._relay.asked("chat/completions", sent, model) as response:
            request_id = response.headers.get("x-request-id", "")
            yield Start(f"{self.server}/{model}", dropped=dropped, request_id=request_id)
            if is_whole:
                for event in whole_answer(await response.aread(), self._refusals.without_key):
                    yield event
                return
            fold = Fold(self._refusals.without_key, wants_usage=wanted.get("include_usage") is True)
            async for piece in response.aiter_bytes():
                for event in fold.relay(piece):
                    yield event
            for event in fold.relay(b"\n\n"):  # one that the server did not end with an empty line
                yield event
            yield fold.finish()

    def as_taken(self, body: dict[str, Json]) -> tuple[dict[str, Json], tuple[str, ...]]:
        """A program's own body as this server takes it, and the names of what it does not."""
        if not self._foreign:
            return body, ()
        dropped = tuple(name for name in body if name in self._foreign)
        taken = {name: value for name, value in body.items() if name not in dropped}
        if "max_tokens" in taken:  # by its old name, which newer models of the vendor refuse
            taken = {self._max_tokens_name: taken.pop("max_tokens")} | taken
        return taken, dropped

    @property
    def _max_tokens_name(self) -> str:
        """OpenAI's newer models refuse the old name, and servers of others pass over the new one in silence."""
        return "max_completion_tokens" if self.vendor == "OpenAI" or self._foreign else "max_tokens"

    async def _embedded(self, model: str, body: dict[str, Json]) -> AsyncGenerator[Event]:
        """Embeddings, which come all at once, as they are."""
        async with self._relay.asked("embeddings", body | {"model": model}, model) as response:
            yield Start(f"{self.server}/{model}", request_id=response.headers.get("x-request-id", ""))
            for event in embeddings(await response.aread(), self._refusals.without_key):
                yield event

    async def _transcribed(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """What is said in a recording (platform.openai.com/docs/api-reference/audio/createTranscription).

        Its own name is nobody's business there; by its ending a server tells what it is.
        """
        sound = next(part for message in request.messages for part in message.parts if isinstance(part, MediaPart))
        asked: dict[str, Json] = {"model": model, "response_format": "json"}
        name = f"recording.{ENDINGS.get(sound.media_type, 'wav')}"
        with await asyncio.to_thread(Path(sound.path).open, "rb") as content:
            file = (name, content, sound.media_type)
            async with self._relay.asked(
                "audio/transcriptions", asked | request.parameters, model, file=file
            ) as answer:
                yield Start(f"{self.server}/{model}", request_id=answer.headers.get("x-request-id", ""))
                for event in transcript(await read_bounded(answer.aiter_bytes()), self._refusals.without_key):
                    yield event

    def parameters(self, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
        """The parameters as this wire names them, and the names of those it does not take."""
        sent = wire_tools(request) | _wire_parameters(request.parameters, self._max_tokens_name)
        dropped = tuple(name for name in sent if name in self._foreign | self.refuses)
        return {name: value for name, value in sent.items() if name not in dropped}, dropped

    def wire_messages(self, request: ChatRequest) -> list[Json]:
        """The messages as this wire wants them."""
        messages = list(request.messages)
        if request.continue_final:
            messages.append(Message("user", (TextPart(GO_ON),)))
        return [wire for message in messages for wire in _wire_messages(message)]

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()


def _told_of_its_cut(event: Event, name: str, sent: dict[str, Json]) -> Event:
    """A server may cut the most tokens to what its context leaves and not say so, as vLLM: it ends by length sooner."""
    match event, sent.get(name):
        case Finish("length", Usage(output_tokens=int(made), reasoning_tokens=thought)), int(most) if (
            made + (thought or 0) < most  # some count what was thought apart
        ):
            return msgspec.structs.replace(event, clamped={name: most})
        case _:
            return event


def wire_tools(request: ChatRequest) -> dict[str, Json]:
    """The tools, and which of them is to be called, as Chat Completions has them."""
    sent: dict[str, Json] = {}
    if request.tools:
        sent["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.schema},
            }
            for tool in request.tools
        ]
    if request.tool_choice:
        own = request.tool_choice in _CHOICES
        sent["tool_choice"] = (
            request.tool_choice if own else {"type": "function", "function": {"name": request.tool_choice}}
        )
    return sent


def _wire_parameters(parameters: Mapping[str, Json], max_tokens_name: str) -> dict[str, Json]:
    """Set parameters by their names on this wire."""
    names = {"max_tokens": max_tokens_name}
    return {names.get(name, name): value for name, value in parameters.items() if value not in (None, [])}


def _wire_messages(message: Message) -> list[Json]:
    """A message, which is several on this wire where it holds what several tools gave back."""
    results = [part for part in message.parts if isinstance(part, ToolResultPart)]
    if results:
        return [{"role": "tool", "tool_call_id": part.call_id, "content": part.text} for part in results]
    calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
    if not calls:
        return [{"role": message.role, "content": _content(message)}]
    wire: list[Json] = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in calls
    ]
    return [{"role": message.role, "content": message.text or None, "tool_calls": wire}]


def _content(message: Message) -> Json:
    """Words, or a list where there are pictures, sound or files among them."""
    if not any(isinstance(part, MediaPart) for part in message.parts):
        return message.text
    content: list[Json] = []
    for part in message.parts:
        match part:
            case MediaPart():
                content.append(chat_content(part))
            case TextPart(text) if text:
                content.append({"type": "text", "text": text})
            case _:
                pass
    return content


def _offers(body: bytes) -> Iterator[Offer]:
    """The models of a list; an entry that is none is passed over. An adapter's context is its parent's.

    Raises:
        msgspec.DecodeError: It is no list of models.
    """
    contexts: dict[str, int | None] = {}
    for entry in _decode_models(body).data:
        with suppress(msgspec.ValidationError):
            model, told = _decode_model(entry).id, _told(entry)
            parent = told.parent or ""
            own = told.max_model_len or (told.meta.n_ctx_train if told.meta else None)
            contexts[model] = own or contexts.get(parent)  # vLLM lists what an adapter stands on before it
            yield Offer(model, contexts[model], parent=parent, owner=told.owned_by or "")


def _told(entry: msgspec.Raw) -> _Told:
    try:
        return _decode_told(entry)
    except msgspec.ValidationError:  # another server's field of that name
        return _Told()
