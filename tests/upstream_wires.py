"""What goes over the wire of a model server: Chat Completions' events, and those of Anthropic's Messages."""

import json
from typing import ClassVar


def chunk(delta: dict, finish: str | None = None) -> bytes:
    """A chunk of the stream as it stands on the wire."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def sse(data: object) -> bytes:
    """An event of the stream."""
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def said(kind: str, **fields: object) -> bytes:
    """An event of Anthropic's stream as it stands on the wire."""
    return b"event: %b\n" % kind.encode() + sse({"type": kind, **fields})


def cut_in_a_character(event: bytes) -> list[bytes]:
    """An event in three pieces, cut in the middle of its first two Chinese characters."""
    first = next(index for index, byte in enumerate(event) if byte > 0x7F)
    return [event[: first + 1], event[first + 1 : first + 5], event[first + 5 :]]


def grew(delta: str, text: str, index: int = 0) -> bytes:
    """A block of an answer on Anthropic's wire grew, by `text`, `thinking`, `signature` or `partial_json`."""
    kind = "input_json_delta" if delta == "partial_json" else f"{delta}_delta"
    return said("content_block_delta", index=index, delta={"type": kind, delta: text})


class ChatWire:
    """Chat Completions."""

    head = b""
    reasons: ClassVar[dict[str, str]] = {"finish": "stop"}
    done = b"data: [DONE]\n\n"

    @staticmethod
    def piece(field_name: str, text: str) -> bytes:
        return chunk({field_name: text})

    @staticmethod
    def end(reason: str, tokens: int) -> bytes:
        usage = {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}
        return chunk({}, reason) + sse({"choices": [], "usage": usage})


class MessagesWire:
    """Anthropic's Messages; its first block is text."""

    head = said("message_start", message={
        "id": "m-1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }) + said("content_block_start", index=0, content_block={"type": "text", "text": ""})  # fmt: skip
    reasons: ClassVar[dict[str, str]] = {"finish": "end_turn"}
    done = said("message_stop")

    @staticmethod
    def piece(field_name: str, text: str) -> bytes:
        return grew("text" if field_name == "content" else field_name, text)

    @staticmethod
    def end(reason: str, tokens: int) -> bytes:
        return said("content_block_stop", index=0) + said(
            "message_delta", delta={"stop_reason": reason}, usage={"output_tokens": tokens}
        )
