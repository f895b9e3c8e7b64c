"""One person's chunks, searched whole: exact, and nobody else's are near."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chat_app.search.base import Filter, Match
from chat_app.search.columns import Columns, Floats, Mask, joined, numbered
from chat_app.search.terms import terms_of

_OBJECTS = 150  # bytes of a ref
_K1, _B = 1.2, 0.75  # as Robertson and Zaragoza advise, The Probabilistic Relevance Framework, 2009


class Person:
    """A person's chunks, all in memory.

    Args:
        parts: Theirs; a later part's takes the place of one with the same ref.
    """

    def __init__(self, parts: Sequence[Columns]) -> None:
        self.chunks = joined(parts)
        size = len(self.chunks.refs)
        self._row_of = np.repeat(np.arange(size, dtype=np.int32), self.chunks.sizes)
        self._lengths = np.bincount(self._row_of, self.chunks.counts, size).astype(np.float32)

    def __len__(self) -> int:
        """How many chunks."""
        return len(self.chunks.refs)

    @property
    def size_bytes(self) -> int:
        """The memory it takes, about."""
        return self.chunks.nbytes + self._row_of.nbytes + self._lengths.nbytes + _OBJECTS * len(self)

    def nearest(self, vector: bytes, where: Filter, top_k: int) -> list[Match]:
        """The chunks whose vectors are nearest, by cosine."""
        query = np.frombuffer(vector, "<f4")
        if self.chunks.vectors.shape[1] != len(query):
            return []
        allowed = self._allowed(where)
        mask = self.chunks.has_vector if allowed is None else self.chunks.has_vector & allowed
        scores = np.where(mask, self.chunks.vectors @ query, -np.inf)
        return [Match(self.chunks.refs[at], score) for at, score in self._best(scores, top_k, -np.inf)]

    def matching(self, text: str, where: Filter, top_k: int) -> list[Match]:
        """The chunks that have most of a text's words, by BM25 over this person's chunks.

        A score is the share of the highest that a chunk can have which has each word once, and 1 at most.
        """
        if not len(self):
            return []
        asked = 0.0
        scores = np.zeros(len(self), np.float32)
        norm = _K1 * (1 - _B + _B * self._lengths / max(float(self._lengths.mean()), 1.0))
        for term in terms_of(text):
            at = np.flatnonzero((self.chunks.words >= term.low) & (self.chunks.words < term.high))
            count = np.bincount(self._row_of[at], self.chunks.counts[at], len(self)).astype(np.float32)
            having = int(np.count_nonzero(count))
            rarity = term.weight * float(np.log1p((len(self) - having + 0.5) / (having + 0.5)))
            asked += rarity
            scores += np.float32(rarity) * count * (_K1 + 1) / (count + norm)
        allowed = self._allowed(where)
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        return [Match(self.chunks.refs[at], min(score / asked, 1.0)) for at, score in self._best(scores, top_k, 0)]

    def _best(self, scores: Floats, top_k: int, floor: float) -> list[tuple[int, float]]:
        """Places and scores of the highest above a floor, the highest first; of equal ones the newest."""
        above = np.flatnonzero(scores > floor)
        if len(above) > top_k:
            cut = np.partition(scores[above], len(above) - top_k)[len(above) - top_k]
            above = above[scores[above] >= cut]
        order = np.lexsort((-above, -self.chunks.times[above], -scores[above]))[:top_k]
        return [(int(at), float(scores[at])) for at in above[order]]

    def _allowed(self, where: Filter) -> Mask | None:
        """Which chunks a filter lets through; None is all."""
        masks = [
            np.isin(column, numbered(list(wanted)))
            for column, wanted in (
                (self.chunks.kinds, where.kind and (where.kind,)), (self.chunks.roles, where.role and (where.role,)),
                (self.chunks.models, where.model and (where.model,)), (self.chunks.groups, where.groups),
            )
            if wanted is not None and wanted != ""
        ]  # fmt: skip
        if where.without:
            masks.append(~np.isin(self.chunks.groups, numbered(list(where.without))))
        if where.after is not None:
            masks.append(self.chunks.times >= where.after)
        if where.before is not None:
            masks.append(self.chunks.times < where.before)
        return np.logical_and.reduce(masks) if masks else None
