"""Fills a data folder with conversations, straight into the tables, so that a benchmark begins with a full one."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import insert

from chat_app.messages import TextPart
from chat_app.settings import Settings
from chat_app.store.database import Database, new_id, now_ms
from chat_app.store.tables import conversations, messages
from chat_app.store.tree import to_json

_AT_ONCE = 500


def fill(folder: Path, library: dict[str, list[str]]) -> dict[str, str]:
    """Store conversations, of each the title and the texts, questions and answers by turns.

    Returns:
        Each title's conversation id.
    """
    return asyncio.run(_fill(folder, library))


async def _fill(folder: Path, library: dict[str, list[str]]) -> dict[str, str]:
    settings = Settings(chat_app_data=folder)
    database = Database(settings.database, busy_timeout_s=settings.busy_timeout_s)
    await database.migrate()
    ids: dict[str, str] = {}
    rows: list[dict[str, object]] = []
    frames: list[dict[str, object]] = []
    for title, texts in library.items():
        ids[title] = conversation_id = new_id()
        parent: str | None = None
        for index, text in enumerate(texts):
            rows.append(_message(conversation_id, parent, index, text))
            parent = str(rows[-1]["id"])
        frames.append(_conversation(conversation_id, title, parent))
    async with database.write() as connection:
        for table, values in ((conversations, frames), (messages, rows)):
            for at in range(0, len(values), _AT_ONCE):
                await connection.execute(insert(table), values[at : at + _AT_ONCE])
    await database.aclose()
    return ids


def _conversation(conversation_id: str, title: str, leaf_id: str | None) -> dict[str, object]:
    at = now_ms()
    return {
        "id": conversation_id, "created_at": at, "user_id": "local", "title": title, "title_source": "person",
        "model": "echo", "parameters": "{}", "pinned": False, "read_at": at, "updated_at": at, "leaf_message_id": leaf_id,
    }  # fmt: skip


def _message(conversation_id: str, parent_id: str | None, index: int, text: str) -> dict[str, object]:
    is_question = index % 2 == 0
    return {
        "id": new_id(), "created_at": now_ms(), "conversation_id": conversation_id, "user_id": "local",
        "parent_id": parent_id, "role": "user" if is_question else "assistant", "parts": to_json((TextPart(text),)),
        "status": "complete", "revision": 1, "search_text": text, "model": "" if is_question else "echo", "request_sent": "{}",
        "request_dropped": "[]", "notes": "{}",
    }  # fmt: skip
