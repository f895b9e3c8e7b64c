"""One person's chunks as columns of numbers, which are compared and counted by the thousand."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from chat_app.search.packs import Pack

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_TERM = np.dtype([("word", "<u8"), ("count", "u1")])


@dataclass(frozen=True, slots=True)
class Columns:
    """Chunks; the n-th of each column is of the n-th chunk.

    Args:
        refs: What they are called.
        kinds: What they are of, as `numbered` has them; as are groups, roles and models.
        groups: The conversations or documents that they stand in.
        roles: Who said them.
        models: Who answered.
        times: When, in milliseconds since the epoch.
        has_vector: Whether it has a vector.
        vectors: A row of numbers for each, of zeros where it has none.
        sizes: How many words each has.
        words: The numbers of all their words, one chunk's after another's.
        counts: How often each word stands there.
    """

    refs: list[str]
    kinds: Ints
    groups: Ints
    roles: Ints
    models: Ints
    times: Ints
    has_vector: Mask
    vectors: Floats
    sizes: Ints
    words: npt.NDArray[np.uint64]
    counts: Floats

    @property
    def nbytes(self) -> int:
        """The memory that the numbers take."""
        return sum(getattr(self, name).nbytes for name in _ARRAYS)

    def without(self, refs: Set[str]) -> Columns:
        """These chunks but for some."""
        if refs.isdisjoint(self.refs):
            return self
        keep: Mask = np.array([ref not in refs for ref in self.refs], np.bool_)
        of_words = np.repeat(keep, self.sizes)
        return Columns(
            [ref for ref in self.refs if ref not in refs], self.kinds[keep], self.groups[keep], self.roles[keep],
            self.models[keep], self.times[keep], self.has_vector[keep], self.vectors[keep], self.sizes[keep],
            self.words[of_words], self.counts[of_words],
        )  # fmt: skip

    def with_dimension(self, dimension: int) -> Columns:
        """These chunks, without their vectors where those are of another."""
        if self.vectors.shape[1] == dimension:
            return self
        nothing: Floats = np.zeros((len(self.refs), dimension), np.float32)
        return replace(self, has_vector=np.zeros(len(self.refs), np.bool_), vectors=nothing)


_ARRAYS = [field.name for field in fields(Columns) if field.name != "refs"]


def numbered(values: Sequence[str]) -> Ints:
    """Values that are only compared with one another, as numbers that hold while the process lives."""
    return np.fromiter(map(hash, values), np.int64, len(values))


def columns_of(pack: Pack) -> Columns:
    """A pack's chunks."""
    has_vector: Mask = np.array(pack.has_vector, np.bool_)
    vectors: Floats = np.frombuffer(pack.vectors, "<f4").reshape(-1, pack.dimension or 1)
    if len(vectors) < len(has_vector) or not pack.dimension:
        spread: Floats = np.zeros((len(has_vector), pack.dimension), np.float32)
        if pack.dimension:
            spread[has_vector] = vectors
        vectors = spread
    terms = np.frombuffer(pack.words, _TERM)
    return Columns(
        pack.refs, numbered(pack.kinds), numbered(pack.groups), numbered(pack.roles), numbered(pack.models),
        np.array(pack.times, np.int64), has_vector, vectors, np.array(pack.sizes, np.int64),
        np.ascontiguousarray(terms["word"]), terms["count"].astype(np.float32),
    )  # fmt: skip


def joined(parts: Sequence[Columns]) -> Columns:
    """The chunks of one part or more; a later part's takes the place of one with the same ref.

    Where the vectors of parts differ in dimension, the part with the latest chunk says which counts.
    """
    having = [part for part in parts if part.vectors.shape[1]]
    latest = max(having, key=lambda part: int(part.times.max()), default=parts[0])
    seen, kept = set[str](), list[Columns]()
    for part in reversed(parts):
        kept.append(part.with_dimension(latest.vectors.shape[1]).without(seen))
        seen.update(part.refs)
    if len(kept) == 1:
        return kept[0]
    kept.reverse()
    arrays = {name: np.concatenate([getattr(part, name) for part in kept]) for name in _ARRAYS}
    return Columns([ref for part in kept for ref in part.refs], **arrays)
