"""The part of a text that is shown of a hit, with the words that were asked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chat_app.search.terms import Term, places

MOST = 220
"""Characters."""
_BEFORE = 40  # characters shown before the first word
_BLANKS = re.compile(r"\s+")
_LINE_MARKS = re.compile(r"^ {0,3}(#{1,6} +|>|```.*$|~~~.*$)", re.MULTILINE)
_BOLD = re.compile(r"(?<![A-Za-z0-9_)\]])\*\*(?=\S)([^*\n]+)(?<=\S)\*\*(?![A-Za-z0-9_(])")  # and no power in code

Piece = tuple[str, bool]
"""Some of a text, and whether it was asked for."""


def snippet(text: str, asked: Sequence[Term], most: int = MOST) -> list[Piece]:
    """A window of a text in which most of what is asked for stands, without Markdown's marks; its beginning if none."""
    text = _BOLD.sub(r"\1", _LINE_MARKS.sub("", unicodedata.normalize("NFC", text)))
    text = _BLANKS.sub(" ", text).strip()
    marks = _marks(text, asked)
    start, end = _window(text, marks, most)
    pieces: list[Piece] = [("…", False)] if start else []
    at = start
    for first, last in marks:
        if first < start or last > end:
            continue
        if at < first:
            pieces.append((text[at:first], False))
        pieces.append((text[first:last], True))
        at = last
    if at < end:
        pieces.append((text[at:end], False))
    return [*pieces, ("…", False)] if end < len(text) else pieces


def _marks(text: str, wanted: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the wanted words stand, those that touch as one."""
    found: list[tuple[int, int]] = []
    for word, start, size in places(text):
        met = next((term for term in wanted if term.is_met(word)), None)
        if met is None:
            continue
        # Of a pair that was found by its first character, that one alone; else the word as it is written.
        end = start + (len(met.begins) if size == 2 and len(met.begins) == 1 else size)
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def has_words(text: str, asked: Sequence[Term]) -> bool:
    """Whether any word that is asked for stands in a text."""
    return bool(_marks(unicodedata.normalize("NFC", text), asked))


def _window(text: str, marks: Sequence[tuple[int, int]], most: int) -> tuple[int, int]:
    """Where to begin and end: at the first of those marks of which a window holds the most."""
    if len(text) <= most:
        return 0, len(text)
    held = [sum(first <= other < first + most - _BEFORE for other, _ in marks) for first, _ in marks]
    best = marks[held.index(max(held))][0] if held else 0
    start = max(0, min(best - _BEFORE, len(text) - most))
    start = text.rfind(" ", 0, start + 1) + 1 if 0 < text.rfind(" ", 0, start + 1) > start - 20 else start
    end = min(len(text), start + most)
    blank = text.rfind(" ", start, end)
    return start, blank if end < len(text) and blank > end - 20 else end
