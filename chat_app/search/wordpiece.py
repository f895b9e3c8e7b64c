"""Cuts text into the pieces that a BERT model knows: whole words, or the longest parts of words that it has.

The steps are those of BERT's own uncased tokenizer (https://github.com/google-research/bert, tokenization.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_MOST_WORD = 100  # characters; a longer one is unknown
_UNSEEN = ("Cc", "Cf", "Co", "Cs")
_CJK = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """A tokenizer.

    Args:
        vocabulary: The pieces, in the order of their numbers; those that continue a word begin with `##`.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self._numbers: Mapping[str, int] = {piece: number for number, piece in enumerate(vocabulary)}
        self._start, self._end, self._unknown = (self._numbers[each] for each in (START, END, UNKNOWN))
        self._pieces = lru_cache(20_000)(self._cut)

    def encode(self, text: str, most: int) -> list[int]:
        """The numbers of a text's pieces between those of its start and end, `most` in all."""
        found = [self._start]
        # A piece has a character at least, and nothing that follows can change what comes before.
        for word in _words(text[: most * _MOST_WORD]):
            found += self._pieces(word)
            if len(found) >= most:
                break
        return [*found[: most - 1], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest piece that the word begins with, and so on with the rest."""
        if len(word) > _MOST_WORD:
            return (self._unknown,)
        found: list[int] = []
        begin = 0
        while begin < len(word):
            for end in range(len(word), begin, -1):
                number = self._numbers.get(("##" if begin else "") + word[begin:end])
                if number is not None:
                    break
            else:
                return (self._unknown,)
            found.append(number)
            begin = end
        return tuple(found)


def _words(text: str) -> Iterator[str]:
    """Words in lower case without accents; punctuation and Han stand alone."""
    for run in "".join(_spaced(text)).split():
        begin = 0
        for at, char in enumerate(run):
            if _is_punctuation(char):
                if begin < at:
                    yield run[begin:at]
                yield char
                begin = at + 1
        if begin < len(run):
            yield run[begin:]


def _spaced(text: str) -> Iterator[str]:
    for char in unicodedata.normalize("NFD", "".join(_cleaned(text)).lower()):
        if unicodedata.category(char) != "Mn":
            yield char


def _cleaned(text: str) -> Iterator[str]:
    for char in text:
        if char in "\t\n\r":
            yield " "
        elif char == "\ufffd" or unicodedata.category(char) in _UNSEEN:
            continue
        elif any(low <= ord(char) <= high for low, high in _CJK):
            yield f" {char} "
        else:
            yield char


@lru_cache(4096)
def _is_punctuation(char: str) -> bool:
    """As Unicode says; of ASCII whatever is neither letter, digit nor blank."""
    return unicodedata.category(char)[0] == "P" or (char.isascii() and char.isprintable() and not char.isalnum())
