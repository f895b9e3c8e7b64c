"""The smallest complete provider: says what it is told to, at the pace it is told. For tests, and to learn from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from chat_app.events import Event, Finish, Start, TextDelta
from chat_app.messages import ChatRequest, Usage, Wire
from chat_app.providers.base import Offer


class FakeProvider:
    """Streams its script.

    Args:
        script: Events, or exceptions to raise in their place. `Start` is added.
        pace_s: Pause before each.
    """

    kind = "fake"
    server = "fake"
    base_url = ""
    vendor = ""
    relays: frozenset[Wire] = frozenset()
    only_streams = False
    refuses: frozenset[str] = frozenset()
    has_efforts = True
    takes: frozenset[str] | None = frozenset()

    def __init__(self, script: Sequence[Event | Exception] = (), *, pace_s: float = 0) -> None:
        self.script = script or (TextDelta("Hello."), Finish("stop", Usage(1, 1)))
        self.pace_s = pace_s
        self.requests: list[ChatRequest] = []

    async def offers(self) -> list[Offer]:
        """One model, called fake."""
        return [Offer("fake", 8192)]

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        """Say the script."""
        self.requests.append(request)
        yield Start(deployment=f"fake/{model}", seam="instruction" if request.continue_final else "")
        for step in self.script:
            await asyncio.sleep(self.pace_s)
            if isinstance(step, Exception):
                raise step
            yield step

    async def aclose(self) -> None:
        """Nothing is open."""
