"""Pictures, sound and files on the way to a server: read, and in base64, at the last moment and nowhere else."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import msgspec

from chat_app.errors import RequestRefused
from chat_app.messages import ChatRequest, Json, MediaPart, Message, Part

ENDINGS = {
    "audio/wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac", "audio/ogg": "ogg", "audio/webm": "webm",
    "audio/mp4": "m4a",
}  # fmt: skip
"""How the names of recordings end, by which servers tell what they are."""


async def with_data(request: ChatRequest) -> ChatRequest:
    """The request with what lies in files read.

    Raises:
        RequestRefused: A file cannot be read.
    """
    if not any(isinstance(part, MediaPart) for message in request.messages for part in message.parts):
        return request
    try:
        messages = await asyncio.to_thread(lambda: tuple(map(_read, request.messages)))
    except OSError as error:
        raise RequestRefused("A file that was attached cannot be read.", detail=type(error).__name__) from error
    return msgspec.structs.replace(request, messages=messages)


def _read(message: Message) -> Message:
    return Message(message.role, tuple(_with_data(part) for part in message.parts))


def _with_data(part: Part | MediaPart) -> Part | MediaPart:
    if not isinstance(part, MediaPart) or not part.path:
        return part
    with Path(part.path).open("rb") as file:
        file.seek(part.start)
        return msgspec.structs.replace(part, data=base64.b64encode(file.read(part.size_bytes)).decode())


def chat_content(part: MediaPart) -> Json:
    """A part of the content of a message of Chat Completions (platform.openai.com/docs/api-reference/chat)."""
    match part.kind:
        case "image":
            return {"type": "image_url", "image_url": {"url": _address(part)}}
        case "audio":
            sound = ENDINGS.get(part.media_type, part.media_type.partition("/")[2])
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": sound}}
        case "file":
            return {"type": "file", "file": {"filename": part.name, "file_data": _address(part)}}


def messages_block(part: MediaPart) -> Json:
    """A block of the content of one of Anthropic's Messages (docs.anthropic.com/en/api/messages)."""
    source: Json = (
        {"type": "url", "url": part.url}
        if part.url
        else {"type": "base64", "media_type": part.media_type, "data": part.data}
    )
    if part.kind == "image":
        return {"type": "image", "source": source}
    return {"type": "document", "source": source, "title": part.name or None}


def _address(part: MediaPart) -> str:
    return part.url or f"data:{part.media_type};base64,{part.data}"
