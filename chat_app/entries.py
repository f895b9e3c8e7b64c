"""What is searched: a person's messages and documents in chunks, as the database and the index both know them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["message", "document"]
"""What a chunk is of."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose texts. A call without it cannot be written."""

    user_id: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a text. `heading` is the nearest above it; `page` counts from 1; 0 is of a text without pages."""

    text: str
    start: int
    end: int
    heading: str = ""
    page: int = 0


@dataclass(frozen=True, slots=True)
class Original:
    """A message or a document as it is indexed.

    Args:
        kind: Which of them.
        id: Its id.
        group: The conversation that it stands in; a document stands in itself.
        chunks: Its text, cut; none where it has no words.
        revision: Of a message: nothing is stored if it has another by then.
        role: Who said it; empty for a document.
        model: Who answered; empty for a person and for a document.
        at: When, in milliseconds since the epoch.
        is_gone: It was deleted when it was read; one that was brought back since then is left for another time.
        first: The number of the first of these chunks; a long document comes in stretches, one after another.
        is_last: Nothing follows of it.
    """

    kind: Kind
    id: str
    group: str
    chunks: tuple[Chunk, ...]
    revision: int = 0
    role: str = ""
    model: str = ""
    at: int = 0
    is_gone: bool = False
    first: int = 0
    is_last: bool = True

    @property
    def refs(self) -> list[str]:
        """Those of all of these chunks."""
        return [self.ref(self.first + number) for number in range(len(self.chunks))]

    def ref(self, number: int) -> str:
        """What its chunk of a number, from 0, is called: the same each time it is cut."""
        return f"{self.id}:{number}"


@dataclass(frozen=True, slots=True)
class Vector:
    """The vector of a chunk.

    Args:
        ref: The chunk.
        version: Which of its texts it was made from; nothing is stored if it has another by then.
        space: The model that made it; vectors of two are never compared.
        numbers: Of length 1, as float32, little-endian.
    """

    ref: str
    version: int
    space: str
    numbers: bytes


class Row(NamedTuple):
    """What of a chunk is needed to find it. `words` are its words as `search.terms.packed` gives them."""

    ref: str
    kind: Kind
    group: str
    role: str
    model: str
    at: int
    words: bytes
    space: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A person's chunks newer than a version, in no order: all of them where `is_whole`, as some went meanwhile.

    Some may come in packs, as a store has made them; of one that is in a pack and a row, the row is as it is now.
    """

    version: int
    is_whole: bool
    packs: Sequence[bytes] = ()
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A chunk that has no vector of the space in use. `context` is the beginning of what an answer's chunk answers."""

    user_id: str
    ref: str
    version: int
    text: str
    context: str
