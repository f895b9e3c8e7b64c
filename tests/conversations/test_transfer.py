import json

import pytest

from chat_app.conversations.transfer import export_all, export_json, export_markdown, import_file, read_file
from chat_app.errors import ImportFailed
from chat_app.messages import text_of
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with
from tests.waiting import until

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
        "d": {
            "message": {
                "author": {"role": "assistant"},
                "content": {"parts": ["second"]},
                "metadata": {"model_slug": "gpt-x"},
            },
            "parent": "a",
        },
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


def _file(*entries) -> bytes:
    return json.dumps(list(entries)).encode()


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
        exported = await export_all(services.conversations, "local")
        before = await services.conversations.messages.all_of("local", turn.conversation_id)

    async with services_with(tmp_path / "b", FakeProvider()) as services:
        assert await import_file(services.conversations, "local", exported) == (1, 0)
        assert await import_file(services.conversations, "local", exported) == (0, 1)
        made = (await services.conversations.library.all_ids("local"))[0]
        after = await services.conversations.messages.all_of("local", made)
        page = await services.conversations.open(LOCAL, made)
        again = await export_all(services.conversations, "local")

    assert sorted(text_of(m.parts) for m in after) == sorted(text_of(m.parts) for m in before)
    assert len(page.messages) == 4
    assert json.loads(again)["conversations"][0]["key"] == json.loads(exported)["conversations"][0]["key"]


async def test_a_file_taken_back_where_it_came_from_adds_nothing(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await _ask(services, "one")
        _, exported = await export_json(services.conversations, "local", turn.conversation_id)

        assert await import_file(services.conversations, "local", exported) == (0, 1)


async def test_markdown_shows_the_branch_in_view(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await _ask(services, "why / so?")
        name, body = await export_markdown(services.conversations, "local", turn.conversation_id)

    assert name.endswith(".md")
    assert "/" not in name
    assert body.decode().count("\n## ") == 2
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
        (b'{"format": "x", "version": 1, "conversations": []}', "format x"),
        (b'{"format": "chat_app", "version": 1, "conversations": [{"key": "k"}]}', "Entry 1"),
        (_file(CHATGPT, {"what": 1}), "Entry 2"),
        (_file(CHATGPT | {"mapping": {"a": {"message": None, "parent": "gone"}}}), "Entry 1 .*missing"),
        (_file(CHATGPT | {"mapping": {"a": {"parent": "b"}, "b": {"parent": "a"}}}), "Entry 1 .*circle"),
        (_file(CLAUDE | {"chat_messages": [{"uuid": "1", "sender": "bot"}]}), "Entry 1 .*bot"),
        (_file(CLAUDE | {"created_at": "yesterday"}), "Entry 1"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named_with_its_reason(contents, reason):
    with pytest.raises(ImportFailed, match=reason):
        read_file(contents)


async def test_one_bad_entry_and_nothing_is_imported(tmp_path):
    async with services_with(tmp_path) as services:
        with pytest.raises(ImportFailed):
            await import_file(services.conversations, "local", _file(CHATGPT, {"mapping": 3}))

        assert await services.conversations.library.all_ids("local") == []
