"""The words of a text as they are searched: cut, brought to one form, and each a number that keeps its beginning.

No database's full text segments Chinese, ranks within one person's texts, or is there in both databases. A text is
therefore kept with its words as numbers, which are compared by the thousand in numpy.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Kana and Han, as the inside of a character class: scripts that are written without blanks."""
MARK = 6
"""Bytes of a word, in UTF-8, that its number begins with: whole pairs of Han, and enough of most words."""
PACKED = struct.Struct("<QB")
"""How a word is kept: its number, and how often it stands there, at most 255 times."""
_RUN = re.compile(rf"[{CJK}]+|[^\W{CJK}_]+")
_IS_CJK = re.compile(rf"[{CJK}]")
_COMMON = """
a about after all also am an and any are as at be because been before being but by can could did do does doing for from
get had has have how i if in into is it its just like me more most my no not of off on one only or our out over should
so some than that the their them then there these they thi this those to too up us use using very was wa way we were
what when where which while who why will with without would you your
什么 怎么 如何 为什 么样 怎样 可以 我的 你的 这个 那个 一个 哪里 是不 不是 的是 有没 没有 是什 我们 他们 么办
的时 时候 吗 呢 吧 的 了
"""
COMMON = frozenset(_COMMON.split())
"""Words that say nothing of what is asked, as `words` gives them."""
_MOST_WORDS = 64  # of a question
_UNFINISHED = re.compile(r"\w$")
_HASH_BITS = 8 * (8 - MARK)


def words(text: str) -> Iterator[str]:
    """The words of a text, in lower case and singular; of Han and kana all pairs, and the last character of a run.

    So each character of a run begins one of its words, and a search for a single one finds it.
    """
    return (word for word, _, _ in places(unicodedata.normalize("NFC", text)))


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """(each word of a text, where it stands, how many characters it has there)."""
    for found in _RUN.finditer(text):
        run, start = found[0], found.start()
        if _IS_CJK.match(run):
            yield from ((run[at : at + 2], start + at, len(run[at : at + 2])) for at in range(len(run)))
        else:
            yield singular(unicodedata.normalize("NFKC", run).lower()), start, len(run)


@lru_cache(20_000)
def singular(word: str) -> str:
    """A word without the ending of an English plural, by the three rules of Harman's S-stemmer.

    D. Harman, How effective is suffixing?, JASIS 42(1), 1991.
    """
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]


@lru_cache(50_000)
def number(word: str) -> int:
    """A word's number: its first bytes, so that words with one beginning follow one another, then a checksum of it."""
    coded = word.encode()
    checksum = zlib.crc32(coded) & ((1 << _HASH_BITS) - 1)
    return int.from_bytes(coded[:MARK].ljust(MARK, b"\0"), "big") << _HASH_BITS | checksum


def span(beginning: str) -> tuple[int, int]:
    """The numbers of all words that begin so, from the first up to but not with the second.

    Beyond `MARK` bytes it is those that begin with as much of it.
    """
    coded = beginning.encode()[:MARK]
    low = int.from_bytes(coded.ljust(MARK, b"\0"), "big") << _HASH_BITS
    return low, low + (1 << 8 * (8 - len(coded)))


def packed(text: str) -> bytes:
    """A text's words for keeping, each once."""
    counted = Counter(number(word) for word in words(text))
    return b"".join(PACKED.pack(each, min(count, 255)) for each, count in counted.items())


@dataclass(frozen=True, slots=True)
class Term:
    """A word of a question, as the numbers from `low` up to but not with `high`.

    `begins` is what a word has to begin with besides, where the numbers alone let others through. `weight` is its share
    in what is asked for: a word that may go on counts half as it is, and half as a beginning.
    """

    low: int
    high: int
    begins: str = ""
    weight: float = 1

    def is_met(self, word: str) -> bool:
        """Whether a word of a text is meant."""
        return self.low <= number(word) < self.high and word.startswith(self.begins)


def terms_of(text: str) -> list[Term]:
    """What the words of a question ask for, each once.

    A last word that may go on is all that it may become, and itself once more; a single Han is all that begins with it.
    """
    text = unicodedata.normalize("NFC", text)
    # The last character of a run stands in its last pair: by itself it asks for what nobody asked for.
    ends = {at + 1 for word, at, _ in places(text) if len(word) == 2 and _IS_CJK.match(word)}
    asked_for = [word for word, at, size in places(text) if size > 1 or at not in ends]
    found = list(dict.fromkeys(asked_for))[:_MOST_WORDS]
    telling = [word for word in found if word not in COMMON] or found
    begun = {word for word in telling if len(word) == 1 and _IS_CJK.match(word)}
    if telling and telling[-1] == found[-1] and _UNFINISHED.search(text):
        begun.add(found[-1])
    asked: list[Term] = []
    for word in telling:
        is_half = word in begun and len(word) > 1
        if word not in begun or is_half:
            asked.append(Term(number(word), number(word) + 1, weight=0.5 if is_half else 1))
        if word in begun:
            asked.append(Term(*span(word), word, 0.5 if is_half else 1))
    return asked
