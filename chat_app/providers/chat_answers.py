"""What comes back on the Chat Completions wire: chunks of a stream, or an answer all at once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Annotated

import msgspec

from chat_app.errors import NOT_JSON, AnswerBroken
from chat_app.events import Delta, Event, Finish, ReasoningDelta, Relayed, Said, TextDelta, ToolCallDelta
from chat_app.messages import FinishReason, Struct, Usage, counted
from chat_app.providers.relay import read_whole
from chat_app.providers.sse import SseDecoder
from chat_app.providers.thinking import ThinkSplitter


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


class _WholeChoice(Struct, frozen=True):
    message: _Delta = _Delta()
    finish_reason: str | None = None


class _Whole(Struct, frozen=True):
    choices: tuple[_WholeChoice, ...] = ()
    usage: _Usage | None = None


class _Embeddings(Struct, frozen=True):
    data: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1)]
    usage: _Usage = _Usage()


class _Heard(Struct, frozen=True):
    """What was taken, where it is counted in tokens; some count seconds."""

    input_tokens: int | None = None
    output_tokens: int | None = None


class _Transcript(Struct, frozen=True):
    text: str
    usage: _Heard | None = None


_decode_transcript = msgspec.json.Decoder(_Transcript).decode
_decode_embeddings = msgspec.json.Decoder(_Embeddings).decode
_decode = msgspec.json.Decoder(_Chunk).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode
_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class Fold:
    """From raw bytes to events; knows whether the answer was really finished."""

    def __init__(self, without_key: Callable[[str], str], *, wants_usage: bool = True) -> None:
        self._without_key, self._wants_usage = without_key, wants_usage
        self._sse = SseDecoder()
        self._think = ThinkSplitter()
        self._reason: str | None = None
        self._usage = Usage()

    def feed(self, piece: bytes) -> Generator[Delta]:
        """The deltas of a piece of the stream; those before an error come first."""
        for data in self._sse.feed(piece):
            yield from self._take(data)

    def relay(self, piece: bytes) -> Generator[Relayed]:
        """A piece of the stream as it is: all its chunks together, so that they take one way through the gateway.

        `[DONE]` is left out, and usage that was not asked for. What comes before an error is given first.
        """
        chunks: list[bytes] = []
        deltas: list[Said] = []
        try:
            for data in self._sse.feed(piece):
                if data != b"[DONE]" and (chunk := self._read(data)) is not None:
                    chunks.append(b"data: %b\n\n" % data.replace(b"\n", b"\ndata: "))
                    if chunk.choices:
                        deltas += _said(chunk.choices[0].delta)
        finally:
            if chunks:
                yield Relayed(b"".join(chunks), tuple(deltas))

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
        yield self.finish()

    def finish(self) -> Finish:
        """How it ended, with what it took.

        Raises:
            AnswerBroken: It did not.
        """
        reason = _REASONS.get(self._reason or "")
        if reason is None:
            detail = f"finish_reason: {self._reason}" if self._reason else "the stream ended without a finish reason"
            raise AnswerBroken("The answer broke off.", detail=detail)
        return Finish(reason, self._usage)

    def _take(self, data: bytes) -> list[Delta]:
        if data == b"[DONE]" or (chunk := self._read(data)) is None or not chunk.choices:
            return []
        delta = chunk.choices[0].delta
        deltas: list[Delta] = []
        if thought := delta.reasoning or delta.reasoning_content:
            deltas.append(ReasoningDelta(thought))
        if delta.content:
            deltas += self._think.feed(delta.content)
        return deltas + _calls(delta)

    def _read(self, data: bytes) -> _Chunk | None:
        """A chunk, with what it tells of the end; None where it tells of the usage alone, and nobody wants it.

        Raises:
            AnswerBroken: It is an error, or no chunk.
        """
        try:
            chunk = _decode(data)
        except NOT_JSON as error:
            raise AnswerBroken("The answer broke off.", detail=f"malformed chunk: {error}") from error
        if bytes(chunk.error) != b"null":
            detail = self._without_key(bytes(chunk.error).decode(errors="replace"))
            raise AnswerBroken("The answer broke off.", detail=detail)
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage)
            if not chunk.choices and not self._wants_usage:
                return None
        if chunk.choices:
            self._reason = chunk.choices[0].finish_reason or self._reason
        return chunk


def whole_answer(body: bytes, without_key: Callable[[str], str]) -> Generator[Relayed | Finish]:
    """An answer that came all at once, as it is, and how it ended.

    Raises:
        AnswerBroken: It is none, or does not say how it ended.
    """
    answer = read_whole(_decode_whole, body, without_key)
    choice = answer.choices[0] if answer.choices else _WholeChoice()
    reason = _REASONS.get(choice.finish_reason or "")
    if reason is None:
        raise AnswerBroken("The answer broke off.", detail=f"finish_reason: {choice.finish_reason}")
    yield Relayed(body, _said(choice.message), is_whole=True)
    yield Finish(reason, _usage(answer.usage or _Usage()))


def embeddings(body: bytes, without_key: Callable[[str], str]) -> Generator[Relayed | Finish]:
    """Embeddings as they came, and what they took.

    Raises:
        AnswerBroken: There are none.
    """
    answer = read_whole(_decode_embeddings, body, without_key)
    yield Relayed(body, is_whole=True)
    taken = answer.usage.prompt_tokens
    yield Finish("stop", Usage() if taken is None else Usage(taken, 0))


def transcript(body: bytes, without_key: Callable[[str], str]) -> Generator[TextDelta | Finish]:
    """What was said in a recording, which comes all at once.

    Raises:
        AnswerBroken: It is no transcript.
    """
    answer = read_whole(_decode_transcript, body, without_key)
    yield TextDelta(answer.text)
    taken = answer.usage or _Heard()
    yield Finish("stop", counted(Usage(taken.input_tokens, taken.output_tokens)))


def _said(delta: _Delta) -> tuple[Said, ...]:
    """What a chunk says, tags of reasoning left where they are."""
    thought = delta.reasoning or delta.reasoning_content
    thoughts = [ReasoningDelta(thought)] if thought else []
    words = [TextDelta(delta.content)] if delta.content else []
    return (*thoughts, *words, *_calls(delta))


def _calls(delta: _Delta) -> list[ToolCallDelta]:
    return [
        ToolCallDelta(call.index, call.id or "", call.function.name or "", call.function.arguments or "")
        for call in delta.tool_calls or ()
    ]


def _usage(usage: _Usage) -> Usage:
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return counted(
        Usage(
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_tokens=prompt.cached_tokens if prompt else None,
            reasoning_tokens=completion.reasoning_tokens if completion else None,
        )
    )
