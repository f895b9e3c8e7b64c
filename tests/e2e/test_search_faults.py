"""The index over a kill -9: every message is found after the restart, and none twice."""

import json
import sqlite3

import httpx
import pytest

from chat_app.search.embedder import LOCAL
from tests.browser import query
from tests.server import Server
from tests.waiting import until_now

MESSAGES = 500


def _say(server: Server) -> None:
    """Many messages of one conversation, each with a word of its own."""
    conversation = ("c", 1, "local", "numbers", "question", "m", "{}", False, 1, 1, f"m-{MESSAGES - 1}")
    rows = []
    for number in range(MESSAGES):
        text = f"Message {number} speaks of unique{number:05d} and of how the weather was."
        parts = json.dumps([{"type": "text", "text": text}])
        parent = f"m-{number - 1}" if number else None
        rows.append((f"m-{number}", number, "c", "local", parent, ("user", "assistant")[number % 2], parts, text))
    with sqlite3.connect(server.folder / "chat.db", timeout=10) as database:
        database.execute(
            "INSERT INTO conversations (id, created_at, user_id, title, title_source, model, parameters, pinned, read_at, updated_at, "
            "leaf_message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            conversation,
        )
        database.executemany(
            "INSERT INTO messages (id, created_at, conversation_id, user_id, parent_id, role, parts, search_text, status, revision, model, "
            "deployment, request_sent, request_dropped, error_text, error_detail, notes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'complete', 0, '', "
            "'', '{}', '[]', '', '', '{}')",
            rows,
        )


@pytest.mark.slow
@pytest.mark.parametrize("at", [1, 250])
def test_messages_that_are_being_indexed_when_the_server_is_killed_are_each_found_once(folder, at):
    server = Server(folder, EMBEDDING_MODEL=LOCAL).start()
    _say(server)
    embedded = "SELECT count(*) FROM chunks WHERE length(vector) > 0"
    until_now(lambda: query(server, embedded) >= at, 120)
    server.kill()
    assert query(server, embedded) < MESSAGES
    server.start()
    try:
        until_now(lambda: query(server, embedded) == MESSAGES, 120)
        assert query(server, "SELECT count(*) FROM chunks") == MESSAGES
        assert query(server, "SELECT count(DISTINCT message_id) FROM chunks") == MESSAGES
        with httpx.Client(base_url=server.url) as client:
            client.get("/new")
            for number in range(MESSAGES):
                told = client.get("/api/search", params={"q": f"unique{number:05d}"}).json()
                exact = [hit for hit in told["hits"] if any(is_asked for _, is_asked in hit["pieces"])]
                assert [hit["message"] for hit in exact] == [f"m-{number}"]
    finally:
        server.stop()
