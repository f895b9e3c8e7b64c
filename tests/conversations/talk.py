"""A conversation as the tests of the service hold it."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chat_app.conversations import imports
from chat_app.conversations.imports import Bounds
from chat_app.conversations.indexing import Indexer
from chat_app.conversations.service import ConversationService
from chat_app.events import TextDelta
from chat_app.messages import Principal, text_of
from chat_app.services import Services
from chat_app.store.backlog import Unindexed
from chat_app.store.records import Turn
from chat_app.streams.base import Grew
from tests.conftest import LOCAL
from tests.waiting import until

OTHER = Principal("other")
LONG = [TextDelta(f"w{i} ") for i in range(200)]


async def send(services: Services, text: str = "hi", model: str = "fake", **more) -> Turn:
    """Ask, and give back the turn."""
    return await services.conversations.send(LOCAL, text=text, model=model, key=more.pop("key", text), **more)


async def status_of(services: Services, turn: Turn) -> str:
    """The status of its answer."""
    return (await services.conversations.messages.record("local", turn.reply_id)).status


async def until_settled(services: Services, turn: Turn) -> str:
    """Wait until its answer has ended, and give back how."""

    async def ended() -> str:
        status = await status_of(services, turn)
        return "" if status == "streaming" else status

    return await until(ended)


async def words_of(services: Services, turn: Turn) -> str:
    """The stored words of its answer."""
    return text_of((await services.conversations.messages.history("local", turn.reply_id, 1))[0].parts)


async def until_heard(services: Services, turn: Turn, characters: int = 1) -> str:
    """Wait until so many characters are on the log, and give them back."""
    text = ""
    async with asyncio.timeout(30), aclosing(services.streams.follow(turn.conversation_id, None)) as batches:
        async for batch in batches:
            text += "".join(e.text for e in batch.entries if isinstance(e, Grew) and e.message_id == turn.reply_id)
            if len(text) >= characters:
                return text
    return text


def hold_indexer(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Let no messages be indexed while the event is cleared; it is set at first."""
    may_go, store = asyncio.Event(), Indexer._store

    async def when_it_may(self: Indexer, waiting: Sequence[Unindexed]) -> None:
        await may_go.wait()
        await store(self, waiting)

    may_go.set()
    monkeypatch.setattr(Indexer, "_store", when_it_may)
    return may_go


async def until_running(services: Services, turn: Turn) -> None:
    """Wait until its answer is heard and the store holds it for alive, also where it came late for a quick reaper."""
    await until_heard(services, turn)

    async def is_streaming() -> bool:
        return await status_of(services, turn) == "streaming"

    await until(is_streaming)


async def until_logged(services: Services, turn: Turn, kind: type) -> None:
    """Wait until the log of its conversation holds such an entry."""
    async with asyncio.timeout(30), aclosing(services.streams.follow(turn.conversation_id, None)) as batches:
        async for batch in batches:
            if any(isinstance(entry, kind) for entry in batch.entries):
                return


async def import_file(conversations: ConversationService, user_id: str, contents: bytes) -> tuple[int, int]:
    """(how many were added, how many were known) by a file that has no others beside it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "conversations.json"
        path.write_bytes(contents)
        added, known, lost = await imports.import_file(conversations, user_id, path, Bounds(10**8, 10**9))
    assert lost == 0
    return added, known
