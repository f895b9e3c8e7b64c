"""Makes one list of what was found by words and by meaning: reciprocal rank fusion, weighed by how well words match.

G. V. Cormack, C. Clarke, S. Büttcher, Reciprocal rank fusion outperforms Condorcet, SIGIR 2009. A rank says nothing of
how good the first one is: a question in other words than its answer still has stray ones in common with many texts.
What is found by words therefore counts with the share of the question that it has, to the third power. Both figures
were chosen on the half of the labelled questions that is for it (tests/search/relevance).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat_app.search.base import Match

_FLATTEN = 10
_POWER = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found.

    Args:
        ref: Which.
        score: What it was ranked by; comparable within one search.
        words: The share of the question's words that it has, rare ones weighing more, from 0 to 1.
        meaning: The cosine of its vector and the question's; 0 where it was not found by it.
    """

    ref: str
    score: float
    words: float = 0
    meaning: float = 0


def fused(by_words: Sequence[Match], by_meaning: Sequence[Match]) -> list[Hit]:
    """All that was found, the best first. Each list is in its own order, the best first."""
    hits: dict[str, Hit] = {}
    for rank, match in enumerate(by_words, 1):
        hits[match.ref] = Hit(match.ref, match.score**_POWER / (_FLATTEN + rank), words=match.score)
    for rank, match in enumerate(by_meaning, 1):
        found = hits.get(match.ref, Hit(match.ref, 0))
        hits[match.ref] = Hit(match.ref, found.score + 1 / (_FLATTEN + rank), found.words, match.score)
    return sorted(hits.values(), key=lambda hit: -hit.score)
