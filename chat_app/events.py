"""What a model's answer is made of while it streams, and the one fold of it into parts.

Every provider yields these events and nothing else; the log, the store and the API read them. A stream is
`Start`, deltas, then `Finish` exactly once. A stream that ends without `Finish` was cut, and is a failure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

import msgspec

from chat_app.messages import (
    AttachmentPart,
    FinishReason,
    Json,
    Part,
    Parts,
    ReasoningPart,
    SentFile,
    Source,
    SourcesPart,
    Struct,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    Usage,
)


class Start(Struct, frozen=True, tag="start"):
    """The provider accepted the request.

    `sent` is what really went over the wire (without messages and secrets), `dropped` names parameters that did not,
    and `clamped` has what was asked of those that went with another value. `request_id` is the provider's own name for
    the request, to ask its support about. `seam` is how an answer that broke off was made to go on. `model` is the
    model that speaks, where it is another than was asked. `is_cached` says that an earlier answer is given again.
    `files` are those of the question, and how each was sent.
    """

    deployment: str
    sent: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])
    dropped: tuple[str, ...] = ()
    request_id: str = ""
    clamped: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])
    seam: str = ""
    model: str = ""
    is_cached: bool = False
    files: tuple[SentFile, ...] = ()


class TextDelta(Struct, frozen=True, tag="text"):
    """More words."""

    text: str


class ReasoningDelta(Struct, frozen=True, tag="reasoning"):
    """More thought. A `signature` ends this piece of it; `redacted` is a piece of its own, that is not shown."""

    text: str
    signature: str = ""
    redacted: str = ""


class ToolCallDelta(Struct, frozen=True, tag="tool_call"):
    """A piece of a tool call; `index` tells parallel calls apart, name and id come with the first piece."""

    index: int
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class Sources(Struct, frozen=True, tag="sources"):
    """The passages the answer stands on."""

    sources: tuple[Source, ...]


Said: TypeAlias = TextDelta | ReasoningDelta | ToolCallDelta


class Relayed(Struct, frozen=True, tag="relayed"):
    """What came off the wire, for a caller who speaks that wire; `deltas` is what it says.

    `data` is whole server-sent events or, with `is_whole`, the JSON of an answer that came all at once.
    """

    data: bytes
    deltas: tuple[Said, ...] = ()
    is_whole: bool = False


class Finish(Struct, frozen=True, tag="finish"):
    """The model said it is done, and why.

    `clamped` has what was asked of the parameters that the server, by where it ended, cut without a word.
    """

    reason: FinishReason
    usage: Usage = Usage()
    clamped: dict[str, Json] = msgspec.field(default_factory=dict[str, Json])


Delta: TypeAlias = Said | Sources
Event: TypeAlias = Start | Delta | Relayed | Finish


@dataclass(slots=True)
class _OpenText:
    """Text still growing: pieces are joined only when somebody asks, so that n deltas cost n, not n squared."""

    pieces: list[str]
    is_reasoning: bool
    began_ms: int
    ended_ms: int
    signature: str = ""

    def close(self) -> Part:
        text = "".join(self.pieces)
        if len(self.pieces) > 1:
            self.pieces = [text]
        if self.is_reasoning:
            return ReasoningPart(text, self.ended_ms - self.began_ms, self.signature)
        return TextPart(text)


@dataclass(slots=True)
class _OpenCall:
    call_id: str
    name: str
    arguments: list[str]

    def close(self) -> Part:
        return ToolCallPart(self.call_id, self.name, "".join(self.arguments))


@dataclass(slots=True)
class Reply:
    """The assistant's message as heard so far.

    Args:
        base: The parts that were there before, when an answer goes on; new words grow its last text part.
    """

    base: Parts = ()
    finish: Finish | None = None
    _open: list[_OpenText | _OpenCall | Part] = field(default_factory=list[_OpenText | _OpenCall | Part])
    _calls: dict[int, _OpenCall] = field(default_factory=dict[int, _OpenCall])

    def __post_init__(self) -> None:
        for part in self.base:
            match part:
                case TextPart(text):
                    self._open.append(_OpenText([text], False, 0, 0))
                case ReasoningPart(text, duration_ms, signature, "") if not signature:
                    self._open.append(_OpenText([text], True, 0, duration_ms))
                case ToolCallPart(call_id, name, arguments):
                    self._open.append(_OpenCall(call_id, name, [arguments]))
                case ReasoningPart() | ToolResultPart() | SourcesPart() | AttachmentPart():
                    self._open.append(part)
                case _:
                    assert_never(part)

    def apply(self, event: Event, at_ms: int = 0) -> None:
        """Take one event in.

        Args:
            event: The next event of the stream.
            at_ms: When it came, since the start of the answer; gives reasoning its duration.
        """
        match event:
            case TextDelta(text):
                self._grow(text, False, at_ms)
            case ReasoningDelta(_, _, redacted) if redacted:
                self._open.append(ReasoningPart("", redacted=redacted))
            case ReasoningDelta(text, signature):
                self._grow(text, True, at_ms, signature)
            case ToolCallDelta():
                self._call(event)
            case Sources(sources):
                self._open.append(SourcesPart(sources))
            case Relayed(_, deltas):
                for delta in deltas:
                    self.apply(delta, at_ms)
            case Finish():
                self.finish = event
            case Start():
                pass
            case _:
                assert_never(event)

    def _call(self, event: ToolCallDelta) -> None:
        call = self._calls.get(event.index)
        if call is None:
            call = self._calls[event.index] = _OpenCall(event.call_id, event.name, [])
            self._open.append(call)
        call.arguments.append(event.arguments)

    def _grow(self, text: str, is_reasoning: bool, at_ms: int, signature: str = "") -> None:
        last = self._open[-1] if self._open else None
        if isinstance(last, _OpenText):
            if last.is_reasoning:
                last.ended_ms = max(last.ended_ms, at_ms)
            if last.is_reasoning == is_reasoning and not last.signature:
                last.pieces.append(text)
                last.signature = signature
                return
        self._open.append(_OpenText([text], is_reasoning, at_ms, at_ms, signature))

    @property
    def parts(self) -> Parts:
        """The parts heard so far."""
        return tuple(part.close() if isinstance(part, _OpenText | _OpenCall) else part for part in self._open)
