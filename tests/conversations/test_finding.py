"""What is found, as it is listed."""

from collections.abc import Sequence

from chat_app.conversations.finding import Finding
from chat_app.search.fusion import Hit
from chat_app.search.index import Found
from chat_app.store.hits import FoundChunk
from tests.conftest import LOCAL


class _Index:
    """Finds chunks of some conversations, the nearest first."""

    def __init__(self, *refs: str) -> None:
        self._hits = tuple(Hit(ref, 1.0, 0.9, 0.9) for ref in refs)

    async def find(self, *_: object, **__: object) -> Found:
        return Found(self._hits)


class _Store:
    async def subject(self, *_: object) -> str:
        return "apples"

    async def found(self, _: str, refs: Sequence[str]) -> list[FoundChunk]:
        more = {"text": "", "heading": "", "page": 0, "role": "user", "model": "", "at": 0}
        return [FoundChunk(ref, "message", ref[0], ref, ref[0], pinned=False, archived=False, **more) for ref in refs]


async def test_related_conversations_stand_by_their_nearest_message_and_none_is_pushed_out_by_its_farthest():
    finding = Finding(None, _Store(), _Index("A1", "B1", "C1", "D1", "E1", "F1", "A2"))
    assert [chunk.ref for chunk in await finding.related(LOCAL, "x")] == ["A1", "B1", "C1", "D1", "E1"]
