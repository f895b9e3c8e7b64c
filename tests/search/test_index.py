"""Search before its first word: what would be waited for is there by then."""

from chat_app.entries import Scope
from chat_app.errors import EmbedderUnavailable
from chat_app.search.embedded import EmbeddedStore
from chat_app.search.embedder import LOCAL
from chat_app.search.index import SearchIndex
from tests.search.memory_table import MemoryTable


class _Away:
    """An embedder that cannot be started."""

    model, is_local, at_once, least = LOCAL, True, 16, 0.0

    def __init__(self) -> None:
        self.was_asked = False

    def reads(self, text: str) -> bool:
        return True

    async def embed(self, texts, *, waited_for: bool = False) -> list[bytes]:
        raise EmbedderUnavailable("It is away.")

    async def prepare(self) -> None:
        self.was_asked = True
        raise EmbedderUnavailable("It is away.")

    async def aclose(self) -> None: ...


async def test_a_search_that_is_begun_makes_all_ready_and_says_nothing_of_what_cannot_be():
    table, away = MemoryTable(), _Away()
    store = EmbeddedStore(table, LOCAL, cache_bytes=1 << 20)
    await SearchIndex(store, away).prepare(Scope("somebody"))
    assert away.was_asked
    assert "somebody" in store._people
