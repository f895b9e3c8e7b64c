"""Many chunks of one person in one value, laid out by columns: what a search needs of them is read and copied at once.

A row for each chunk lies on a page of its own, and a thousand of them are a thousand pages and as many objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import msgspec

from chat_app.entries import Row
from chat_app.search.terms import PACKED


class Pack(msgspec.Struct, frozen=True, array_like=True):
    """Chunks, sorted by their times and refs; the n-th of each column is of the n-th chunk.

    Args:
        refs: What they are called.
        kinds: What they are of.
        groups: The conversations or documents that they stand in.
        roles: Who said them.
        models: Who answered.
        times: When, in milliseconds since the epoch.
        sizes: How many words each has.
        words: All of theirs, one chunk's after another's, each as `terms.PACKED`.
        has_vector: Whether it has a vector of the model that counts.
        dimension: How many numbers a vector has; 0 where there is none.
        vectors: Those that there are, one after another, as float32, little-endian.
    """

    refs: list[str]
    kinds: list[str]
    groups: list[str]
    roles: list[str]
    models: list[str]
    times: list[int]
    sizes: list[int]
    words: bytes
    has_vector: list[bool]
    dimension: int
    vectors: bytes


def pack_of(rows: Sequence[Row], space: str) -> Pack:
    """Chunks with their vectors of one model.

    A model may be served with another dimension one day: the newest vector says which counts.
    """
    rows = sorted(rows, key=attrgetter("at", "ref"))
    size = next((len(row.vector) for row in reversed(rows) if row.space == space and row.vector), 0)
    has_vector = [row.space == space and len(row.vector) == size > 0 for row in rows]
    vectors = b"".join([row.vector for row, has in zip(rows, has_vector, strict=True) if has])
    return Pack(
        [row.ref for row in rows], [row.kind for row in rows], [row.group for row in rows],
        [row.role for row in rows], [row.model for row in rows], [row.at for row in rows],
        [len(row.words) // PACKED.size for row in rows], b"".join([row.words for row in rows]),
        has_vector, size // 4, vectors,
    )  # fmt: skip


def encoded(rows: Sequence[Row], space: str) -> bytes:
    """Chunks with their vectors of one model, for keeping."""
    return _encode(pack_of(rows, space))


_encode = msgspec.msgpack.Encoder().encode
decoded = msgspec.msgpack.Decoder(Pack).decode
"""What was kept."""
