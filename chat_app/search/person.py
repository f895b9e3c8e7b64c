"""One person's chunks as columns of numbers, searched whole: exact, and nobody else's are near."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from chat_app.entries import Row
from chat_app.search.base import Filter, Match
from chat_app.search.terms import PACKED, terms_of

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_TERM = np.dtype([("word", "<u8"), ("count", "u1")])
_K1, _B = 1.2, 0.75  # as Robertson and Zaragoza advise, The Probabilistic Relevance Framework, 2009


class Person:
    """A person's chunks.

    Args:
        rows: Theirs.
        space: The model whose vectors count.
    """

    def __init__(self, rows: Sequence[Row], space: str) -> None:
        rows = sorted(rows, key=attrgetter("at", "ref"))
        refs, kinds, groups, roles, models, times, words, *_ = (
            zip(*rows, strict=True) if rows else [()] * len(Row._fields)
        )
        self.refs: list[str] = list(refs)
        self._kinds, self._groups, self._roles, self._models = map(_column, (kinds, groups, roles, models))
        self._times: Ints = np.array(times, np.int64)
        size = next((len(row.vector) for row in reversed(rows) if row.space == space and row.vector), 0)
        # A model may be served with another dimension one day: the newest vector says which counts.
        vectors = [row.vector if row.space == space and len(row.vector) == size else b"" for row in rows]
        nothing = bytes(size)
        joined = b"".join([vector or nothing for vector in vectors])
        self._vectors: Floats = np.frombuffer(joined, "<f4").reshape(len(rows), len(nothing) // 4)
        self._has_vector: Mask = np.array([bool(vector) for vector in vectors], np.bool_)
        terms = np.frombuffer(b"".join(words), _TERM)
        self._words: npt.NDArray[np.uint64] = np.ascontiguousarray(terms["word"])
        self._counts: Floats = terms["count"].astype(np.float32)
        self._sizes: Ints = np.array([len(each) for each in words], np.int64) // PACKED.size
        self._measure()

    def _measure(self) -> None:
        self._row_of = np.repeat(np.arange(len(self.refs), dtype=np.int32), self._sizes)
        self._lengths = np.bincount(self._row_of, self._counts, len(self.refs)).astype(np.float32)

    def __len__(self) -> int:
        """How many chunks."""
        return len(self.refs)

    @property
    def size_bytes(self) -> int:
        """The memory it takes, about."""
        return sum(array.nbytes for array in vars(self).values() if isinstance(array, np.ndarray)) + 150 * len(self)

    def with_newer(self, newer: Person) -> Person:
        """These chunks and newer ones, which take the places of those with the same refs."""
        changed = frozenset(newer.refs)
        keep: Mask = np.array([ref not in changed for ref in self.refs], np.bool_)
        whole = copy(newer)
        whole.refs = [ref for ref in self.refs if ref not in changed] + newer.refs
        for name in ("_kinds", "_groups", "_roles", "_models", "_times", "_has_vector", "_sizes"):
            setattr(whole, name, np.concatenate([getattr(self, name)[keep], getattr(newer, name)]))
        for name in ("_words", "_counts"):
            setattr(whole, name, np.concatenate([getattr(self, name)[keep[self._row_of]], getattr(newer, name)]))
        wide = newer._vectors.shape[1] or self._vectors.shape[1]
        if self._vectors.shape[1] != wide:
            whole._has_vector[: int(keep.sum())] = False
        whole._vectors = np.concatenate([_widened(self._vectors[keep], wide), _widened(newer._vectors, wide)])
        whole._measure()
        return whole

    def nearest(self, vector: bytes, where: Filter, top_k: int) -> list[Match]:
        """The chunks whose vectors are nearest, by cosine."""
        query = np.frombuffer(vector, "<f4")
        if self._vectors.shape[1] != len(query):
            return []
        allowed = self._allowed(where)
        mask = self._has_vector if allowed is None else self._has_vector & allowed
        scores = np.where(mask, self._vectors @ query, -np.inf)
        return [Match(self.refs[at], score) for at, score in self._best(scores, top_k, -np.inf)]

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
            at = np.flatnonzero((self._words >= term.low) & (self._words < term.high))
            count = np.bincount(self._row_of[at], self._counts[at], len(self)).astype(np.float32)
            having = int(np.count_nonzero(count))
            rarity = term.weight * float(np.log1p((len(self) - having + 0.5) / (having + 0.5)))
            asked += rarity
            scores += np.float32(rarity) * count * (_K1 + 1) / (count + norm)
        allowed = self._allowed(where)
        if allowed is not None:
            scores = np.where(allowed, scores, 0)
        return [Match(self.refs[at], min(score / asked, 1.0)) for at, score in self._best(scores, top_k, 0)]

    def _best(self, scores: Floats, top_k: int, floor: float) -> list[tuple[int, float]]:
        """Places and scores of the highest above a floor, the highest first; of equal ones the newest."""
        above = np.flatnonzero(scores > floor)
        if len(above) > top_k:
            cut = np.partition(scores[above], len(above) - top_k)[len(above) - top_k]
            above = above[scores[above] >= cut]
        order = np.lexsort((-above, -self._times[above], -scores[above]))[:top_k]
        return [(int(at), float(scores[at])) for at in above[order]]

    def _allowed(self, where: Filter) -> Mask | None:
        """Which chunks a filter lets through; None is all."""
        masks = [
            np.isin(column, _column(list(wanted)))
            for column, wanted in (
                (self._kinds, where.kind and (where.kind,)), (self._roles, where.role and (where.role,)),
                (self._models, where.model and (where.model,)), (self._groups, where.groups),
            )
            if wanted is not None and wanted != ""
        ]  # fmt: skip
        if where.without:
            masks.append(~np.isin(self._groups, _column(list(where.without))))
        if where.after is not None:
            masks.append(self._times >= where.after)
        if where.before is not None:
            masks.append(self._times < where.before)
        return np.logical_and.reduce(masks) if masks else None


def _column(values: Sequence[str]) -> Ints:
    """Values that are only compared with one another, as numbers that hold while the process lives."""
    return np.fromiter(map(hash, values), np.int64, len(values))


def _widened(vectors: Floats, wide: int) -> Floats:
    return vectors if vectors.shape[1] == wide else np.zeros((len(vectors), wide), np.float32)
