"""The application's own wire, as the page speaks it: events that resume, words that are fetched once, and whose they are."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from benchmarks.tab import Tab
from chat_app.api.identity import Identity
from tests.browser import Chat
from tests.server import Server
from tests.upstream import Script, words


@pytest.fixture
def identity(server: Server) -> Identity:
    return Identity((server.folder / "secret_key").read_text(), server.port)


@contextmanager
def _client(server: Server, identity: Identity, user: str = "local") -> Iterator[httpx.Client]:
    headers = {"cookie": identity.cookie(user)} if user else {}
    with httpx.Client(base_url=server.url, headers=headers, timeout=20, trust_env=False) as client:
        yield client


def _events(client: httpx.Client, conversation_id: str, after: str | None, most: int) -> tuple[str, str, list[str]]:
    """(position, words, names of the events) of at most so many events; then the connection is cut."""
    position, text, names = after or "", "", []
    headers = {"last-event-id": after} if after else {}
    name = "message"
    with client.stream("GET", f"/api/streams/{conversation_id}", headers=headers) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        for line in response.iter_lines():
            kind, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if kind == "id":
                position = value
            elif kind == "event":
                name = value
            elif kind == "data":
                names.append(name)
                data = json.loads(value)
                if name == "message":
                    text += data[1]
                elif name == "set":
                    text = "".join(part["text"] for part in data["parts"])
                name = "message"
            elif not line and (len(names) >= most or (names and names[-1] in ("end", "idle"))):
                break
    return position, text, names


def test_a_stream_that_is_cut_again_and_again_resumes_at_its_position_without_loss_or_repetition(
    chat: Chat, server: Server, upstream, identity: Identity
):
    end = threading.Event()
    upstream.then(Script(words(120), pace_s=0.02, held=end))
    chat.ask("count")
    conversation_id = chat.conversation_id()
    chat.page.close()
    with _client(server, identity) as client:
        position, heard, names = _events(client, conversation_id, None, 3)
        end.set()
        assert names[0] == "set"
        for cut in range(20):
            position, text, names = _events(client, conversation_id, position, 2 + cut)
            assert "set" not in names, "it began anew"
            heard += text
            if names[-1] in ("end", "idle"):
                break
    assert names[-1] in ("end", "idle")
    assert heard == "".join(words(120))


def test_a_position_of_no_log_begins_anew(chat: Chat, server: Server, upstream, identity: Identity):
    upstream.then(Script(words(100), ending="stall"))
    chat.ask("count")
    conversation_id = chat.conversation_id()
    with _client(server, identity) as client:
        for position in ("zzz.3", "1-1", "nonsense"):
            _, _, names = _events(client, conversation_id, position, 1)
            assert names == ["set"]
    chat.button("Stop").click()
    chat.expect_status("stopped")


def test_words_are_sent_once_and_again_when_they_have_changed(chat: Chat, server: Server, upstream, identity: Identity):
    upstream.then(Script(["half"], ending="cut"), Script([" done"]))
    answer = chat.get("why", status="interrupted")
    path = f"/api/messages?ids={answer.get_attribute('data-message-id')}"
    with _client(server, identity) as client:
        first = client.get(path)
        tag = {"if-none-match": first.headers["etag"]}
        assert first.json()["messages"][0]["parts"] == [{"type": "text", "text": "half"}]
        assert first.headers["cache-control"] == "private, no-cache"
        unchanged = client.get(path, headers=tag)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        chat.button("Continue").click()
        chat.expect_status("complete")
        changed = client.get(path, headers=tag)
        assert changed.status_code == 200
        assert changed.json()["messages"][0]["parts"] == [{"type": "text", "text": "half done"}]


def test_nobody_reads_anothers_stream_or_words(chat: Chat, server: Server, identity: Identity):
    answer = chat.get("mine")
    message_id = answer.get_attribute("data-message-id")
    conversation_id = chat.conversation_id()
    with _client(server, identity, "other") as other, _client(server, identity, "") as nobody:
        missing = other.get("/api/streams/unknown")
        theirs = other.get(f"/api/streams/{conversation_id}")
        assert (theirs.status_code, theirs.json()) == (missing.status_code, missing.json())
        assert theirs.status_code == 404
        assert other.get(f"/api/messages?ids={message_id}").json() == {"messages": []}
        assert other.get(f"/api/conversations/{conversation_id}/export?format=json").status_code == 404
        for path in (f"/api/streams/{conversation_id}", f"/api/messages?ids={message_id}"):
            assert nobody.get(path).status_code == 401


@pytest.mark.parametrize("ids", ["", ",", ",".join(str(number) for number in range(101))])
def test_no_messages_and_too_many_are_refused(server: Server, identity: Identity, ids):
    with _client(server, identity) as client:
        assert client.get(f"/api/messages?ids={ids}").status_code == 400


def test_a_socket_without_our_cookie_is_shown_nothing(chat: Chat, server: Server, identity: Identity):
    chat.get("a secret of mine")
    path = f"/c/{chat.conversation_id()}"

    async def look(cookie: str) -> dict[str, object]:
        async with asyncio.timeout(20), Tab.open(server.port, cookie, path) as tab:
            return dict(tab.shown)

    def shown_to(cookie: str) -> dict[str, object]:
        with ThreadPoolExecutor(1) as thread:  # Playwright has a loop of its own in this one
            return thread.submit(lambda: asyncio.run(look(cookie))).result()

    assert len(shown_to(identity.cookie("local"))["messages"]) == 2
    for cookie in ("", identity.cookie("local")[:-2], identity.cookie("other")):
        shown = shown_to(cookie)
        assert not shown.get("messages")
        assert not shown.get("title")


def test_every_page_is_served_with_a_policy_that_lets_none_but_its_own_scripts_run(chat: Chat, server: Server):
    for path in ("/new", "/settings", "/c/unknown"):
        response = chat.page.goto(server.url + path)
        assert response is not None
        policy = dict(rule.split(" ", 1) for rule in response.headers["content-security-policy"].split("; "))
        scripts = policy["script-src"].split()
        assert scripts[0] == "'self'"
        assert scripts[1:]
        assert all(source.startswith("'sha256-") for source in scripts[1:])
        assert (policy["default-src"], policy["connect-src"], policy["frame-ancestors"]) == (
            "'none'",
            "'self'",
            "'none'",
        )
