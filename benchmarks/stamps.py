"""Tokens that say when they were sent, so that whoever shows them, in whichever process, can tell how late they are."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

_WRAP_MS = 10_000_000
_STAMP = re.compile(r"\d{7}(?=\s)")


def now_ms() -> int:
    """Milliseconds of the wall clock, seven digits of them."""
    return int(time.time() * 1000) % _WRAP_MS


@dataclass(frozen=True)
class Stamps:
    """`count` tokens of eight characters, in paragraphs of `paragraph` tokens, after `head` in one piece."""

    count: int
    paragraph: int = 60
    head: str = ""

    def __iter__(self) -> Iterator[str]:
        if self.head:
            yield self.head
        for index in range(1, self.count + 1):
            yield f"{now_ms():07} " if index % self.paragraph else f"{now_ms():07}\n\n"


def lateness_ms(words: str) -> list[int]:
    """How long ago each token in these words was sent."""
    now = now_ms()
    return [(now - int(stamp)) % _WRAP_MS for stamp in _STAMP.findall(words)]
