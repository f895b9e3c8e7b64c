"""The Chat Completions wire, for OpenAI and every server that speaks it.

The SDK sends, authenticates and maps errors. The stream's JSON is decoded here with msgspec: the SDK's own models cost
0.2 ms of CPU a token. Retries are the gateway's, so the SDK's are off.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import ClassVar

import httpx2
import msgspec
import openai
from openai.types.chat import ChatCompletionMessageParam

from chat_app.errors import (
    AnswerBroken,
    KeyRefused,
    ModelError,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    PromptTooLong,
    RateLimited,
)
from chat_app.events import Delta, Event, Finish, ReasoningDelta, Start, ToolCallDelta
from chat_app.messages import ChatRequest, FinishReason, Json, Message, Parameters, Struct, TextPart, Usage
from chat_app.providers.base import Offer
from chat_app.providers.sse import SseDecoder
from chat_app.providers.thinking import ThinkSplitter

_DETAIL_CHARS, _EXCERPT = 2000, 200
_LONGEST_WAIT_S = 7 * 24 * 3600
GO_ON = "Your last message broke off. Go on exactly where it ended, without repeating anything and without comment."


class _Function(Struct, frozen=True):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(Struct, frozen=True):
    index: int = 0
    id: str | None = None
    function: _Function = _Function()


class _Delta(Struct, frozen=True):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: tuple[_ToolCall, ...] | None = None


class _Choice(Struct, frozen=True):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _PromptDetails(Struct, frozen=True):
    cached_tokens: int | None = None


class _CompletionDetails(Struct, frozen=True):
    reasoning_tokens: int | None = None


class _Usage(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Chunk(Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()
    usage: _Usage | None = None
    error: msgspec.Raw = msgspec.Raw(b"null")  # of any shape; a union with None would take null alone


class _Meta(Struct, frozen=True):
    n_ctx_train: int | None = None


class _Context(Struct, frozen=True):
    """What a server tells beside the wire's own fields: vLLM `max_model_len`, llama.cpp `meta.n_ctx_train`."""

    max_model_len: int | None = None
    meta: _Meta | None = None


class _Model(Struct, frozen=True):
    id: str


class _Models(Struct, frozen=True):
    data: tuple[msgspec.Raw, ...]


_decode = msgspec.json.Decoder(_Chunk).decode
_decode_models = msgspec.json.Decoder(_Models).decode
_decode_model = msgspec.json.Decoder(_Model).decode
_decode_context = msgspec.json.Decoder(_Context).decode
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class OpenAIProvider:
    """One server that speaks Chat Completions.

    Args:
        server: What a person recognises it by.
        base_url: Up to and with `/v1`.
        api_key: The key; servers without one want it non-empty.
        connect_timeout_s: Time to connect.
    """

    kind: str = "openai"
    _max_tokens_name: ClassVar[str] = "max_completion_tokens"

    def __init__(self, *, server: str, base_url: str, api_key: str, connect_timeout_s: float) -> None:
        self.server = server
        self.base_url = base_url
        self._api_key = api_key
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "none",
            base_url=base_url,
            max_retries=0,
            # No read timeout here: the gateway bounds the first word and the silences between words.
            timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        )

    async def offers(self) -> list[Offer]:
        """See `Provider.offers`."""
        with self._mapped(""):
            response = await self._client.models.with_raw_response.list()
            body = response.content
        try:
            return list(_offers(body))
        except msgspec.DecodeError as error:  # another program's port: its pages are no list
            detail = self._without_key(f"{error}: {body[:_EXCERPT].decode(errors='replace')}")
            raise ModelFailed(f"{self.server} lists no models.", detail=detail) from error

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """See `Provider.stream`."""
        sent, dropped = self.parameters(request)
        with self._mapped(model):
            async with self._client.chat.completions.with_streaming_response.create(
                model=model,
                messages=(),  # in extra_body: the SDK's walk over them by their types costs 0.1 ms a message
                stream=True,
                stream_options={"include_usage": True},
                extra_body=sent | {"messages": self.wire_messages(request)},
            ) as response:
                request_id = response.headers.get("x-request-id", "")
                yield Start(deployment=f"{self.server}/{model}", sent=sent, dropped=dropped, request_id=request_id)
                fold = _Fold(self._without_key)
                try:
                    async for piece in response.iter_bytes():
                        for event in fold.feed(piece):
                            yield event
                    for event in fold.close():
                        yield event
                except (ModelError, httpx2.HTTPError, httpx2.StreamError):
                    for event in fold.rest():
                        yield event
                    raise

    def parameters(self, request: ChatRequest) -> tuple[dict[str, Json], tuple[str, ...]]:
        """The parameters as this wire names them, and the names of those it does not take."""
        return wire_parameters(request.parameters, self._max_tokens_name), ()

    def wire_messages(self, request: ChatRequest) -> list[ChatCompletionMessageParam]:
        """The messages as this wire wants them."""
        messages = list(request.messages)
        if request.continue_final:
            messages.append(Message("user", (TextPart(GO_ON),)))
        return [_wire_message(message) for message in messages]

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    @contextmanager
    def _mapped(self, model: str) -> Generator[None]:
        """Turn the SDK's errors, and those of httpx2 below it, into ours."""
        try:
            yield
        except openai.APIStatusError as error:
            raise _status_error(error, self.server, model, self._detail(error)) from error
        except (openai.APIConnectionError, httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ModelUnreachable(f"No answer from {self.server}.", detail=self._detail(error)) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise AnswerBroken("The answer broke off.", detail=self._detail(error)) from error
        except openai.OpenAIError as error:
            raise ModelFailed(f"{self.server} failed.", detail=self._detail(error)) from error

    def _detail(self, error: Exception) -> str:
        """The vendor's own words, without the request, whose headers hold the key, and without an echo of the key."""
        body = error.body if isinstance(error, openai.APIError) else None
        text = json.dumps(body, ensure_ascii=False) if body is not None else f"{type(error).__name__}: {error}"
        if isinstance(error, openai.APIStatusError) and error.request_id:
            text = f"{text}\nrequest id: {error.request_id}"
        return self._without_key(text)

    def _without_key(self, text: str) -> str:
        return (text.replace(self._api_key, "…") if self._api_key else text)[:_DETAIL_CHARS]


def wire_parameters(parameters: Parameters, max_tokens_name: str) -> dict[str, Json]:
    """Set parameters by their Chat Completions names; unset ones are left out."""
    named: dict[str, Json] = {
        "temperature": parameters.temperature,
        "top_p": parameters.top_p,
        max_tokens_name: parameters.max_output_tokens,
        "seed": parameters.seed,
        "stop": list(parameters.stop) if parameters.stop else None,
    }
    return parameters.extra | {name: value for name, value in named.items() if value is not None}


def _wire_message(message: Message) -> ChatCompletionMessageParam:
    if message.role == "system":
        return {"role": "system", "content": message.text}
    if message.role == "assistant":
        return {"role": "assistant", "content": message.text}
    return {"role": "user", "content": message.text}


class _Fold:
    """From raw bytes to events; knows whether the answer was really finished."""

    def __init__(self, without_key: Callable[[str], str]) -> None:
        self._without_key = without_key
        self._sse = SseDecoder()
        self._think = ThinkSplitter()
        self._reason: str | None = None
        self._usage = Usage()

    def feed(self, piece: bytes) -> Generator[Delta]:
        """The deltas of a piece of the stream; those before an error come first."""
        for data in self._sse.feed(piece):
            yield from self._take(data)

    def rest(self) -> list[Delta]:
        """Words that were held back, as they might have become a mark of reasoning."""
        return self._think.close()

    def close(self) -> Generator[Event]:
        """The end of the connection.

        Raises:
            AnswerBroken: It ended without a finish reason: cut, whatever `[DONE]` says.
        """
        if (last := self._sse.close()) is not None:
            yield from self._take(last)
        yield from self.rest()
        reason = _REASONS.get(self._reason or "")
        if reason is None:
            detail = f"finish_reason: {self._reason}" if self._reason else "the stream ended without a finish reason"
            raise AnswerBroken("The answer broke off.", detail=detail)
        yield Finish(reason, self._usage)

    def _take(self, data: bytes) -> list[Delta]:
        if data == b"[DONE]":
            return []
        try:
            chunk = _decode(data)
        except msgspec.DecodeError as error:
            raise AnswerBroken("The answer broke off.", detail=f"malformed chunk: {error}") from error
        if bytes(chunk.error) != b"null":
            detail = self._without_key(bytes(chunk.error).decode(errors="replace"))
            raise AnswerBroken("The answer broke off.", detail=detail)
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
        deltas: list[Delta] = []
        for choice in chunk.choices[:1]:
            self._take_choice(choice, deltas)
        return deltas

    def _take_choice(self, choice: _Choice, deltas: list[Delta]) -> None:
        delta = choice.delta
        thought = delta.reasoning or delta.reasoning_content
        if thought:
            deltas.append(ReasoningDelta(thought))
        if delta.content:
            deltas += self._think.feed(delta.content)
        for call in delta.tool_calls or ():
            deltas.append(
                ToolCallDelta(call.index, call.id or "", call.function.name or "", call.function.arguments or "")
            )
        self._reason = choice.finish_reason or self._reason


def _usage(usage: _Usage) -> Usage:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_tokens=prompt.cached_tokens if prompt else None,
        reasoning_tokens=completion.reasoning_tokens if completion else None,
    )


def _offers(body: bytes) -> Iterator[Offer]:
    """The models of a list; an entry that is none is passed over.

    Raises:
        msgspec.DecodeError: It is no list of models.
    """
    for entry in _decode_models(body).data:
        with suppress(msgspec.ValidationError):
            yield Offer(_decode_model(entry).id, _context_of(entry))


def _context_of(entry: msgspec.Raw) -> int | None:
    try:
        told = _decode_context(entry)
    except msgspec.ValidationError:
        return None
    return told.max_model_len or (told.meta.n_ctx_train if told.meta else None)


def _status_error(error: openai.APIStatusError, server: str, model: str, detail: str) -> ModelError:
    status = error.status_code
    if status in (401, 403):
        return KeyRefused(f"{server} refused the key.", detail=detail)
    if status == 404:
        return ModelUnknown(f"{server} does not offer {model or 'a list of models'}.", detail=detail)
    if status == 429:
        wait = _retry_after(error)
        return RateLimited(f"{model or server} is limiting requests.", detail=detail, retry_after_s=wait)
    if status == 400 and ("context" in detail or "input_tokens" in detail):
        return PromptTooLong(f"This message is too long for {model}.", detail=detail)
    return ModelFailed(f"{server} failed with {status}.", detail=detail)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """How long to wait, told in seconds or as a date (RFC 9110, 10.2.3); None where neither makes sense."""
    value = error.response.headers.get("retry-after", "")
    try:
        wait_s = float(value)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):  # no date, or one without a time zone
            return None
    return wait_s if 0 <= wait_s <= _LONGEST_WAIT_S else None
