"""What a store of vectors is: each call names whose texts it is about, so that nobody's can be found by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chat_app.entries import Kind, Original, Scope, Vector


@dataclass(frozen=True, slots=True)
class Filter:
    """Which of a person's chunks; what is empty or None asks for nothing.

    Args:
        kind: What they are of.
        role: Who said it.
        model: Who answered.
        after: The earliest, in milliseconds since the epoch.
        before: Later than the latest.
        groups: The conversations or documents that they stand in; none at all where it is an empty set.
        without: Conversations or documents that they do not stand in.
    """

    kind: Kind | None = None
    role: str = ""
    model: str = ""
    after: int | None = None
    before: int | None = None
    groups: frozenset[str] | None = None
    without: frozenset[str] = frozenset()


EVERYTHING = Filter()
"""All that a person has."""


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that was found. `score` compares those of one query alone: a cosine, or how well words match (BM25)."""

    ref: str
    score: float


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """Where vectors are kept. `trouble` is the code of why they cannot be used, empty where they can."""

    name: str
    trouble: str = ""


class VectorStore(Protocol):
    """Keeps chunks with their words and vectors.

    A text is found by its words as soon as it is stored, and by its meaning once its chunks have vectors.
    """

    @property
    def is_local(self) -> bool:
        """Whether vectors, and those of questions, stay with this application's own database."""
        ...

    async def upsert(self, scope: Scope, originals: Sequence[Original]) -> None:
        """Store messages or documents with their chunks, instead of those they had; what stayed keeps its vectors.

        Raises:
            StoreUnavailable: Nothing was stored.
        """
        ...

    async def attach(self, scope: Scope, vectors: Sequence[Vector]) -> None:
        """Give chunks their vectors.

        Raises:
            StoreUnavailable: The database cannot be written.
            VectorsUnavailable: The vectors cannot be stored now.
        """
        ...

    async def query(
        self, scope: Scope, *, vector: bytes = b"", text: str = "", where: Filter = EVERYTHING, top_k: int = 10
    ) -> list[Match]:
        """The chunks nearest to a vector of the store's space, or else those that have most of a text's words.

        Returns:
            The best first.

        Raises:
            StoreUnavailable: The database cannot be read.
            VectorsUnavailable: The vectors cannot be reached.
        """
        ...

    async def delete(self, scope: Scope, ids: Sequence[str]) -> None:
        """Forget messages or documents; those that are not there are none.

        Raises:
            StoreUnavailable: The database cannot be written.
        """
        ...

    async def count(self, scope: Scope) -> int:
        """How many chunks a person has.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...

    async def tidy(self) -> bool:
        """Do what was put off, such as deletions at another place; whether there may be more of it at once.

        Raises:
            StoreUnavailable: The database cannot be used.
            VectorsUnavailable: The vectors cannot be reached.
        """
        ...

    async def pack(self) -> bool:
        """Lay together what is read together, once nothing else waits; whether there may be more of it at once.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        ...

    async def health(self) -> StoreHealth:
        """Whether it can be used."""
        ...
