"""How well the labelled questions are answered, through all of the search: recall of the first five, and reciprocal rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from chat_app.entries import Original, Scope, Vector
from chat_app.search.base import EVERYTHING, Match
from chat_app.search.chunks import chunks_of
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.embedder import Embedder
from chat_app.search.fusion import fused
from chat_app.search.index import SearchIndex
from tests.search.memory_table import MemoryTable
from tests.search.relevance import Question, documents, messages, questions

ME = Scope("me")
LEGS = ("words", "meaning", "hybrid")
_DEPTH, _CONTEXT = 50, 300
Figures = dict[tuple[str, str], tuple[float, float]]
"""(slice, leg) → (recall of the first five, mean reciprocal rank)."""


class Remembering:
    """An embedder that makes the vector of a text once."""

    def __init__(self, embedder: Embedder) -> None:
        self.is_local, self.at_once = embedder.is_local, embedder.at_once
        self.model, self.least, self._embedder = embedder.model, embedder.least, embedder
        self._known: dict[str, bytes] = {}

    def reads(self, text: str) -> bool:
        return self._embedder.reads(text)

    async def embed(self, texts: Sequence[str], *, waited_for: bool = False) -> list[bytes]:
        new = [text for text in texts if text not in self._known]
        self._known |= zip(new, await self._embedder.embed(new, waited_for=waited_for), strict=True)
        return [self._known[text] for text in texts]

    async def prepare(self) -> None:
        await self._embedder.prepare()

    async def aclose(self) -> None:
        await self._embedder.aclose()


async def indexed(embedder: Embedder) -> tuple[SearchIndex, dict[str, str]]:
    """(the collection as it is searched, chunk → the message or section that it is of)."""
    table = MemoryTable()
    store = EmbeddedStore(table, embedder.model, cache_bytes=100_000_000)
    owners: dict[str, str] = {}
    texts: dict[str, str] = {}
    before = ""
    for each in messages():
        chunks = tuple(chunks_of(each.text))
        original = Original("message", each.id, each.conversation, chunks, role=each.role, at=len(texts))
        context = before[:_CONTEXT] if each.role == "assistant" else ""
        for number, chunk in enumerate(original.chunks):
            owners[original.ref(number)] = each.id
            texts[original.ref(number)] = f"{context}\n{chunk.text}".strip()
        await store.upsert(ME, [original])
        before = each.text
    for name, text in documents().items():
        original = Original("document", name, name, tuple(chunks_of(text)), at=len(texts))
        for number, chunk in enumerate(original.chunks):
            owners[original.ref(number)] = f"{name}#{chunk.heading}"
            texts[original.ref(number)] = chunk.text
        await store.upsert(ME, [original])
    vectors = await embedder.embed(list(texts.values()))
    made = [Vector(ref, 0, embedder.model, numbers) for ref, numbers in zip(texts, vectors, strict=True)]
    await store.attach(ME, made)
    return SearchIndex(store, embedder), owners


async def measured(embedder: Embedder, wanted: Callable[[Question], bool]) -> Figures:
    """The figures of those questions that are wanted, for each slice, each language and all."""
    index, owners = await indexed(embedder)
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for question in filter(wanted, questions()):
        words = await index.store.query(ME, text=question.text, top_k=_DEPTH)
        meaning = await index.nearest(ME, question.text, EVERYTHING, _DEPTH)
        lists: dict[str, Sequence[Match]] = {"words": words, "meaning": meaning[0]}
        ranked = {leg: [match.ref for match in matches] for leg, matches in lists.items()}
        ranked["hybrid"] = [hit.ref for hit in fused(words, meaning[0])]
        for leg, refs in ranked.items():
            figures = _figures(question, list(dict.fromkeys(owners[ref] for ref in refs)))
            for name in (question.slice, question.slice.partition(",")[0], "all"):
                found[name, leg].append(figures)
    return {key: (_mean([r for r, _ in rows]), _mean([m for _, m in rows])) for key, rows in found.items()}


def _figures(question: Question, ranked: Sequence[str]) -> tuple[float, float]:
    recall = sum(answer in ranked[:5] for answer in question.answers) / len(question.answers)
    first = next((rank for rank, ref in enumerate(ranked, 1) if ref in question.answers), 0)
    return recall, 1 / first if first else 0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def shown(figures: Figures) -> str:
    """The figures as a table."""
    lines = [f"{'recall@5 / MRR':24}" + "".join(f"{leg:>16}" for leg in LEGS)]
    for name in sorted({name for name, _ in figures}):
        cells = "".join(f"{figures[name, leg][0]:>8.3f} / {figures[name, leg][1]:.3f}" for leg in LEGS)
        lines.append(f"{name:24}{cells}")
    return "\n".join(lines)
