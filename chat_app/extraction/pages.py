"""The words of a file, page by page: what the processes that look into files write, and what reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from chat_app.extraction.kinds import clean_name, encoding_of
from chat_app.messages import FileFacts

_BETWEEN = "\f"
_PIECE = 65536
_END = "</document"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]|[\ud800-\udfff]")


def write_pages(target: Path, pages_of_text: Sequence[str], *, pages: int) -> dict[str, int]:
    """Write them to `<target>.text`, in UTF-8 with a form feed between two.

    Args:
        target: Beside which path.
        pages_of_text: The words of each page.
        pages: How many pages people count; 0 where it has none.

    Returns:
        The `FileFacts` of the file.
    """
    cleaned = [_CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip() for text in pages_of_text]
    said = _BETWEEN.join(cleaned) if any(cleaned) else ""
    target.with_suffix(".text").write_text(said, encoding="utf-8")
    return {"pages": pages, "characters": sum(map(len, cleaned))}


def write_text(source: Path, target: Path) -> FileFacts:
    """The same for a text, which is its own words; Markdown, CSV and programs are.

    Raises:
        OSError: It cannot be read, or written.
    """
    characters = 0
    with (
        source.open(encoding=encoding_of(source)) as given,  # all ends of lines become one
        target.with_suffix(".text").open("w", encoding="utf-8", newline="\n") as made,
    ):
        for piece in iter(lambda: given.read(_PIECE), ""):
            characters += made.write(_CONTROL.sub("", piece))
    return FileFacts(characters=characters)


def has_words(target: Path) -> bool:
    """Whether anything can be read in what was written beside a path.

    Raises:
        OSError: It is not there.
    """
    with target.with_suffix(".text").open(encoding="utf-8") as file:
        return any(character.isalnum() for piece in iter(lambda: file.read(_PIECE), "") for character in piece)


def as_document(name: str, words: str) -> str:
    """What a model is told that gets the words of a file: they end where the frame says, whatever they say."""
    title = f' name="{clean_name(name).replace(chr(34), chr(39))}"' if name else ""
    return f"<document{title}>\n{words.replace(_END, _END.replace('/', '|'))}\n{_END}>"


def read_pages(path: Path) -> list[str]:
    """The words of each page of a file, from what was written beside it.

    Raises:
        OSError: It is not there.
    """
    return path.read_text(encoding="utf-8").split(_BETWEEN)
