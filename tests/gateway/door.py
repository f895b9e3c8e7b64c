"""A gateway over fakes, and what it wrote down."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from chat_app.events import Reply, Start
from chat_app.gateway.attempt import Patience
from chat_app.gateway.cache import AnswerCache
from chat_app.gateway.caller import Caller
from chat_app.gateway.catalogue import Catalogue
from chat_app.gateway.counters import MemoryCounters
from chat_app.gateway.gateway import Gateway
from chat_app.gateway.ledger import Ledger
from chat_app.gateway.limits import Limiter
from chat_app.gateway.load import Loads
from chat_app.gateway.metrics import Metrics
from chat_app.messages import NO_LIMITS, ChatRequest, Limits, text_of
from chat_app.providers.base import Provider
from chat_app.store.usage import Used
from tests.conftest import make_settings


class Door:
    """A gateway with its ledger open: `used` are its rows, `loads` and `metrics` its own."""

    def __init__(self, catalogue: Catalogue, *, limits: Limits = NO_LIMITS, **patience: float) -> None:
        self.used: list[Used] = []
        self.loads, self.metrics = Loads(refresh_s=0.05), Metrics()
        ledger = Ledger(self._add, every_s=60)
        ledger.write = self.used.append
        times = Patience(**({"first_token_s": 5, "idle_s": 5} | patience))
        limiter = Limiter(MemoryCounters(), limits, self._spent)
        self.gateway = Gateway(catalogue, self.loads, times, limiter, AnswerCache(1_000_000), ledger, self.metrics)

    async def _spent(self, _subject: str, _id: str, _since_ms: int) -> int:
        return 0

    async def _add(self, rows: list[Used]) -> None:
        self.used += rows

    async def ask(
        self, model: str = "m", affinity: str = "", caller: Caller | None = None, **request: object
    ) -> tuple[Start | None, str]:
        """(who spoke, what)."""
        reply, start = Reply(), None
        caller = caller or Caller("local", affinity=affinity)
        asked = ChatRequest(model, request.pop("messages", ()), **request)
        async with (
            asyncio.timeout(5),
            aclosing(self.gateway.stream(asked, caller)) as events,
        ):
            async for event in events:
                if isinstance(event, Start):
                    assert start is None, "only one that answers is told of"
                    start = event
                reply.apply(event)
        return start, text_of(reply.parts)


async def door_over(tmp_path, toml: str, *providers: Provider, **more: object) -> Door:
    """A gateway over these providers, with this file of models."""
    (tmp_path / "models.toml").write_text(toml)
    catalogue = Catalogue(make_settings(tmp_path), providers, local=())
    await catalogue.refresh()
    return Door(catalogue, **more)
