"""A person's conversations and documents, and questions whose answers are known: what search is measured by.

Everything was written for this project. Half of the questions are held out: nothing is tuned on them. `words` says
whether a question has content words in common with its answer ("shared"), or its meaning alone ("none").
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Said:
    """A message. Its id names its conversation too."""

    id: str
    conversation: str
    title: str
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the ids of the messages, or `document#heading`, that answer it."""

    text: str
    answers: tuple[str, ...]
    words: str
    held_out: bool

    @property
    def is_chinese(self) -> bool:
        return any("\u4e00" <= char <= "\u9fff" for char in self.text)

    @property
    def slice(self) -> str:
        """Which of the four kinds it is of."""
        return f"{'Chinese' if self.is_chinese else 'English'}, words {self.words}"


@cache
def messages() -> tuple[Said, ...]:
    """All of them, in their order."""
    return tuple(
        Said(message["id"], each["id"], each["title"], message["role"], message["text"])
        for path in sorted(_HERE.glob("*.toml"))
        for each in tomllib.loads(path.read_text(encoding="utf-8")).get("conversations", ())
        for message in each["messages"]
    )


@cache
def documents() -> dict[str, str]:
    """The documents' Markdown by their names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((_HERE / "documents").glob("*.md"))}


@cache
def questions() -> tuple[Question, ...]:
    """All of them."""
    return tuple(
        Question(each["text"], tuple(each["answers"]), each["words"], each["held_out"])
        for path in sorted(_HERE.glob("*_questions.toml"))
        for each in tomllib.loads(path.read_text(encoding="utf-8"))["questions"]
    )


@cache
def sections() -> dict[str, str]:
    """`document#heading` → the heading and its text."""
    found: dict[str, str] = {}
    for name, text in documents().items():
        for section in text.split("\n## ")[1:]:
            found[f"{name}#{section.partition(chr(10))[0].strip()}"] = section
    return found
