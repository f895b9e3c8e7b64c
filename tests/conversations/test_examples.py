"""Feedback becomes examples to train with, in formats that others read, and nothing that was deleted is in them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from chat_app.conversations.examples import Example
from chat_app.events import Finish, TextDelta
from chat_app.messages import Usage
from chat_app.providers.fake import FakeProvider
from chat_app.services import Services
from chat_app.store.feedback import Rating, note
from chat_app.store.records import Turn
from tests.api.page import api_over, ask
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_heard, until_settled


@pytest.fixture
def model() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
async def services(tmp_path, each_database, model) -> AsyncIterator[Services]:
    async with services_with(tmp_path, model) as opened:
        yield opened


@pytest.fixture
def api(services: Services) -> Starlette:
    return api_over(services)


async def talk(services: Services, model: FakeProvider, question: str, answer: str, after: Turn | None = None) -> Turn:
    """A question and its answer."""
    model.script = (TextDelta(answer), Finish("stop", Usage(1, 1)))
    turn = await send(services, question, conversation_id=after and after.conversation_id)
    await until_settled(services, turn)
    return turn


async def edit(services: Services, turn: Turn, text: str) -> str:
    edited = await services.conversations.edit(LOCAL, turn.reply_id, text=text, model="fake", key=f"edit {text}")
    return edited.reply_id


async def like(services: Services, message_id: str, thumb="up") -> None:
    await services.feedback.rate(LOCAL, message_id, Rating(thumb))


async def lines(services: Services, what="answers", form="chat", secrets=(), who="local") -> list[dict]:
    return [line async for line in services.examples.lines(who, what, form, secrets)]


async def test_a_liked_answer_is_an_example_with_what_was_said_before_it(services, model):
    first = await talk(services, model, "what is a tree", "A graph.")
    second = await talk(services, model, "and a leaf", "Its end.", first)
    await like(services, second.reply_id)
    assert await lines(services) == [
        {
            "messages": [
                {"role": "user", "content": "what is a tree"},
                {"role": "assistant", "content": "A graph."},
                {"role": "user", "content": "and a leaf"},
                {"role": "assistant", "content": "Its end."},
            ]
        }
    ]
    assert await lines(services, form="alpaca") == [
        {
            "instruction": "and a leaf", "input": "", "output": "Its end.", "system": "",
            "history": [["what is a tree", "A graph."]],
        }
    ]  # fmt: skip
    assert await lines(services, "preferences") == []
    assert await lines(services, who="bob") == []


async def test_an_edited_answer_is_better_than_the_one_it_was_made_of(services, model):
    turn = await talk(services, model, "why", "Because.")
    await edit(services, turn, "Since it rains.")
    question = {"role": "user", "content": "why"}
    assert await lines(services) == [{"messages": [question, {"role": "assistant", "content": "Since it rains."}]}]
    assert await lines(services, "preferences") == [
        {
            "prompt": [question],
            "chosen": [{"role": "assistant", "content": "Since it rains."}],
            "rejected": [{"role": "assistant", "content": "Because."}],
        }
    ]
    [line] = await lines(services, "preferences", "alpaca")
    assert line == {
        "instruction": "why", "input": "", "chosen": "Since it rains.", "rejected": "Because.", "system": "", "history": [],
    }  # fmt: skip


async def test_a_preferred_answer_is_better_than_each_of_the_others(services, model):
    turn = await talk(services, model, "why", "One.")
    model.script = (TextDelta("Two."), Finish("stop", Usage(1, 1)))
    other = await services.conversations.regenerate(LOCAL, turn.question_id, model="fake", key="another one")
    await until_settled(services, other)
    async with services.database.write() as connection:
        await note(connection, "local", "prefer", other.reply_id, others=[turn.reply_id])
    [line] = await lines(services, "preferences")
    assert (line["chosen"][0]["content"], line["rejected"][0]["content"]) == ("Two.", "One.")
    [line] = await lines(services)
    assert line["messages"][-1]["content"] == "Two."


async def test_what_was_disliked_deleted_or_is_no_better_is_no_example(services, model):
    disliked = await talk(services, model, "one", "1")
    version = await edit(services, disliked, "not better")
    await like(services, version, "down")
    same = await talk(services, model, "two", "2")
    await edit(services, same, "2")
    deleted = await talk(services, model, "three", "3")
    await like(services, deleted.reply_id)
    await services.conversations.delete_conversation(LOCAL, deleted.conversation_id)
    below = await talk(services, model, "four", "4")
    after = await talk(services, model, "five", "5", below)
    await like(services, after.reply_id)
    await services.conversations.delete(LOCAL, below.reply_id)
    assert await lines(services, "preferences") == []
    assert [line["messages"][-1]["content"] for line in await lines(services)] == ["2"]


async def test_every_conversation_is_one_on_the_branch_in_view_up_to_its_last_answer_with_words(services, model):
    other = await talk(services, model, "why", "Because.")
    await edit(services, other, "Since it rains.")
    gone = await talk(services, model, "two", "2")
    await services.conversations.delete_conversation(LOCAL, gone.conversation_id)
    silent = await talk(services, model, "three", "3")
    await talk(services, model, "and", "", silent)
    await talk(services, model, "nothing", "")
    model.script, model.pace_s = [TextDelta("half ")] * 100, 0.02
    running = await send(services, "still running")
    await until_heard(services, running)
    assert [[each["content"] for each in line["messages"]] for line in await lines(services, "conversations")] == [
        ["why", "Since it rains."], ["three", "3"],
    ]  # fmt: skip
    [_, line] = await lines(services, "conversations", "alpaca")
    assert line == {"instruction": "three", "input": "", "output": "3", "system": "", "history": []}
    await services.conversations.stop(LOCAL, running.reply_id)
    assert await lines(services, "conversations", who="bob") == []


async def test_an_answer_without_words_in_between_is_left_out_with_its_question(services, model):
    failed = await talk(services, model, "silence", "")
    turn = await talk(services, model, "again", "Here.", failed)
    await like(services, turn.reply_id)
    [line] = await lines(services)
    assert [each["content"] for each in line["messages"]] == ["again", "Here."]


async def test_all_texts_of_a_line_are_without_what_is_to_be_taken_out(services, model):
    first = await talk(services, model, "I am ann@example.com", "Hello ann@example.com.")
    second = await talk(services, model, "call +1 415 555 0132", "I call +1 415 555 0132.", first)
    await edit(services, second, "No, +1 415 555 0132 and ann@example.com.")
    for form in ("chat", "alpaca"):
        said = json.dumps(await lines(services, "preferences", form, ["email"]))
        assert "ann@" not in said
        assert said.count("[email]") == 3
        assert "0132" in said
        assert "0132" not in json.dumps(await lines(services, "preferences", form, ["phone", "email"]))


async def get(api: Starlette, **asked: str) -> httpx.Response:
    return await ask(api, "GET", "/feedback/examples", params=asked)


async def test_a_file_is_given_once_somebody_says_that_it_may_be_and_seen_before(api, services, model):
    for number in range(25):
        await like(services, (await talk(services, model, f"question {number}", "ok")).reply_id)
    seen = (await get(api, preview="1")).json()
    assert seen["count"] == 25
    assert len(seen["lines"]) == 20
    refused = await get(api, what="answers")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")
    given = await get(api, what="answers", form="alpaca", consent="yes")
    rows = [json.loads(line) for line in given.text.splitlines()]
    assert [row["instruction"] for row in rows] == [f"question {number}" for number in range(25)]
    assert given.headers["content-disposition"] == 'attachment; filename="answers.alpaca.jsonl"'
    for wrong in ({"what": "all"}, {"form": "csv"}, {"redact": "email,names"}):
        assert (await get(api, consent="yes", **wrong)).status_code == 400


@pytest.mark.parametrize("form", ["chat", "alpaca"])
@pytest.mark.parametrize("what", ["answers", "preferences", "conversations"])
async def test_the_datasets_library_reads_each_file_with_one_schema(api, services, model, tmp_path, what, form):
    first = await talk(services, model, "你好", "您好！")
    second = await talk(services, model, "再见", "再见。", first)
    for turn in (first, second):
        await edit(services, turn, f"better {turn.reply_id}")
    await talk(services, model, "又来了", "好。")
    file = tmp_path / "examples.jsonl"
    file.write_bytes((await get(api, what=what, form=form, consent="yes")).content)
    # In a process of its own: the library reads from the environment, as it is imported, that it is to ask nobody.
    script = (
        "import sys, json, datasets\n"
        "rows = datasets.load_dataset('json', data_files=sys.argv[1], cache_dir=sys.argv[2], split='train')\n"
        "print(json.dumps({'columns': rows.column_names, 'rows': rows.to_list()}))"
    )
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home"), "PATH": "", "HOME": str(tmp_path)}
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, file, tmp_path / "cache", stdout=asyncio.subprocess.PIPE, env=offline
    )
    out, _ = await ran.communicate()
    read = json.loads(out)
    assert read["rows"] == await lines(services, what, form)
    assert len(read["rows"]) == 2  # of conversations, too
    assert read["columns"] == list(read["rows"][0])


async def test_a_preview_takes_nothing_out_of_what_it_only_counts(services, model, monkeypatch):
    for number in range(3):
        turn = await talk(services, model, f"question {number}", f"Ask {number}@example.org.")
        await like(services, turn.reply_id)
    redacted = []
    without = Example.without
    monkeypatch.setattr(Example, "without", lambda self, secrets: redacted.append(self) or without(self, secrets))
    count, shown = await services.examples.preview("local", "answers", "alpaca", ["email"], 2)
    assert (count, len(shown), len(redacted)) == (3, 2, 2)
    assert "@" not in json.dumps(shown)
