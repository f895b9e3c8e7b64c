"""Sets of prompts: of files with bad lines, and of what was asked before."""

import json

import pytest

from chat_app.conversations.changes import Change
from chat_app.conversations.replay.sets import MOST_PROMPTS, BadLine, read_lines, said_in
from chat_app.errors import BadRequest, NotFound
from chat_app.providers.fake import FakeProvider
from chat_app.store.feedback import Rating
from chat_app.store.prompts import Prompt
from chat_app.store.recipes import Content
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import OTHER, until_settled
from tests.waiting import until


@pytest.fixture
async def services(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as opened:
        yield opened


def said(prompt) -> list[tuple[str, str]]:
    return [(each.role, each.content) for each in said_in(Prompt(0, prompt.messages, "", None))]


def test_a_file_of_lines_is_read_and_each_bad_one_is_named():
    lines = [
        '\ufeff{"prompt": "one", "expected": "1"}',
        "",
        "{",
        '{"prompt": 3}',
        '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]}',
        '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
        '{"input": [{"role": "user", "content": "x\\u0000"}], "ideal": "y"}\r',
        json.dumps({"prompt": "x" * 200_001}),
        '"text"',
        '{"prompt": "p", "expected": ["3"]}',
        "[" * 100_000,
        '{"messages": [{"role": "tool", "content": "c"}]}',
    ]
    read = read_lines("\n".join(lines))
    found = read.prompts
    assert [said(each) for each in found] == [
        [("user", "one")],
        [("user", "a"), ("assistant", "b"), ("user", "c")],
        [("user", "x\ufffd")],
    ]
    assert [each.expected for each in found] == ["1", "", "y"]
    assert read.bad == 8
    assert list(read.first_bad) == [
        BadLine(3, "json"), BadLine(4, "prompt"), BadLine(6, "prompt"), BadLine(8, "long"), BadLine(9, "prompt"),
        BadLine(10, "prompt"), BadLine(11, "json"), BadLine(12, "prompt"),
    ]  # fmt: skip


async def ask(services, text: str, **more):
    turn = await services.conversations.send(LOCAL, text=text, model="fake", key=f"key of {text}", **more)
    await until_settled(services, turn)
    return turn


async def test_past_questions_are_found_by_words_recipe_and_thumb(services):
    recipe = await services.recipes.make("local", Content("Short", values={"system_prompt": "Be short."}), "")
    first = await ask(services, "the tides")
    second = await ask(services, "the winds", change=Change({"recipe": {"id": recipe}}))
    third = await ask(services, "the rocks", change=Change({"recipe": {"id": "shipped:writer"}}))
    await services.feedback.rate(LOCAL, second.reply_id, Rating("down"))

    async def found(**wanted) -> list[str]:
        return [each.text for each in (await services.prompt_sets.asked(LOCAL, **wanted))[0]]

    assert await found() == ["the rocks", "the winds", "the tides"]
    assert await found(thumb="down") == ["the winds"]
    assert await found(thumb="up") == []
    assert await found(recipe_id=recipe) == ["the winds"]
    assert await found(recipe_id="shipped:writer") == ["the rocks"]
    await services.conversations.delete(LOCAL, third.question_id)
    assert await found() == ["the winds", "the tides"]
    assert await services.prompt_sets.asked(OTHER) == ([], False)
    [rated], _ = await services.prompt_sets.asked(LOCAL, thumb="down")
    assert (rated.up, rated.down, rated.conversation_id) == (0, 1, second.conversation_id)
    assert first.question_id in [each.id for each in (await services.prompt_sets.asked(LOCAL))[0]]


async def test_past_questions_are_found_by_what_their_answers_say_too(services):
    turn = await ask(services, "the tides")
    await ask(services, "the winds")

    async def found(words: str) -> list[str]:
        return [each.text for each in (await services.prompt_sets.asked(LOCAL, words=words))[0]]

    async def is_found() -> bool:
        return await found("tides") == ["the tides"]

    await until(is_found)  # the index comes after the answer

    async def are_both() -> bool:
        return sorted(await found("Hello")) == ["the tides", "the winds"]

    await until(are_both)
    assert await found("glaciers") == []
    await services.feedback.rate(LOCAL, turn.reply_id, Rating("down"))
    found, _ = await services.prompt_sets.asked(LOCAL, words="Hello", thumb="down")
    assert [each.text for each in found] == ["the tides"]


async def test_a_picked_question_comes_with_what_was_said_before_it(services):
    first = await ask(services, "one")
    second = await ask(services, "two", conversation_id=first.conversation_id)
    made = await services.prompt_sets.pick(LOCAL, " My  set ", [second.question_id, second.question_id])
    record, prompts = await services.prompt_sets.page(LOCAL, made.set_id, 0, 10)
    assert (record.name, record.prompts, made.prompts) == ("My set", 1, 1)
    assert [(each.role, each.content) for each in said_in(prompts[0])] == [
        ("user", "one"), ("assistant", "Hello."), ("user", "two"),
    ]  # fmt: skip
    assert prompts[0].message_id == second.question_id
    with pytest.raises(BadRequest):
        await services.prompt_sets.pick(LOCAL, "x", [second.reply_id])
    with pytest.raises(NotFound):
        await services.prompt_sets.pick(OTHER, "x", [second.question_id])
    with pytest.raises(NotFound):
        await services.prompt_sets.page(OTHER, made.set_id, 0, 10)
    for ids in ([], ["x"] * 0):
        with pytest.raises(BadRequest):
            await services.prompt_sets.pick(LOCAL, "x", ids)


async def test_a_set_without_a_prompt_or_a_name_is_none(services):
    for name, text in (("x", ""), ("  ", '{"prompt": "a"}')):
        with pytest.raises(BadRequest):
            await services.prompt_sets.take(LOCAL, name, read_lines(text))


def test_what_is_no_text_is_expected_as_json_says_it_and_developers_are_left_out():
    lines = [
        '{"prompt": "p", "expected": 42}',
        '{"prompt": "p", "expected": null}',
        '{"messages": [{"role": "developer", "content": "d"}, {"role": "user", "content": "u"}]}',
    ]
    read = read_lines("\n".join(lines))
    assert (read.bad, [each.expected for each in read.prompts]) == (0, ["42", "", ""])


def test_of_a_file_of_bad_lines_some_are_told_and_of_one_that_is_too_long_the_rest_is_not_read():
    bad = read_lines("x\n" * 1000)
    assert (bad.bad, len(bad.first_bad), bad.prompts) == (1000, 20, [])
    long = read_lines('{"prompt": "a"}\n' * (MOST_PROMPTS + 1000) + "x")
    assert (len(long.prompts), long.bad) == (MOST_PROMPTS + 1, 0)
