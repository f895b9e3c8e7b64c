"""Chat Completions as programs speak it: from a body to a request, from events to what their clients expect.

Shapes are those of platform.openai.com/docs/api-reference/chat. Thoughts go as `reasoning_content`, as DeepSeek has it;
those that their vendor wants back, signed, as `thinking_blocks` besides, in Anthropic's shape, as LiteLLM has it
(docs.litellm.ai/docs/reasoning_content).
"""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from chat_app.api.bodies import decoded
from chat_app.api.media_wire import chat_media
from chat_app.errors import BadRequest
from chat_app.events import Event, Finish, ReasoningDelta, Reply, TextDelta, ToolCallDelta
from chat_app.messages import (
    Capability,
    ChatRequest,
    Json,
    MediaPart,
    Message,
    Parameters,
    Part,
    ReasoningPart,
    Role,
    Struct,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
    Usage,
    text_of,
)
from chat_app.parameters import named

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "assistant": "assistant"}
_NEEDS: dict[str, Capability] = {"image_url": "image", "input_audio": "audio", "file": "file"}
# What has a place of its own in a request; all else of a body is a parameter by its own name.
_PLACED = ("model", "messages", "stream", "stream_options", "n", "tools", "tool_choice")
_OTHERWISE = ("metadata", "service_tier")
"""Those that mean other things on other wires."""


class _Function(Struct, frozen=True):
    name: str
    arguments: str = ""


class _Call(Struct, frozen=True):
    function: _Function | None = None  # a custom tool's call has none
    id: str = ""


class _Content(Struct, frozen=True):
    type: str
    text: str = ""
    image_url: Any = None
    input_audio: Any = None
    file: Any = None

    @property
    def media(self) -> MediaPart | None:
        return chat_media(self.type, getattr(self, self.type)) if self.type in _NEEDS else None


class _Thought(Struct, frozen=True):
    thinking: str = ""
    signature: str = ""
    data: str = ""


class _Message(Struct, frozen=True):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[_Content, ...] | None = None
    tool_calls: tuple[_Call, ...] | None = None
    tool_call_id: str = ""
    thinking_blocks: tuple[_Thought, ...] | None = None


class _ToolFunction(Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(Struct, frozen=True):
    function: _ToolFunction | None = None  # a custom tool has none


class _Named(Struct, frozen=True):
    name: str


class _Choice(Struct, frozen=True):
    function: _Named | None = None  # some choose among several


class _Body(Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    messages: tuple[_Message, ...]
    stream: bool | None = None
    n: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None
    max_tokens: _Count | None = None
    max_completion_tokens: _Count | None = None
    tools: tuple[_Tool, ...] | None = None
    tool_choice: Literal["auto", "none", "required"] | _Choice | None = None


def read_chat(raw: bytes) -> ChatRequest:
    """What a program asks.

    Raises:
        BadRequest: It is no such request; `detail` is the name of the parameter that is wrong.
    """
    body, asked = decoded(raw, _Body)
    if not asked.messages:
        raise BadRequest("There must be at least one message.", detail="messages")
    if asked.n not in (None, 1):
        raise BadRequest("One answer at a time: n must be 1.", detail="n")
    return ChatRequest(
        asked.model,
        tuple(_message(message) for message in asked.messages),
        _parameters(body),
        tools=tuple(_tool(tool.function) for tool in asked.tools or () if tool.function is not None),
        tool_choice=_choice(asked.tool_choice),
        body=body,
        is_whole=not asked.stream,
        needs=frozenset(_needed(asked.messages)),
        unplaced=tuple(name for name in _OTHERWISE if body.get(name) is not None),
    )


class _Embed(Struct, frozen=True):
    model: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    input: str | tuple[str | int | tuple[int, ...], ...]


def read_embed(raw: bytes) -> ChatRequest:
    """What a program wants the embeddings of: texts, or their tokens.

    Raises:
        BadRequest: It is no such request; `detail` is the name of the parameter that is wrong.
    """
    body, asked = decoded(raw, _Embed)
    if not asked.input:
        raise BadRequest("There must be something to embed.", detail="input")
    texts = (asked.input,) if isinstance(asked.input, str) else asked.input
    words = tuple(TextPart(text) for text in texts if isinstance(text, str))
    tokens = sum(1 if isinstance(each, int) else len(each) for each in texts if not isinstance(each, str))
    message = Message("user", words)
    return ChatRequest(asked.model, (message,), body=body, wire="embeddings", is_whole=True, given_tokens=tokens)


def _choice(choice: str | _Choice | None) -> str:
    if isinstance(choice, _Choice):
        return choice.function.name if choice.function is not None else ""
    return choice or ""


def _parameters(body: dict[str, Json]) -> Parameters:
    placed = (*_PLACED, *_OTHERWISE)
    return named({name: value for name, value in body.items() if name not in placed and value is not None})


def _message(message: _Message) -> Message:
    content = message.content
    words = content if isinstance(content, str) else "".join(part.text for part in content or () if part.type == "text")
    if message.role in ("tool", "function"):
        return Message("tool", (ToolResultPart(message.tool_call_id, words),))
    thoughts = message.thinking_blocks or ()
    parts: list[Part | MediaPart] = [ReasoningPart(each.thinking, 0, each.signature, each.data) for each in thoughts]
    parts += _said(content) if isinstance(content, tuple) and any(part.media for part in content) else ()
    parts += [TextPart(words)] if words and not any(isinstance(part, MediaPart) for part in parts) else []
    calls = [(call.id, call.function) for call in message.tool_calls or ()]
    parts += [ToolCallPart(call_id, asked.name, asked.arguments) for call_id, asked in calls if asked is not None]
    return Message(_ROLES.get(message.role, "user"), tuple(parts))


def _said(content: tuple[_Content, ...]) -> list[Part | MediaPart]:
    """Words and media in their order."""
    said: list[Part | MediaPart] = []
    for part in content:
        if part.type == "text" and part.text:
            said.append(TextPart(part.text))
        elif media := part.media:
            said.append(media)
    return said


def _tool(function: _ToolFunction) -> Tool:
    return Tool(function.name, function.description or "", function.parameters or {})


def _needed(messages: tuple[_Message, ...]) -> set[Capability]:
    """Kinds of content that have no part here."""
    given = ((message, part) for message in messages if isinstance(message.content, tuple) for part in message.content)
    return {
        _NEEDS[part.type]
        for message, part in given
        if part.type in _NEEDS and (message.role not in ("user", "assistant") or not part.media)
    }


class ChunkWriter:
    """Events as chunks of a stream.

    Args:
        answer_id: The answer's id on the wire.
        model: Who speaks.
        asked: What was asked; it says whether a last chunk tells what the answer took.
    """

    def __init__(self, answer_id: str, model: str, asked: ChatRequest) -> None:
        self._frame: dict[str, object] = {
            "id": answer_id, "object": "chat.completion.chunk", "created": int(time.time()), "model": model,
        }  # fmt: skip
        options = (asked.body or {}).get("stream_options")
        self._wants_usage = isinstance(options, dict) and options.get("include_usage") is True
        self._calls: dict[int, int] = {}
        self._thought: list[str] = []  # since the last signature
        self._is_first = True

    def begin(self) -> bytes:
        """Nothing: who speaks stands in the first chunk."""
        return b""

    def events(self, event: Event) -> bytes:
        """What an event becomes."""
        return b"".join(b"data: %b\n\n" % chunk for chunk in self._chunks(event))

    def _chunks(self, event: Event) -> list[bytes]:
        match event:
            case TextDelta(text):
                return [self._chunk({"content": text})]
            case ReasoningDelta():
                return self._thinking(event)
            case ToolCallDelta():
                return [self._chunk({"tool_calls": [self._call(event)]})]
            case Finish(reason, usage):
                last = [self._chunk({}, reason)]
                told: dict[str, object] = {"choices": (), "usage": _usage(usage)}
                return [*last, msgspec.json.encode(self._frame | told)] if self._wants_usage else last
            case _:
                return []

    def _thinking(self, event: ReasoningDelta) -> list[bytes]:
        chunks: list[bytes] = []
        if event.text:
            self._thought.append(event.text)
            chunks.append(self._chunk({"reasoning_content": event.text}))
        if event.redacted or event.signature:
            block = _thinking_block("".join(self._thought), event.signature, event.redacted)
            self._thought.clear()
            chunks.append(self._chunk({"thinking_blocks": [block]}))
        return chunks

    def _chunk(self, delta: dict[str, object], reason: str | None = None) -> bytes:
        if self._is_first:
            self._is_first = False
            delta = {"role": "assistant"} | delta
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return msgspec.json.encode(self._frame | {"choices": [choice]})

    def _call(self, event: ToolCallDelta) -> dict[str, object]:
        """A piece of a call; other wires number calls among all their blocks, this one from 0."""
        index = self._calls.setdefault(event.index, len(self._calls))
        function: dict[str, object] = {"arguments": event.arguments}
        if not event.name:
            return {"index": index, "function": function}
        return {"index": index, "id": event.call_id, "type": "function", "function": {"name": event.name} | function}


def whole_answer(answer_id: str, model: str, reply: Reply) -> dict[str, object]:
    """A finished reply as an answer that comes all at once."""
    parts, finish = reply.parts, reply.finish
    calls = [
        {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}
        for part in parts
        if isinstance(part, ToolCallPart)
    ]
    message: dict[str, object] = {"role": "assistant", "content": text_of(parts) or None}
    if thought := "".join(part.text for part in parts if isinstance(part, ReasoningPart)):
        message["reasoning_content"] = thought
    kept = [part for part in parts if isinstance(part, ReasoningPart) and (part.signature or part.redacted)]
    if kept:
        message["thinking_blocks"] = [_thinking_block(each.text, each.signature, each.redacted) for each in kept]
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "finish_reason": finish.reason if finish else None}
    return {
        "id": answer_id, "object": "chat.completion", "created": int(time.time()), "model": model,
        "choices": [choice], "usage": _usage(finish.usage if finish else Usage()),
    }  # fmt: skip


def _thinking_block(thought: str, signature: str, redacted: str) -> dict[str, str]:
    if redacted:
        return {"type": "redacted_thinking", "data": redacted}
    return {"type": "thinking", "thinking": thought, "signature": signature}


def _usage(usage: Usage) -> dict[str, object]:
    taken, given = usage.input_tokens or 0, usage.output_tokens or 0
    told: dict[str, object] = {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given}
    if usage.cached_tokens is not None:
        told["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        told["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return told
