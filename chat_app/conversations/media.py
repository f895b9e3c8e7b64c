"""The files of a conversation as models get them: where they lie, and what can stand for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec

from chat_app.extraction.pages import as_document, read_pages
from chat_app.gateway.estimate import estimate_tokens
from chat_app.messages import AttachmentPart, FileFacts, MediaKind, MediaPart, Message, Part, StandIn

VIEW_EDGE = 2048
"""Pixels of the longer side of what is shown and sent instead of a picture: what the vendors' models look at; all scale
down what is larger."""
_MOST_MEDIA = 20
"""Pictures and recordings that go with one question, its own and earlier ones: as many as Anthropic takes at their full
size (docs.anthropic.com, vision), which is the fewest."""
_MOST_SCANS = 20  # pictures of pages besides
_MOST_FILE_BYTES = 20_000_000  # of files that a server reads itself, in base64 below Anthropic's 32 MB of a request
_MOST_PAGES = 100  # of one of them (docs.anthropic.com, PDF support)
_TOKENS_PER_PAGE = 1500  # of a PDF that a model reads itself, at least (docs.anthropic.com, PDF support)
_TOKENS_PER_SECOND = 25  # of sound, as Qwen counts them, the most of all (help.aliyun.com/zh/model-studio/qwen-omni)
_PIXELS_PER_TOKEN = 750  # as Anthropic counts them (docs.anthropic.com, vision); others count fewer


def as_media(part: AttachmentPart, facts: FileFacts, path: Path, transcript: str) -> MediaPart:
    """A file as a model gets it.

    Args:
        part: As the message has it.
        facts: What is known of it.
        path: Where it lies.
        transcript: What is said in it, where that is known.
    """
    shown = path.with_suffix(".view") if facts.view_type else path
    stands, text = _stand_in(part, facts, path, transcript)
    kind = _kind(part.media_type)
    is_long = kind == "file" and facts.pages > _MOST_PAGES
    return MediaPart(
        kind, facts.view_type or part.media_type, part.name, "" if is_long else str(shown), text=text, stands=stands,
        tokens=_tokens(facts), pages=_pages(facts, path), wordless=facts.wordless,
        size_bytes=part.size_bytes if kind == "file" else -1, text_tokens=estimate_tokens(text),
    )  # fmt: skip


def _kind(media_type: str) -> MediaKind:
    match media_type.partition("/")[0]:
        case "image":
            return "image"
        case "audio":
            return "audio"
        case _:
            return "file"


def _tokens(facts: FileFacts) -> int:
    """About how many a file has as it is sent, where it is not sent as its words."""
    scale = min(1.0, VIEW_EDGE / max(facts.width, facts.height, 1))
    pixels = facts.width * facts.height * scale * scale
    return int(pixels / _PIXELS_PER_TOKEN + facts.pages * _TOKENS_PER_PAGE + facts.seconds * _TOKENS_PER_SECOND)


def _pages(facts: FileFacts, path: Path) -> tuple[MediaPart, ...]:
    starts = accumulate((size for _, size in facts.scans), initial=0)
    place = str(path.with_suffix(".pages"))
    return tuple(
        MediaPart("image", "image/jpeg", f"page {n}", place, start=start, size_bytes=size, tokens=_TOKENS_PER_PAGE)
        for start, (n, size) in zip(starts, facts.scans, strict=False)
    )


def _stand_in(part: AttachmentPart, facts: FileFacts, path: Path, transcript: str) -> tuple[StandIn, str]:
    """What goes where a file is not taken as it is."""
    if facts.characters:
        return "text", document(part.name, path)
    if transcript:
        return "transcript", as_document(part.name, transcript)
    if part.alt:
        return "description", f"[{part.name}: {part.alt}]"
    told = f"{facts.pages} pages without text" if facts.pages else f"{facts.seconds:.0f} s of sound"
    return "name", f"[{part.name}: {told}]" if facts.pages or facts.seconds else f"[{part.name}]"


def document(name: str, path: Path) -> str:
    """The words of a file, page by page where it has several."""
    try:
        pages = read_pages(path.with_suffix(".text"))
    except OSError:
        return f"[{name}: its words are not there any more]"
    marked = (f"[page {n}]\n{said}" if said else f"[page {n}: without text]" for n, said in enumerate(pages, start=1))
    return as_document(name, pages[0] if len(pages) == 1 else "\n\n".join(marked))


def newest_of(newest_first: Sequence[Message]) -> Iterator[Message]:
    """Messages with as much of their files as goes with one question, and of the others what stands for them.

    Each goes over the wire again with every question, so that there must be an end to it.
    """
    room = _Room()
    for message in newest_first:
        parts = (room.fitted(part) if isinstance(part, MediaPart) else part for part in message.parts)
        yield Message(message.role, tuple[Part | MediaPart, ...](parts))


class _Room:
    def __init__(self) -> None:
        self._media, self._scans, self._file_bytes = _MOST_MEDIA, _MOST_SCANS, _MOST_FILE_BYTES

    def fitted(self, part: MediaPart) -> MediaPart:
        """As much of it as there is room for."""
        if part.kind != "file":
            self._media -= 1
            return part if self._media >= 0 else msgspec.structs.replace(part, path="", tokens=0)
        pages = part.pages[: self._scans]
        self._scans -= len(pages)
        if part.path and part.media_type == "application/pdf":  # no server reads another kind itself
            self._file_bytes -= part.size_bytes
        path = part.path if self._file_bytes >= 0 else ""
        return msgspec.structs.replace(part, path=path, pages=pages)
