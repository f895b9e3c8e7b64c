"""Full text over passages, in memory: SQLite's FTS5, whatever database the application uses.

FTS5's tokenizers do not segment Chinese, and its trigrams miss words of two characters. Both sides, passages and
questions, are therefore segmented here: a run of Han or kana becomes its overlapping pairs.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from chat_app.messages import Source

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+")
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
# Words that stand in nearly every question and say nothing about what it asks.
_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "at",
        "be",
        "can",
        "do",
        "does",
        "for",
        "from",
        "have",
        "how",
        "i",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "the",
        "there",
        "this",
        "to",
        "use",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "you",
        "your",
        "什么",
        "怎么",
        "如何",
        "为什",
        "可以",
        "我的",
        "你的",
        "这个",
        "哪里",
        "怎样",
    ]
)


def segment(text: str) -> list[str]:
    """Words in lower case; a run of Chinese or Japanese as its overlapping pairs of characters."""
    tokens: list[str] = []
    for run in _TOKEN.findall(text.lower()):
        if re.match(rf"[{_CJK}]", run) and len(run) > 1:
            tokens += [run[i : i + 2] for i in range(len(run) - 1)]
        else:
            tokens.append(run)
    return tokens


def passages_of(markdown: str, ref: str) -> Iterable[tuple[str, str, str]]:
    """Cut Markdown at its headings.

    Yields:
        (title, text, reference) of each section that has words of its own.
    """
    title, lines = "", list[str]()
    for line in [*markdown.splitlines(), "# "]:
        heading = _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        text = "\n".join(lines).strip()
        if text:
            yield title, text, ref
        title, lines = heading[2], []


class WordIndex:
    """An index over passages, each with title, text and reference."""

    def __init__(self, passages: Iterable[tuple[str, str, str]]) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute("CREATE VIRTUAL TABLE passages USING fts5(title, text, words, ref UNINDEXED, cjk UNINDEXED)")
        self._db.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
            (
                (title, text, " ".join(segment(f"{title} {text}")), ref, _is_cjk(title + text))
                for title, text, ref in passages
            ),
        )

    def __len__(self) -> int:
        """How many passages it holds."""
        return int(self._db.execute("SELECT count(*) FROM passages").fetchone()[0])

    def find(self, question: str, top_k: int = 3) -> Sequence[Source]:
        """The passages that match a question's words best, numbered from 1.

        Those in the question's own script alone, as long as there is one: a name such as vLLM stands in every language.
        """
        words = [word for word in dict.fromkeys(segment(question)) if word not in _STOP]
        if not words:
            return []
        query = "words : (" + " OR ".join(f'"{word}"' for word in words[:64]) + ")"
        is_cjk = _is_cjk(question)
        rows = self._matches(query, is_cjk, top_k) or self._matches(query, not is_cjk, top_k)
        return [Source(number, title, text, ref) for number, (title, text, ref) in enumerate(rows, 1)]

    def _matches(self, query: str, is_cjk: bool, top_k: int) -> list[tuple[str, str, str]]:
        return self._db.execute(
            "SELECT title, text, ref FROM passages WHERE passages MATCH ? AND cjk = ? "
            "ORDER BY bm25(passages, 4, 1, 1) LIMIT ?",
            (query, is_cjk, top_k),
        ).fetchall()


def _is_cjk(text: str) -> bool:
    return re.search(f"[{_CJK}]", text) is not None


def index_of_folder(folder: Path) -> WordIndex:
    """Index every Markdown file below a folder; references are `language/chapter`."""
    found = sorted(folder.rglob("*.md"))
    return WordIndex(
        passage
        for path in found
        for passage in passages_of(
            path.read_text(encoding="utf-8"), path.relative_to(folder).with_suffix("").as_posix()
        )
    )
