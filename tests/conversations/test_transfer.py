import asyncio
import json
import re
import time

import pytest

from chat_app.conversations.changes import Change
from chat_app.conversations.imports import read_file
from chat_app.conversations.transfer import export_all, export_json, export_markdown
from chat_app.errors import ImportFailed, NotFound
from chat_app.messages import text_of
from chat_app.providers.fake import FakeProvider
from chat_app.store.recipes import Content
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import import_file
from tests.waiting import until

SECOND = {"author": {"role": "assistant"}, "content": {"parts": ["second"]}, "metadata": {"model_slug": "gpt-x"}}
CHATGPT = {
    "title": "Trees",
    "conversation_id": "g-1",
    "create_time": 1.5,
    "current_node": "d",
    "mapping": {
        "root": {"message": None, "parent": None},
        "sys": {"message": {"author": {"role": "system"}, "content": {"parts": [""]}}, "parent": "root"},
        "c": {"message": {"author": {"role": "assistant"}, "content": {"parts": ["first"]}}, "parent": "a"},
        "a": {
            "message": {"author": {"role": "user"}, "content": {"parts": ["why"]}, "create_time": 2},
            "parent": "sys",
        },
        "d": {"message": SECOND, "parent": "a"},
    },
}
CLAUDE = {
    "uuid": "c-1",
    "name": "Leaves",
    "created_at": "2026-01-02T03:04:05Z",
    "chat_messages": [
        {"uuid": "1", "sender": "human", "text": "why", "created_at": "2026-01-02T03:04:05Z"},
        {
            "uuid": "2",
            "sender": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "because"}],
        },
    ],
}


MESSAGE = {"id": "a", "role": "user", "parts": [{"type": "text", "text": "why"}]}
OWN = {"key": "k-1", "title": "Roots", "messages": [MESSAGE, MESSAGE | {"id": "b", "parent_id": "a"}]}


def _file(*entries) -> bytes:
    return json.dumps(list(entries)).encode()


def _own(*conversations) -> bytes:
    return json.dumps({"format": "chat_app", "version": 1, "conversations": conversations}).encode()


def _thread(*changes) -> dict:
    """Our own conversation, of messages with these fields."""
    return OWN | {"messages": [MESSAGE | change for change in changes]}


def _nodes(*parents) -> dict:
    """ChatGPT's nodes n0, n1, …, each a question, with these parents."""
    said = {"author": {"role": "user"}, "content": {"parts": ["why"]}}
    return {f"n{i}": {"message": said, "parent": parent} for i, parent in enumerate(parents)}


async def _ask(services, text: str, conversation_id: str | None = None):
    turn = await services.conversations.send(LOCAL, text=text, model="fake", key=text, conversation_id=conversation_id)

    async def is_done() -> bool:
        return not await services.conversations.messages.running("local")

    await until(is_done)
    return turn


async def test_what_is_exported_comes_back_with_its_branches(tmp_path):
    async with services_with(tmp_path / "a", FakeProvider()) as services:
        turn = await _ask(services, "one")
        await services.conversations.regenerate(LOCAL, turn.reply_id, model="fake", key="again")
        await _ask(services, "two", turn.conversation_id)
        exported = (await export_all(services.conversations, "local")).json
        before = await services.conversations.messages.all_of("local", turn.conversation_id)

    async with services_with(tmp_path / "b", FakeProvider()) as services:
        assert await import_file(services.conversations, "local", exported) == (1, 0)
        assert await import_file(services.conversations, "local", exported) == (0, 1)
        made = (await services.conversations.library.all_ids("local"))[0]
        after = await services.conversations.messages.all_of("local", made)
        page = await services.conversations.open(LOCAL, made)
        again = (await export_all(services.conversations, "local")).json

    assert sorted(text_of(m.parts) for m in after) == sorted(text_of(m.parts) for m in before)
    assert len(page.messages) == 4
    assert json.loads(again)["conversations"][0]["key"] == json.loads(exported)["conversations"][0]["key"]


async def test_parameters_and_what_each_answer_was_asked_with_come_along_and_a_recipe_where_it_is_known(tmp_path):
    own = {"temperature": 0.4, "seed": None, "system_prompt": "Be {{tone}}.", "variables.tone": "brief"}
    async with services_with(tmp_path / "a", FakeProvider()) as services:
        shipped = (await services.recipes.listed("local", "en"))[0]
        mine = await services.recipes.make("local", Content("Mine", "", {"top_k": 3}), "")
        turns = []
        for number, recipe in enumerate((shipped.id, mine)):
            change = Change(own | {"recipe": {"id": recipe}})
            turns.append(
                await services.conversations.send(LOCAL, text="q", model="fake", key=f"{number}", change=change)
            )
        asked = (await services.conversations.messages.details("local", turns[0].reply_id)).asked
        exported = (await export_all(services.conversations, "local")).json

    async with services_with(tmp_path / "b", FakeProvider()) as services:
        assert await import_file(services.conversations, "local", exported) == (2, 0)
        ids = await services.conversations.library.all_ids("local")
        layers = [(await services.conversations.layers.store.read("local", each)).conversation for each in ids]
        threads = [await services.conversations.messages.all_of("local", each) for each in ids]
        answers = [message.id for thread in threads for message in thread if message.role == "assistant"]
        again = [(await services.conversations.messages.details("local", each)).asked for each in answers]
        assert [(await services.conversations.library.get("local", each)).is_tuned for each in ids] == [True, True]
    assert own in layers
    assert own | {"recipe": {"id": shipped.id}} in layers
    assert asked in again
    assert (asked.system, asked.parameters["temperature"], asked.recipe_version_id) == (
        "Be brief.",
        0.4,
        shipped.version_id,
    )


async def test_a_file_taken_back_where_it_came_from_adds_nothing(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await _ask(services, "one")
        exported = (await export_json(services.conversations, "local", turn.conversation_id)).json

        assert await import_file(services.conversations, "local", exported) == (0, 1)


async def test_markdown_shows_the_branch_in_view(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await _ask(services, "why / so?")
        name, body = await export_markdown(services.conversations, "local", turn.conversation_id, "你\n")

    assert name.endswith(".md")
    assert "/" not in name
    assert re.findall(r"^## (.*) · \d{4}-\d\d-\d\d \d\d:\d\d UTC$", body.decode(), re.MULTILINE) == ["你", "fake"]
    assert "Hello." in body.decode()


async def test_the_exports_of_chatgpt_and_claude_are_read(tmp_path):
    async with services_with(tmp_path) as services:
        assert await import_file(services.conversations, "local", _file(CHATGPT, CLAUDE)) == (2, 0)
        assert await import_file(services.conversations, "local", _file(CLAUDE, CHATGPT)) == (0, 2)
        records = {r.title: r for r in await services.conversations.library.library("local", limit=9)}
        trees = await services.conversations.open(LOCAL, records["Trees"].id)
        leaves = await services.conversations.messages.all_of("local", records["Leaves"].id)

    assert [(m.role, m.model, len(m.siblings)) for m in trees.messages] == [("user", "", 1), ("assistant", "gpt-x", 2)]
    assert [text_of(m.parts) for m in leaves] == ["why", "because"]


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"nope", "not a JSON file"),
        (b"3", "not a file of conversations"),
        (b"{}", "not a file of conversations"),
        (b'{"format": "x", "version": 1, "conversations": []}', "format is x"),
        (b'{"format": "chat_app", "version": 1, "conversations": [{"key": "k"}]}', "Entry 1"),
        (_file(CHATGPT, {"what": 1}), "Entry 2"),
        (_file(CHATGPT | {"mapping": {"a": {"message": None, "parent": "gone"}}}), "Entry 1.*missing"),
        (_file(CHATGPT | {"mapping": {"a": {"parent": "b"}, "b": {"parent": "a"}}}), "Entry 1.*circle"),
        (_file(CLAUDE | {"chat_messages": [{"uuid": "1", "sender": "bot"}]}), "Entry 1.*bot"),
        (_file(CLAUDE | {"created_at": "yesterday"}), "Entry 1"),
        (_own(_thread({"id": "a"}) | {"parameters": {"temperature": 9}}), "Entry 1.*temperature"),
        (_own(_thread({"id": "a"}) | {"parameters": [3]}), "Entry 1"),
        (_own(_thread({"id": "a", "asked": "much"})), "Entry 1"),
        (b"[" * 100_000, "nested too deep"),
        (b'[{"mapping":' * 100_000, "nested too deep"),
        (b'{"format": "chat_app", "version": 1, "conversations": ' + b"[" * 100_000, "nested too deep"),
        (b'["\xff"]', "Entry 1"),
        (b"[" + b"9" * 6000 + b"]", "Entry 1"),
        (b'[{"mapping": {}, "id": "x", "create_time": 1e999}]', "Entry 1"),
        (b'[{"mapping": {}, "id": "x", "create_time": NaN}]', "not a JSON file"),
        (_own(OWN, OWN | {"key": ""}), "Entry 2.*Roots.*key"),
        (_own(OWN | {"key": "k" * 3000}), "Entry 1.*key"),
        (_own(OWN | {"pinned": "yes"}), "Entry 1.*pinned"),
        (_own(OWN | {"created_at": -1}), "Entry 1.*Roots.*-1"),
        (_own(OWN | {"updated_at": 2**63}), f"Entry 1.*{2**63}"),
        (_own(OWN | {"archived_at": 10**40}), "Entry 1"),
        (_own(OWN | {"created_at": 1.5}), "Entry 1.*created_at"),
        (_own(_thread({"id": "a"}, {"id": "a"})), "Entry 1.*same id"),
        (_own(_thread({"created_at": 10**15})), "Entry 1"),
        (_own(_thread({"created_at": "noon"})), "Entry 1.*created_at"),
        (_own(_thread({"role": "narrator"})), "Entry 1.*role"),
        (_own(_thread({"role": "bad\ud800\0role"})), "Entry 1.*role"),
        (_own(_thread({"parts": [{"type": "text"}]})), "Entry 1.*parts"),
        (_own(_thread({"parts": [{"type": "reasoning", "text": "", "duration_ms": 2**70}]})), "Entry 1"),
        (_own(_thread({"parts": [{"type": "sources", "sources": [{"number": -1, "title": "", "text": ""}]}]})), "En"),
        (_own(_thread({"id": "a", "parent_id": "gone"})), "Entry 1.*missing"),
        (_own(_thread({"id": "a", "parent_id": "a"})), "Entry 1.*circle"),
        (_own(_thread({"id": "a", "parent_id": "b"}, {"id": "b", "parent_id": "a"})), "Entry 1.*circle"),
        (_file(CHATGPT | {"create_time": -5}), "Entry 1.*Trees"),
        (_file(CHATGPT | {"create_time": 1e300}), "Entry 1"),
        (_file(CHATGPT | {"update_time": "noon"}), "Entry 1.*update_time"),
        (_file(CHATGPT | {"conversation_id": 3}), "Entry 1.*conversation_id"),
        (_file(CLAUDE | {"created_at": "0001-01-01T00:00:00+14:00"}), "Entry 1"),
        (_file(CLAUDE | {"created_at": "1969-01-01T00:00:00Z"}), "Entry 1.*Leaves"),
        (_file(CLAUDE | {"chat_messages": [{"uuid": "1", "sender": "human"}] * 2}), "Entry 1.*same id"),
        (_file(CLAUDE | {"uuid": ""}), "Entry 1.*no id"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named_with_its_reason(contents, reason):
    with pytest.raises(ImportFailed, match=reason) as raised:
        list(read_file(contents))

    assert str(raised.value).encode()  # fit to send


async def test_one_bad_entry_and_nothing_is_imported(tmp_path):
    async with services_with(tmp_path) as services:
        with pytest.raises(ImportFailed):
            await import_file(services.conversations, "local", _file(CHATGPT, {"mapping": 3}))

        assert await services.conversations.library.all_ids("local") == []


async def test_the_same_message_ids_in_two_conversations_are_two_messages(tmp_path):
    async with services_with(tmp_path) as services:
        assert await import_file(services.conversations, "local", _own(OWN, OWN | {"key": "k-2"})) == (2, 0)

        for conversation_id in await services.conversations.library.all_ids("local"):
            assert len((await services.conversations.open(LOCAL, conversation_id)).messages) == 2


async def test_a_message_whose_id_is_empty_is_a_message_like_any_other(tmp_path):
    async with services_with(tmp_path) as services:
        await import_file(services.conversations, "local", _own(_thread({"id": "b", "parent_id": ""}, {"id": ""})))
        made = (await services.conversations.library.all_ids("local"))[0]

        assert len((await services.conversations.open(LOCAL, made)).messages) == 2


async def test_a_message_with_the_id_of_someone_elses_leaves_theirs_alone(tmp_path, database_url):
    async with services_with(tmp_path, FakeProvider(), database_url=database_url) as services:
        theirs = await _ask(services, "one")
        taken = _own(_thread({"id": theirs.question_id}, {"id": "b", "parent_id": theirs.question_id}))
        before = await services.conversations.messages.all_of("local", theirs.conversation_id)

        assert await import_file(services.conversations, "local", taken) == (1, 0)
        with pytest.raises(ImportFailed, match="missing"):
            await import_file(services.conversations, "local", _own(_thread({"parent_id": theirs.question_id})))

        assert await services.conversations.messages.all_of("local", theirs.conversation_id) == before


async def test_what_no_database_takes_is_replaced_and_the_rest_is_kept(tmp_path, database_url):
    bad = "a\0b\ud800c\\ud800\U0001f600"
    parts = [
        {"type": "text", "text": bad},
        {"type": "reasoning", "text": bad},
        {"type": "tool_call", "call_id": bad, "name": bad, "arguments": bad},
        {"type": "sources", "sources": [{"number": 1, "title": bad, "text": bad, "ref": bad}]},
    ]
    own = _thread({"id": bad, "parts": parts, "model": bad}) | {"title": bad, "key": bad, "model": bad}
    gpt = CHATGPT | {"title": bad, "conversation_id": bad, "mapping": _nodes(None)}
    claude = CLAUDE | {"name": bad, "uuid": bad, "chat_messages": [{"uuid": bad, "sender": "human", "text": bad}]}
    async with services_with(tmp_path, database_url=database_url) as services:
        for contents in (_own(own), _file(gpt, claude)):
            await import_file(services.conversations, "local", contents)
            assert (await import_file(services.conversations, "local", contents))[0] == 0
        everything = json.loads((await export_all(services.conversations, "local")).json)["conversations"]

    good = "a\ufffdb\ufffdc\\ud800\U0001f600"
    assert [entry["title"] for entry in everything] == [good] * 3
    assert everything[0]["key"] == good
    assert everything[0]["messages"][0]["parts"] == json.loads(
        json.dumps(parts).replace(json.dumps(bad), json.dumps(good))
    )


async def test_a_file_without_conversations_adds_nothing_and_a_conversation_without_messages_is_one(tmp_path):
    async with services_with(tmp_path) as services:
        assert await import_file(services.conversations, "local", b"[]") == (0, 0)
        assert await import_file(services.conversations, "local", _own()) == (0, 0)
        empty = [{"mapping": {}, "id": "e"}, {"uuid": "e", "chat_messages": []}]
        assert await import_file(services.conversations, "local", _file(*empty)) == (2, 0)
        assert await import_file(services.conversations, "local", _own(_thread() | {"leaf_message_id": "a"})) == (1, 0)

        for conversation_id in await services.conversations.library.all_ids("local"):
            assert (await services.conversations.open(LOCAL, conversation_id)).messages == []


@pytest.mark.parametrize(
    ("entry", "ends_in"),
    [
        (_thread({"id": "a"}, {"id": "b", "parent_id": "a"}) | {"leaf_message_id": "gone"}, "b"),
        (_thread({"id": "a"}, {"id": "b", "parent_id": "a"}) | {"leaf_message_id": None}, "b"),
        (_thread({"id": "a"}, {"id": "b", "parent_id": "a"}) | {"leaf_message_id": "a"}, "a"),
        (_thread({"id": "b", "parent_id": "a"}, {"id": "a"}, {"id": "c"}) | {"leaf_message_id": "gone"}, "c"),
        (_thread({"id": "a", "created_at": 9}, {"id": "b", "created_at": 1}, {"id": "c", "parent_id": "a"}), "c"),
    ],
)
async def test_a_leaf_that_is_not_there_becomes_the_end_of_the_newest_messages_path(tmp_path, entry, ends_in):
    for message in entry["messages"]:
        message["parts"] = [{"type": "text", "text": message["id"]}]
    async with services_with(tmp_path) as services:
        await import_file(services.conversations, "local", _own(entry))
        made = (await services.conversations.library.all_ids("local"))[0]
        page = await services.conversations.open(LOCAL, made)
        words = await services.conversations.messages.words("local", [page.messages[-1].id])

    assert json.loads(words[0].parts)[0]["text"] == ends_in


async def test_a_branch_of_chatgpts_that_says_nothing_is_not_what_is_shown(tmp_path):
    mapping = _nodes(None, "n0") | {"silent": {"message": None, "parent": None}}
    async with services_with(tmp_path) as services:
        await import_file(
            services.conversations, "local", _file(CHATGPT | {"mapping": mapping, "current_node": "silent"})
        )
        made = (await services.conversations.library.all_ids("local"))[0]

        assert len((await services.conversations.open(LOCAL, made)).messages) == 2


async def test_messages_of_claudes_need_not_come_after_their_parents(tmp_path):
    said = [("2", "1"), ("1", None), ("3", "2"), ("4", "unknown")]
    messages = [{"uuid": i, "sender": "human", "text": i, "parent_message_uuid": parent} for i, parent in said]
    messages[1] |= {"parent_message_uuid": "00000000-0000-4000-8000-000000000000"}
    async with services_with(tmp_path) as services:
        await import_file(services.conversations, "local", _file(CLAUDE | {"chat_messages": messages}))
        made = (await services.conversations.library.all_ids("local"))[0]
        kept = await services.conversations.messages.all_of("local", made)

    names = {m.id: text_of(m.parts) for m in kept} | {None: None}
    assert {names[m.id]: names[m.parent_id] for m in kept} == {"1": None, "2": "1", "3": "2", "4": None}


def test_a_long_thread_told_from_its_end_is_read_in_a_moment():
    count = 30_000
    backwards = dict(reversed(_nodes(None, *(f"n{i}" for i in range(count - 1))).items()))
    before = time.process_time()

    [entry] = read_file(_file(CHATGPT | {"mapping": backwards}))
    thread = entry.thread

    assert [m.id for m in thread] == [f"n{i}" for i in range(count)]
    assert time.process_time() - before < 5


async def test_importing_what_is_under_deleted_brings_it_back(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        library = services.conversations.library
        turn = await _ask(services, "one")
        await import_file(services.conversations, "local", _file(CHATGPT, CLAUDE))
        exported = (await export_all(services.conversations, "local")).json
        imported = next(r.id for r in await library.library("local", limit=9) if r.title == "Trees")
        for conversation_id in (turn.conversation_id, imported):
            await library.set_deleted("local", conversation_id, deleted=True)

        assert await import_file(services.conversations, "local", exported) == (2, 1)
        assert await import_file(services.conversations, "local", exported) == (0, 3)

        assert await library.deleted("local", 9) == []
        assert len((await services.conversations.open(LOCAL, turn.conversation_id)).messages) == 2
        assert len((await services.conversations.open(LOCAL, imported)).messages) == 2


async def test_a_bad_entry_brings_nothing_back(tmp_path):
    async with services_with(tmp_path) as services:
        await import_file(services.conversations, "local", _file(CLAUDE))
        [made] = await services.conversations.library.all_ids("local")
        await services.conversations.library.set_deleted("local", made, deleted=True)

        with pytest.raises(ImportFailed):
            await import_file(services.conversations, "local", _file(CLAUDE, {"mapping": 3}))

        with pytest.raises(NotFound):
            await services.conversations.open(LOCAL, made)


async def test_the_same_file_twice_at_once_is_added_once(tmp_path, database_url):
    async with services_with(tmp_path, database_url=database_url) as services:
        async with asyncio.TaskGroup() as group:
            imports = [
                group.create_task(import_file(services.conversations, "local", _file(CHATGPT, CLAUDE)))
                for _ in range(4)
            ]

        assert sorted(task.result() for task in imports) == [(0, 2)] * 3 + [(2, 0)]
