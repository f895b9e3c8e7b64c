import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_app.api.app import make_api
from chat_app.api.identity import Identity
from chat_app.messages import ReasoningPart, Source, SourcesPart, TextPart, ToolCallPart
from chat_app.services import Services
from chat_app.store.answers import AnswerStore
from chat_app.store.records import NewTurn, Settlement
from tests.conftest import LOCAL, services_with

IDENTITY = Identity("not-a-secret", 3000)
AGAIN = [HealthCheck.function_scoped_fixture]  # each example begins by emptying the library
SAID = {"author": {"role": "user"}, "content": {"parts": ["why"]}, "create_time": 2}
GPT = {"conversation_id": "g", "title": "Trees", "create_time": 1.5, "current_node": "a"}
GPT["mapping"] = {"a": {"message": SAID, "parent": None}}
CLAUDE = {"uuid": "c", "name": "Leaves", "created_at": "2026-01-02T03:04:05Z", "updated_at": ""}
CLAUDE["chat_messages"] = [{"uuid": "1", "sender": "human", "content": [{"type": "text", "text": "why"}]}]
OWN = {"key": "k", "title": "Roots", "leaf_message_id": "a", "created_at": 1, "updated_at": 2, "archived_at": None}
OWN["messages"] = [{"id": "a", "parent_id": None, "role": "user", "parts": [{"type": "text", "text": "why"}]}]


class Client:
    """Asks the API of some services, as `local`; what the API does not catch is raised here."""

    def __init__(self, services: Services) -> None:
        self.services, self.library, self.messages = (
            services,
            services.conversations.library,
            services.conversations.messages,
        )
        api = make_api()
        api.state.services, api.state.identity = services, IDENTITY
        headers = {"cookie": IDENTITY.cookie("local")}
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(api), base_url="http://127.0.0.1:3000", headers=headers
        )

    async def take(self, contents: bytes) -> httpx.Response:
        return await self.http.post("/api/import", content=contents)

    async def give(self) -> bytes:
        return (await self.http.get("/api/export")).content


@asynccontextmanager
async def _client(folder, **changes) -> AsyncIterator[Client]:
    async with services_with(folder, **changes) as services:
        client = Client(services)
        async with client.http:
            yield client


@pytest.fixture
async def client(tmp_path, database_url) -> AsyncIterator[Client]:
    async with _client(tmp_path, database_url=database_url) as opened:
        yield opened


@pytest.fixture
async def two_clients(tmp_path) -> AsyncIterator[tuple[Client, Client]]:
    async with _client(tmp_path / "a") as one, _client(tmp_path / "b") as other:
        yield one, other


async def test_a_file_over_the_limit_is_refused(tmp_path):
    async with _client(tmp_path, max_import_bytes=10) as client:
        answer = await client.take(b" " * 11)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "import_failed")


VALUES = st.one_of(
    st.sampled_from(
        [None, True, -1, 2**63, 10**30, 1e300, 1.5, "", "a", "\0", "\ud800", "x" * 3000, [], {}, [[]], {"a": {}}]
    ),
    st.text(max_size=3),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)


def _places(value, at=()):
    yield at
    for key, below in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(below, (*at, key))


@st.composite
def damaged(draw) -> bytes:
    """A file of each kind with some value replaced by another, or repeated."""
    file = copy.deepcopy(
        draw(st.sampled_from([[GPT], [CLAUDE], {"format": "chat_app", "version": 1, "conversations": [OWN]}]))
    )
    for _ in range(draw(st.integers(1, 2))):
        *above, last = draw(st.sampled_from(list(_places(file))[1:]))
        holder = file
        for key in above:
            holder = holder[key]
        if isinstance(holder, list) and draw(st.booleans()):
            holder.append(copy.deepcopy(holder[last]))
        else:
            holder[last] = copy.deepcopy(draw(VALUES))
    return json.dumps(file).encode()


@settings(max_examples=150, suppress_health_check=AGAIN)
@given(contents=damaged())
async def test_a_damaged_file_is_imported_in_full_or_refused_with_the_entry_named_and_nothing_kept(client, contents):
    await client.library.delete_everything("local")

    answer = await client.take(contents)
    kept = await client.library.all_ids("local")

    if answer.status_code == 400:
        assert answer.json()["error"]["code"] == "import_failed"
        assert "Entry" in answer.text or "file" in answer.text
        assert kept == []
    else:
        assert len(kept) == answer.json()["added"]
        for conversation_id in kept:
            page = await client.services.conversations.open(LOCAL, conversation_id)
            assert bool(page.messages) == bool(await client.messages.all_of("local", conversation_id))
            assert (await client.http.get(f"/api/conversations/{conversation_id}/export")).status_code == 200
        assert (await client.take(await client.give())).json()["added"] == 0


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
PARTS = st.lists(
    st.one_of(
        st.builds(TextPart, WORDS),
        st.builds(ReasoningPart, WORDS, st.integers(0, 10**6)),
        st.builds(ToolCallPart, WORDS, WORDS, WORDS),
        st.builds(lambda *fields: SourcesPart((Source(*fields),)), st.integers(0, 99), WORDS, WORDS, WORDS),
    ),
    max_size=3,
).map(tuple)
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "ask", "ask", "again", "settle", "settle", "version", "show", "drop", "keep"]),
        st.integers(0, 99),
        PARTS,
        WORDS,
        st.sampled_from(["complete", "stopped", "interrupted", "failed"]),
    ),
    min_size=1,
    max_size=20,
)


async def _live(client, deeds) -> None:
    """Do to a library what people do, each deed to one of the conversations and messages there are."""
    running = {}
    for number, (deed, at, parts, words, status) in enumerate(deeds):
        ids = await client.library.all_ids("local")
        mine = ids[at % len(ids)] if ids and deed != "begin" else None
        thread = await client.messages.all_of("local", mine) if mine else []
        some = thread[at % len(thread)] if thread else None
        if mine is None or deed == "ask":
            new = NewTurn(parts, words, f"{number}", words, mine, some and some.id)
            turn = await client.messages.add_turn("local", new)
            running[turn.reply_id] = turn
        elif deed == "keep":
            await client.library.rename("local", mine, words, source=["person", "model"][at % 2])
            await client.library.set_pinned("local", mine, pinned=at % 3 == 0)
            await client.library.set_archived("local", mine, archived=at % 5 == 0)
        elif deed == "settle" and some and (turn := running.pop(some.id, None)):
            await AnswerStore(client.messages._database).settle(
                Settlement(some.id, mine, turn.generation_id, status, parts)
            )
        elif some:
            await _change(client.messages, deed, some, parts, f"{number}")


async def _change(store, deed, message, parts, key) -> None:
    match deed:
        case "again" if message.role == "user":
            await store.add_reply("local", message.id, "m", key)
        case "version":
            await store.add_version("local", message.id, parts, key)
        case "show":
            await store.select_branch("local", message.id)
        case "drop":
            await store.set_deleted("local", message.id, deleted=True)


def _told(exported: bytes) -> list[dict]:
    """What a file says, with numbers for the messages' ids, which are made anew; what still runs has broken off."""
    conversations = json.loads(exported)["conversations"]
    for conversation in conversations:
        numbers = {m["id"]: n for n, m in enumerate(conversation["messages"])} | {None: None}
        conversation["leaf_message_id"] = numbers[conversation.get("leaf_message_id")]
        for message in conversation["messages"]:
            message["id"], message["parent_id"] = numbers[message["id"]], numbers[message.get("parent_id")]
            if message.get("status") == "streaming":
                message["status"] = "interrupted"
    return conversations


@settings(max_examples=40, suppress_health_check=AGAIN)
@given(deeds=DEEDS)
async def test_whatever_is_exported_comes_back_the_same(two_clients, deeds):
    one, other = two_clients
    for each in two_clients:
        await each.library.delete_everything("local")
    await _live(one, deeds)

    exported = await one.give()
    answer = await other.take(exported)

    assert answer.json() == {"added": len(await one.library.all_ids("local")), "known": 0, "lost": 0}
    assert _told(await other.give()) == _told(exported)
