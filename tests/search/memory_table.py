"""A table of chunks in memory, for properties that no database would be quick enough for."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from chat_app.entries import Loaded, Original, Row, Vector


class MemoryTable:
    """As `search.embedded.Table`."""

    def __init__(self) -> None:
        self.version: dict[str, int] = defaultdict(int)
        self._rows: dict[str, dict[str, tuple[int, Row]]] = defaultdict(dict)
        self._deleted: dict[str, int] = defaultdict(int)

    async def put(self, user_id: str, originals: Sequence[Original], words: Sequence[Sequence[bytes]]) -> None:
        self.version[user_id] += 1
        for each, own in zip(originals, words, strict=True):
            for number, packed in enumerate(own):
                row = Row(each.ref(number), each.kind, each.group, each.role, each.model, each.at, packed, "", b"")
                self._rows[user_id][row.ref] = (self.version[user_id], row)

    async def attach(self, user_id: str, vectors: Sequence[Vector]) -> None:
        self.version[user_id] += 1
        for each in vectors:
            _, row = self._rows[user_id][each.ref]
            new = Row(row.ref, row.kind, row.group, row.role, row.model, row.at, row.words, each.space, each.numbers)
            self._rows[user_id][each.ref] = (self.version[user_id], new)

    async def remove(self, user_id: str, ids: Sequence[str]) -> None:
        self.version[user_id] += 1
        self._deleted[user_id] = self.version[user_id]
        mine = self._rows[user_id]
        self._rows[user_id] = {ref: row for ref, row in mine.items() if ref.rpartition(":")[0] not in ids}

    async def count(self, user_id: str) -> int:
        return len(self._rows[user_id])

    async def load(self, user_id: str, since: int, space: str) -> Loaded:
        is_whole = self._deleted[user_id] > since
        rows = tuple(row for version, row in self._rows[user_id].values() if is_whole or version > since)
        return Loaded(self.version[user_id], is_whole, rows=rows)

    async def pack(self, space: str, encode: Callable[[Sequence[Row]], bytes]) -> bool:
        return False

    async def embedded(self, space: str) -> int:
        return sum(row.space == space for rows in self._rows.values() for _, row in rows.values())
