"""What comes back on the Messages wire: events of a stream, or an answer all at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

import msgspec

from chat_app.errors import NOT_JSON, AnswerBroken
from chat_app.events import Finish, ReasoningDelta, Relayed, Said, TextDelta, ToolCallDelta
from chat_app.messages import FinishReason, Struct, Usage, counted
from chat_app.providers.relay import read_whole
from chat_app.providers.sse import SseDecoder

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


class _WholeBlock(Struct, frozen=True):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Whole(Struct, frozen=True):
    content: tuple[_WholeBlock, ...]
    stop_reason: str | None = None
    usage: _Usage = _Usage()


_decode = msgspec.json.Decoder(_Event).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode


class Fold:
    """From raw bytes to events; knows whether the answer was really finished."""

    def __init__(self, without_key: Callable[[str], str]) -> None:
        self._without_key = without_key
        self._sse = SseDecoder()
        self._usage = _Usage()
        self._reason: str | None = None
        self._is_over = self._is_relayed = False

    def feed(self, piece: bytes) -> Generator[Said]:
        """The deltas of a piece of the stream; those before an error come first."""
        for data in self._sse.feed(piece):
            yield from self._take(self._read(data))

    def relay(self, piece: bytes) -> Generator[Relayed]:
        """A piece of the stream as it is, all its events together. What comes before an error is given first."""
        self._is_relayed = True
        events: list[bytes] = []
        deltas: list[Said] = []
        try:
            for data in self._sse.feed(piece):
                event = self._read(data)
                deltas += self._take(event)
                events.append(b"event: %b\ndata: %b\n\n" % (event.type.encode(), data.replace(b"\n", b"\ndata: ")))
        finally:
            if events:
                yield Relayed(b"".join(events), tuple(deltas))

    def finish(self) -> Finish:
        """The end of the connection.

        Raises:
            AnswerBroken: It ended before `message_stop`: cut, however cleanly.
        """
        if not self._is_over:
            raise AnswerBroken("The answer broke off.", detail="the stream ended without message_stop")
        return _finish(self._reason, self._usage, is_relayed=self._is_relayed)

    def _read(self, data: bytes) -> _Event:
        """An event.

        Raises:
            AnswerBroken: It is an error, or no event.
        """
        try:
            event = _decode(data)
        except NOT_JSON as error:
            raise AnswerBroken("The answer broke off.", detail=f"malformed event: {error}") from error
        if event.type == "error":
            detail = self._without_key(bytes(event.error).decode(errors="replace"))
            raise AnswerBroken("The answer broke off.", detail=detail)
        return event

    def _take(self, event: _Event) -> Iterable[Said]:
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
            case _:  # ping, content_block_stop, and what later versions bring
                pass
        return ()


def whole_answer(body: bytes, without_key: Callable[[str], str]) -> Generator[Relayed | Finish]:
    """An answer that came all at once, as it is, and how it ended.

    Raises:
        AnswerBroken: It is none, or does not say how it ended.
    """
    answer = read_whole(_decode_whole, body, without_key)
    finish = _finish(answer.stop_reason, answer.usage, is_relayed=True)
    said = [each for index, block in enumerate(answer.content) for each in _of_block(index, block)]
    yield Relayed(body, tuple(said), is_whole=True)
    yield finish


def _finish(stop_reason: str | None, usage: _Usage, *, is_relayed: bool) -> Finish:
    reason = _REASONS.get(stop_reason or "")
    if reason is None and is_relayed and stop_reason:  # a pause for the vendor's own tools, which the program knows
        reason = "stop"
    if reason is None:
        raise AnswerBroken("The answer broke off.", detail=f"stop_reason: {stop_reason}")
    return Finish(reason, _usage(usage))


def _of_block(index: int, block: _WholeBlock) -> Iterable[Said]:
    match block.type:
        case "text":
            return (TextDelta(block.text),)
        case "thinking":
            return (ReasoningDelta(block.thinking),)
        case "tool_use":
            return (ToolCallDelta(index, block.id, block.name, bytes(block.input).decode()),)
        case _:
            return ()


def _opened(index: int, block: _Block) -> Iterable[Said]:
    match block.type:
        case "tool_use":
            return (ToolCallDelta(index, block.id, block.name),)
        case "redacted_thinking":
            return (ReasoningDelta("", redacted=block.data),)
        case _:
            return ()


def _grown(index: int, delta: _Delta) -> Iterable[Said]:
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
    return counted(
        Usage(
            input_tokens=None if usage.input_tokens is None else usage.input_tokens + cached,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_input_tokens,
            reasoning_tokens=details.thinking_tokens if details else None,
            cache_write_tokens=usage.cache_creation_input_tokens,
        )
    )
