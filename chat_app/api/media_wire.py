"""Pictures, sound and files as programs send them, on either wire.

What has a part here reaches servers of every wire; None is what only a server of the program's own wire understands.
"""

from __future__ import annotations

import re

from chat_app.extraction.pages import as_document
from chat_app.messages import Json, MediaKind, MediaPart

_DATA_URL = re.compile(r'data:([\w.+-]+/[\w.+-]+)(?:;[\w=."-]+)*;base64,', re.ASCII | re.IGNORECASE)
_SOUNDS = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_TOKENS = 1500
"""About how many a picture or a file has that nobody has looked into."""


def chat_media(kind: str, content: Json) -> MediaPart | None:
    """A part of a message's content in Chat Completions.

    Args:
        kind: Its `type`: `image_url`, `input_audio` or `file`.
        content: What stands under that name.
    """
    if not isinstance(content, dict):
        return None
    match kind, content:
        case "image_url", {"url": str(url)}:
            return _at("image", url)
        case "input_audio", {"data": str(data), "format": str(sound)} if sound in _SOUNDS:
            return MediaPart("audio", _SOUNDS[sound], data=data, tokens=_TOKENS)
        case "file", {"file_data": str(url)}:
            name = content.get("filename")
            return _at("file", url, name if isinstance(name, str) else "")
        case _:
            return None


def messages_media(kind: str, source: Json, title: str) -> MediaPart | None:
    """A block of one of Anthropic's Messages: `image` or `document`."""
    wanted: MediaKind = "image" if kind == "image" else "file"
    match source:
        case {"type": "base64", "media_type": str(media_type), "data": str(data)}:
            return MediaPart(wanted, media_type.lower(), title, data=data, tokens=_TOKENS)
        case {"type": "url", "url": str(url)} if wanted == "image":
            return _at(wanted, url)
        case {"type": "text", "data": str(words)} if wanted == "file":
            return MediaPart(wanted, "text/plain", title, text=as_document(title, words))
        case _:
            return None


def _at(kind: MediaKind, url: str, name: str = "") -> MediaPart | None:
    if found := _DATA_URL.match(url):
        return MediaPart(kind, found[1].lower(), name, data=url[found.end() :], tokens=_TOKENS)
    if kind == "image" and url.startswith(("http://", "https://")):
        return MediaPart(kind, "image/*", name, url=url, tokens=_TOKENS)
    return None
