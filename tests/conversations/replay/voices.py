"""Models for replays, and what the tests of them do again and again."""

import asyncio
import json
from collections.abc import AsyncGenerator

from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import read_lines
from chat_app.conversations.trials import Column
from chat_app.errors import KeyRefused
from chat_app.events import Event, TextDelta
from chat_app.messages import ChatRequest, text_of
from chat_app.providers.base import Offer
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from tests.conftest import LOCAL
from tests.waiting import until

PRICES = """
[models.alto]
provider = "fake"
model = "alto"
price = { input = 1.0, output = 10.0 }

[models.bass]
provider = "fake"
model = "bass"
price = { input = 1.0, output = 10.0 }
"""


class Voices(FakeProvider):
    """Models that say what they are asked and who they are; one judges, one waits, one refuses."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()
        self.at_once = self.most_at_once = 0
        self.verdicts = iter([])
        self.faults: list[Exception] = []

    async def offers(self) -> list[Offer]:
        return [Offer(name, 8192) for name in ("alto", "bass", "waits", "refuses", "judge")]

    async def stream(self, model: str, request: ChatRequest) -> AsyncGenerator[Event]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            async for event in super().stream(model, request):
                if isinstance(event, TextDelta):
                    await asyncio.sleep(0)
                    if model == "waits":
                        await self.go_on.wait()
                    if model == "refuses":
                        raise KeyRefused("on purpose")
                    if self.faults:
                        raise self.faults.pop(0)
                    asked = text_of(request.messages[-1].parts)
                    event = TextDelta(next(self.verdicts) if model == "judge" else f"{model}: {asked}")
                yield event
        finally:
            self.at_once -= 1


async def a_set(services: Services, count: int = 3, checks: tuple[Check, ...] = ()) -> str:
    lines = "\n".join(json.dumps({"prompt": f"p{n}", "expected": f"alto: p{n}"}) for n in range(count))
    made = await services.prompt_sets.take(LOCAL, "Some", read_lines(lines))
    if checks:
        await services.prompt_sets.change(LOCAL, made.set_id, checks=checks)
    return made.set_id


async def begin(services: Services, set_id: str, *columns: str | Column, **more) -> str:
    wanted = [Column(each) if isinstance(each, str) else each for each in columns or ("alto", "bass")]
    asked = {"at_once": 4, "most_micros": None} | more
    return await services.replays.begin(LOCAL, set_id, wanted, "alto", **asked)


async def ended(services: Services, replay_id: str, status: str = "complete"):
    async def is_over() -> bool:
        standing = await services.replays.store.standing(replay_id)
        return standing is not None and standing[0] == status

    await until(is_over)
    return await services.replays.report(LOCAL, replay_id)
