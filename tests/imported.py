"""Conversations that are there at once, by the application's own import."""

from __future__ import annotations

import json
from collections.abc import Sequence

from playwright.sync_api import Page

LATER = 2**41  # ms: newer than anything a test does


def conversation(title: str, texts: Sequence[str], *, key: str = "", updated_at: int = LATER) -> dict:
    """A conversation of these texts, a question and an answer in turns."""
    messages = [
        {
            "id": f"m{index}",
            "role": "assistant" if index % 2 else "user",
            "parent_id": f"m{index - 1}" if index else None,
            "parts": [{"type": "text", "text": text}],
        }
        for index, text in enumerate(texts)
    ]
    leaf = messages[-1]["id"] if messages else None
    return {
        "key": key or title,
        "title": title,
        "leaf_message_id": leaf,
        "messages": messages,
        "updated_at": updated_at,
    }


def take(page: Page, *conversations: dict) -> None:
    """Import them, as the page's own form does."""
    file = json.dumps({"format": "chat_app", "version": 1, "conversations": conversations})
    answer = page.evaluate("async body => (await fetch('/api/import', {method: 'POST', body})).json()", file)
    assert answer == {"added": len(conversations), "known": 0, "lost": 0}
