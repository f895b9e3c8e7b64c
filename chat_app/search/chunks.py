"""Cuts a text into chunks: what is found, quoted, and turned into numbers as one.

A chunk is a stretch of the text. It begins at a heading or at a sentence, never has more than the embedding model
reads, ends with its page, and repeats the end of the one before, so that what stands across a border is whole in one
of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chat_app.entries import Chunk
from chat_app.search.terms import CJK

MOST = 200
"""Estimated tokens of a chunk; the local model reads 256."""
OVERLAP = 40
"""Estimated tokens at most that a chunk repeats of the one before."""
_LEAST = 10
"""Estimated tokens of a chunk that a heading ends: in a text of little else each would be one."""
PAGE_BREAK = "\f"
_HAN = re.compile(f"[{CJK}]")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<title>[^\n]*)")
# Where a text may be cut: after lines, after a sentence's end and a blank, and after Chinese stops, quotes with them;
# in pieces of 2,400 characters where nothing ends, as no other thread runs while an end is looked for.
_END = r"[.!?…][\"'”’)\]]*(?=\s)[ \t]*|[。！？；][”’」』）]*|\n+|\f|$"
_UNIT = re.compile(rf"[^\n\f]{{0,2400}}?(?:{_END})|[^\n\f]{{1200,2400}}(?<= )|[^\n\f]{{2400}}", re.DOTALL)
_CHARACTERS = 4  # of Latin script that make a token, about


def chunks_of(text: str, *, most: int = MOST, overlap: int = OVERLAP) -> list[Chunk]:
    """Cut a text; pages end with a form feed. One without words has no chunks."""
    return list(cut(text, most=most, overlap=overlap))


def cut(text: str, *, most: int = MOST, overlap: int = OVERLAP) -> Iterator[Chunk]:
    """The same one by one, for a text that is long."""
    page, counted = (1, 0) if PAGE_BREAK in text else (0, len(text))
    for heading, start, end in _stretches(text, most, overlap):
        words = text[start:end].replace(PAGE_BREAK, "\n").strip()
        if any(char.isalnum() for char in words):
            begin = start + len(text[start:end]) - len(text[start:end].lstrip())
            if begin > counted:  # a chunk may begin before the end of the last one
                page += text.count(PAGE_BREAK, counted, begin)
                counted = begin
            yield Chunk(words, start, end, heading, page)


def tokens(text: str) -> int:
    """About how many tokens the embedding model makes of a text: one for each Han or kana, one for four others."""
    han = len(_HAN.findall(text))
    return han + -(-(len(text) - han) // _CHARACTERS)


def _stretches(text: str, most: int, overlap: int) -> Iterator[tuple[str, int, int]]:
    """(heading above, start, end) of each chunk to be."""
    heading, units, size = "", list[tuple[int, int, int]](), 0
    for start, end in _units(text, most):
        title = _HEADING.match(text, start, end)
        weight = tokens(text[start:end])
        if units and ((title and size >= _LEAST) or size + weight > most):
            yield heading, units[0][0], units[-1][1]
            units = [] if title else _tail(units, min(overlap, most - weight))
            size = sum(each[2] for each in units)
        if title:
            heading = title["title"].strip().rstrip("#").rstrip()
        units.append((start, end, weight))
        size += weight
        if text[end - 1] == PAGE_BREAK:  # what is quoted is opened at its page: a chunk is of one
            yield heading, units[0][0], end
            units, size = [], 0
    if units:
        yield heading, units[0][0], units[-1][1]


def _tail(units: list[tuple[int, int, int]], overlap: int) -> list[tuple[int, int, int]]:
    """The last units that fit into the overlap; not all of them, or nothing would move on."""
    size, at = 0, len(units)
    while at > 1 and size + units[at - 1][2] <= overlap:
        at -= 1
        size += units[at][2]
    return units[at:]


def _units(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Sentences and lines, one after the other without a gap; one that is too long is cut, at a blank if it has any."""
    for found in _UNIT.finditer(text):
        start, end = found.span()
        while tokens(text[start : min(end, start + most * _CHARACTERS + 1)]) > most:
            cut = _cut(text, start, end, most)
            yield start, cut
            start = cut
        if start < end:
            yield start, end


def _cut(text: str, start: int, end: int, most: int) -> int:
    """Where to end a piece that is no longer than the most; a blank in its last quarter is the better place."""
    low, high = start + 1, min(end, start + most * _CHARACTERS)
    while low < high:  # the largest end whose stretch is not too long
        middle = (low + high + 1) // 2
        if tokens(text[start:middle]) <= most:
            low = middle
        else:
            high = middle - 1
    blank = max(text.rfind(" ", start, low), text.rfind("\n", start, low)) + 1
    return blank if blank > low - (low - start) // 4 else low
