"""Search in the browser, in each store: what somebody else said is not found, by its words or by its meaning."""

import json
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from chat_app.search.embedder import LOCAL
from tests.browser import Chat, query
from tests.e2e.test_search import dialog, field, look_until, options, search
from tests.pinecone_server import KEY, PineconeServer
from tests.server import Server
from tests.upstream import Upstream
from tests.waiting import until_now

STORES = {
    "embedded": {},
    "Pinecone by filter": {"PINECONE_API_KEY": KEY, "PINECONE_TENANCY": "filter"},
    "Pinecone by namespace": {"PINECONE_API_KEY": KEY, "PINECONE_TENANCY": "namespace"},
}


@pytest.fixture(params=STORES)
def server(request, folder) -> Iterator[Server]:
    with Upstream(["echo"]).serve() as upstream, PineconeServer().serve() as pinecone:
        where = STORES[request.param] | {"PINECONE_CONTROLLER_HOST": pinecone.url}
        with Server(folder, VLLM_BASE_URL=upstream.url, EMBEDDING_MODEL=LOCAL, **where) as opened:
            yield opened
        if request.param != "embedded":
            assert pinecone.asked, "nothing was asked of Pinecone"


def _let_eve_say(server: Server, text: str) -> None:
    """There are no accounts yet: somebody else is put into the database by hand."""
    with sqlite3.connect(server.folder / "chat.db", timeout=10) as database:
        database.execute(
            "INSERT INTO users (id, created_at, name, role, preferences) VALUES ('eve', 1, 'Eve', 'user', '{}')"
        )
        database.execute(
            "INSERT INTO conversations (id, created_at, user_id, title, title_source, model, parameters, pinned, read_at, updated_at, leaf_message_id) "
            "VALUES ('eves', 1, 'eve', 'quokka title', 'question', 'm', '{}', false, 1, 1, 'eves-1')"
        )
        database.execute(
            "INSERT INTO messages (id, created_at, conversation_id, user_id, role, parts, search_text, status, revision, model, deployment, "
            "request_sent, request_dropped, error_text, error_detail, notes) VALUES ('eves-1', 1, 'eves', 'eve', 'user', ?, ?, "
            "'complete', 0, '', '', '{}', '[]', '', '', '{}')",
            (json.dumps([{"type": "text", "text": text}]), text),
        )


@pytest.mark.breaks
def test_nobody_finds_what_somebody_else_said(new_page: Page, server: Server):
    _let_eve_say(server, "The quokka is a small animal of Australia with a pouch for its young.")
    new_page.goto(server.url)
    chat = Chat(new_page)
    chat.get("my kangaroo hops through the outback")
    until_now(lambda: query(server, f"SELECT count(*) FROM chunks WHERE space = '{LOCAL}'") == 3)
    look_until(new_page, "which marsupial lives on that continent", lambda found: found.count() > 0)
    expect(options(new_page).filter(has_text="kangaroo")).to_have_count(1)
    expect(options(new_page).filter(has_text="quokka")).to_have_count(0)
    search(new_page, "quokka")
    expect(field(new_page)).to_have_value("quokka")
    expect(options(new_page).filter(has_text="quokka")).to_have_count(0)
    search(new_page, "quokka pouch young")
    expect(dialog(new_page).get_by_role("listbox", name="Found").get_by_text("pouch")).to_have_count(0)
    shown = (
        "fetch('/api/messages/show', { method: 'POST', body: JSON.stringify({ id: 'eves-1' }) }).then((r) => r.status)"
    )
    assert new_page.evaluate(shown) == 404
