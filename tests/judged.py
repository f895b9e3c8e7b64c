"""A data folder as weeks of use leave it: answers of two models and three recipes, and what was thought of them."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import text

from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.store.database import now_ms
from chat_app.store.feedback import Rating
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_settled

_DAY_MS = 86_400_000
_WHO = (
    ("echo", "shipped:assistant@1", 0.7),
    ("echo", "shipped:writer@1", 0.85),
    ("other", "shipped:assistant@1", 0.45),
    ("other", None, 0.6),
)
"""A model, a version of a recipe, and which share of thumbs is up."""
QUESTIONS = {
    "en": ("Why does bread rise?", "Name three rivers of Asia.", "What is a tide?", "Shorten this paragraph, please."),
    "zh": ("面包为什么会发起来？", "说出亚洲的三条河流。", "什么是潮汐？", "请把这段话改短。"),
}


def judge(folder: Path, language: str = "en", days: range = range(14), each: int = 3) -> None:
    """Fill the folder of a server that does not run, the same each time: so many answers of each, so many days ago."""
    with ThreadPoolExecutor(1) as aside:  # a test with a browser runs in a loop of its own
        aside.submit(lambda: asyncio.run(_judge(folder, language, days, each))).result()


async def _judge(folder: Path, language: str, days: range, each: int) -> None:
    chance = random.Random(7)
    async with services_with(folder, FakeProvider(), limit_requests=0) as services:
        for day in days:
            for model, version, liked in _WHO:
                for number in range(each):
                    key = f"{day} {model} {version} {number}"
                    question = chance.choice(QUESTIONS[language])
                    turn = await send(services, question, key=key)
                    await until_settled(services, turn)
                    library = services.conversations.library
                    await library.rename("local", turn.conversation_id, question, source="person")
                    at = now_ms() - day * _DAY_MS - number * 1000
                    await _be(services, turn.reply_id, chance, model=model, recipe_version_id=version, created_at=at)
                    if chance.random() < 0.8:
                        up = chance.random() < liked
                        rating = (
                            Rating("up", ("clear",))
                            if up
                            else Rating(
                                "down", ("wrong", "long"), "It repeats itself." if language == "en" else "重复太多。"
                            )
                        )
                        await services.feedback.rate(LOCAL, turn.reply_id, rating)


async def _be(services: Services, message_id: str, chance: random.Random, **values: object) -> None:
    first = chance.randint(150, 600)
    status = chance.choices(("complete", "stopped", "failed"), (90, 6, 4))[0]
    values |= {
        "first_token_ms": first,
        "duration_ms": first + 2000,
        "output_tokens": chance.randint(40, 160),
        "cost_micros": chance.randint(100, 900),
        "status": status,
    }
    named = ", ".join(f"{name} = :{name}" for name in values)
    async with services.database.write() as connection:
        await connection.execute(text(f"UPDATE messages SET {named} WHERE id = :id"), values | {"id": message_id})
