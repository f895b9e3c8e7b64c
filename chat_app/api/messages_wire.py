"""Anthropic's Messages as programs speak them: from a body to a request, from events to what their clients expect.

Shapes are those of docs.anthropic.com/en/api/messages. What is written here comes from a model of another wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from chat_app.api.bodies import decoded
from chat_app.api.media_wire import messages_media
from chat_app.events import Event, Finish, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from chat_app.gateway.estimate import estimate_prompt
from chat_app.messages import (
    ChatRequest,
    FinishReason,
    Json,
    MediaPart,
    Message,
    Part,
    ReasoningPart,
    Struct,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    Usage,
)
from chat_app.parameters import named

_NAMES = {"document": "file", "image": "image"}
_PARTS = frozenset({"text", "thinking", "redacted_thinking", "tool_use", "tool_result"})
"""Blocks that have a part of their own here; what else there may be, only this wire's own servers understand."""
_PARAMETERS = ("max_tokens", "temperature", "top_p", "top_k", "stop_sequences")
_PLACED = frozenset({"model", "messages", "system", "stream", "tools", "tool_choice", "output_config", *_PARAMETERS})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


class _Block(Struct, frozen=True):
    """A block of what was said, of any type; `content` is what a tool gave back."""

    type: str
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    tool_use_id: str = ""
    content: _Blocks | None = None
    is_error: bool | None = None
    source: Any = None
    title: str | None = None

    @property
    def media(self) -> MediaPart | None:
        return messages_media(self.type, self.source, self.title or "") if self.type in _NAMES else None


_Blocks: TypeAlias = str | tuple[_Block, ...]


class _Message(Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: _Blocks


class _Tool(Struct, frozen=True):
    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None  # a tool of the vendor's own has none


class _Choice(Struct, frozen=True):
    type: str
    name: str = ""


class _OutputConfig(Struct, frozen=True):
    effort: str | None = None


class _Counted(Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    messages: Annotated[tuple[_Message, ...], msgspec.Meta(min_length=1)]
    system: _Blocks | None = None
    tools: tuple[_Tool, ...] | None = None
    tool_choice: _Choice | None = None


class _Body(_Counted, frozen=True, kw_only=True):
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] | None = None
    output_config: _OutputConfig | None = None


def read_messages(raw: bytes, headers: dict[str, str]) -> ChatRequest:
    """What a program asks.

    Args:
        raw: The body.
        headers: Those that say how it is to be read.

    Raises:
        BadRequest: It is no such request; `detail` is the name of the parameter that is wrong.
    """
    body, asked = decoded(raw, _Body)
    own = {name: body[name] for name in _PARAMETERS if body.get(name) is not None}
    if asked.output_config is not None and asked.output_config.effort is not None:
        own["reasoning_effort"] = asked.output_config.effort  # as the other wires have it
    return msgspec.structs.replace(_request(asked, body, headers), parameters=named(own), is_whole=not asked.stream)


def read_counted(raw: bytes, headers: dict[str, str]) -> ChatRequest:
    """What a program wants the tokens of; see `read_messages`."""
    body, asked = decoded(raw, _Counted)
    return _request(asked, body, headers)


def _request(asked: _Counted, body: dict[str, Json], headers: dict[str, str]) -> ChatRequest:
    system = (Message("system", (TextPart(_words(asked.system)),)),) if asked.system else ()
    choice = asked.tool_choice
    tools = tuple(_tool(tool) for tool in asked.tools or () if tool.input_schema is not None)
    chosen = "" if choice is None or not tools else _CHOICES.get(choice.type, choice.name)
    return ChatRequest(
        asked.model,
        (*system, *(told for message in asked.messages for told in _messages(message))),
        tools=tools,
        tool_choice=chosen if chosen in (*_CHOICES.values(), *(tool.name for tool in tools)) else "",
        body=body,
        wire="messages",
        headers=headers,
        needs=frozenset(need for message in asked.messages for need in _needed(message.content)),
        unplaced=tuple(_unplaced(asked, body)),
    )


def _words(content: _Blocks | None) -> str:
    """The words of blocks, whatever else is among them."""
    if isinstance(content, str):
        return content
    return "".join(block.text for block in content or () if block.type == "text")


def _messages(message: _Message) -> list[Message]:
    """A message; what tools gave back are messages of their own, before the words."""
    if isinstance(message.content, str):
        return [Message(message.role, (TextPart(message.content),))]
    results: list[Part] = []
    said: list[Part | MediaPart] = []
    for block in message.content:
        match block.type:
            case "text":
                said.append(TextPart(block.text))
            case "thinking":
                said.append(ReasoningPart(block.thinking, signature=block.signature))
            case "redacted_thinking":
                said.append(ReasoningPart("", redacted=block.data))
            case "tool_use":
                said.append(ToolCallPart(block.id, block.name, msgspec.json.encode(block.input).decode()))
            case "tool_result":
                results.append(ToolResultPart(block.tool_use_id, _words(block.content), bool(block.is_error)))
            case _ if media := block.media:
                said.append(media)
            case _:  # of what has no part here, `needs` tells
                pass
    told = [Message("tool", tuple(results))] if results else []
    return [*told, Message(message.role, tuple(said))] if said else told


def _tool(tool: _Tool) -> Tool:
    return Tool(tool.name, tool.description or "", tool.input_schema or {})


def _needed(content: _Blocks | None, *, in_result: bool = False) -> Iterator[str]:
    """Kinds of blocks that have no part here: so have pictures among what tools gave back."""
    for block in content if isinstance(content, tuple) else ():
        if block.type not in _PARTS and (in_result or block.media is None):
            yield _NAMES.get(block.type, block.type)
        yield from _needed(block.content, in_result=True)


def _unplaced(asked: _Counted, body: dict[str, Json]) -> Iterator[str]:
    yield from (name for name, value in body.items() if name not in _PLACED and value is not None)
    yield from (tool.name for tool in asked.tools or () if tool.input_schema is None)
    config = body.get("output_config")
    yield from (f"output_config.{name}" for name in (config if isinstance(config, dict) else ()) if name != "effort")


def _event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


class EventWriter:
    """Events as those of Anthropic's stream.

    Args:
        answer_id: The answer's id on the wire.
        model: Who speaks.
        asked: What was asked: this wire tells first how many tokens that has, about, and other wires last.
    """

    def __init__(self, answer_id: str, model: str, asked: ChatRequest) -> None:
        usage: dict[str, object] = {"input_tokens": estimate_prompt(asked), "output_tokens": 0}
        self._message = _message(answer_id, model, [], None, usage)
        self._block = -1
        self._calls: dict[int, int] = {}  # their numbers on the other wire, and of their blocks here
        self._open: str | int = ""  # what the open block is of: words, thoughts, or the tool call of this number

    def begin(self) -> bytes:
        """The first event."""
        return _event("message_start", message=self._message)

    def events(self, event: Event) -> bytes:
        """What an event becomes."""
        match event:
            case TextDelta(text) if text:
                return self._opened("text", {"type": "text", "text": ""}) + self._grown("text_delta", text=text)
            case ReasoningDelta(_, _, redacted) if redacted:
                return self._closed() + self._opened("redacted", {"type": "redacted_thinking", "data": redacted})
            case ReasoningDelta(text, signature) if text or signature:
                block = self._opened("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                thought = self._grown("thinking_delta", thinking=text) if text else b""
                return block + thought + (self._grown("signature_delta", signature=signature) if signature else b"")
            case ToolCallDelta(index, call_id, name, arguments):
                block = b""
                if index not in self._calls:
                    block = self._opened(index, {"type": "tool_use", "id": call_id, "name": name, "input": {}})
                    self._calls[index] = self._block
                more = {"type": "input_json_delta", "partial_json": arguments}
                return block + _event("content_block_delta", index=self._calls[index], delta=more)
            case Finish(reason, usage):
                delta = {"stop_reason": _REASONS[reason], "stop_sequence": None}
                end = _event("message_delta", delta=delta, usage=_usage(usage)) + _event("message_stop")
                return self._closed() + end
            case _:
                return b""

    def _opened(self, kind: str | int, block: dict[str, object]) -> bytes:
        if self._open == kind:
            return b""
        closed = self._closed()
        self._open, self._block = kind, self._block + 1
        return closed + _event("content_block_start", index=self._block, content_block=block)

    def _grown(self, kind: str, **fields: str) -> bytes:
        return _event("content_block_delta", index=self._block, delta={"type": kind, **fields})

    def _closed(self) -> bytes:
        if self._open == "":
            return b""
        self._open = ""
        return _event("content_block_stop", index=self._block)


def whole_message(answer_id: str, model: str, reply: Reply) -> dict[str, object]:
    """A finished reply as an answer that comes all at once."""
    finish = reply.finish
    reason = _REASONS[finish.reason] if finish else None
    content = [block for part in reply.parts if (block := _block(part)) is not None]
    return _message(answer_id, model, content, reason, _usage(finish.usage if finish else Usage()))


def _message(
    answer_id: str, model: str, content: list[dict[str, Json]], reason: str | None, usage: dict[str, object]
) -> dict[str, object]:
    return {
        "id": answer_id, "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage,
    }  # fmt: skip


def _block(part: Part) -> dict[str, Json] | None:
    match part:
        case TextPart(text):
            return {"type": "text", "text": text}
        case ReasoningPart(_, _, _, redacted) if redacted:
            return {"type": "redacted_thinking", "data": redacted}
        case ReasoningPart(text, _, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCallPart(call_id, name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": part.arguments_object}
        case _:
            return None


def _usage(usage: Usage) -> dict[str, object]:
    """This wire counts what came from the cache, and went into it, beside the input and not in it."""
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    return {
        "input_tokens": max(0, (usage.input_tokens or 0) - cached - written),
        "output_tokens": usage.output_tokens or 0,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
    }
