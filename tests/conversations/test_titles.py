from functools import partial

import pytest

from chat_app.conversations.titles import tidy_title, title_from_model, title_from_question
from chat_app.errors import AnswerBroken, BadRequest, ModelFailed
from chat_app.events import Finish, ReasoningDelta, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.providers.fake import FakeProvider
from tests.conftest import LOCAL, services_with
from tests.conversations.talk import send, until_settled
from tests.waiting import until


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("why?", "why?"),
        ("  why\n\nthough ", "why though"),
        ("Explain B-trees with code, a table and a diagram please", "Explain B-trees with code, a table and a…"),
        ("字" * 60, "字" * 48 + "…"),
        ("x" * 60, "x" * 48 + "…"),
    ],
)
def test_a_title_begins_as_the_questions_first_words(question, title):
    assert title_from_question(question) == title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ('"B-trees in practice."', "B-trees in practice"),
        ("Title: **Keys and order**\n\nHope this helps!", "Keys and order"),
        ("one two three four five six seven", "one two three four five six"),
        ("为什么数据库使用B+树而不是哈希索引来保存键", "为什么数据库使用B+树而不是哈希"),
        ("\n\n", ""),
        ("", ""),
    ],
)
def test_a_models_title_is_made_tidy(said, title):
    assert tidy_title(said) == title


@pytest.mark.usefixtures("each_database")
async def test_the_title_comes_from_the_model_once(tmp_path):
    fake = FakeProvider([ReasoningDelta("hm"), TextDelta('"B-trees"'), Finish("stop")])
    async with services_with(tmp_path, fake) as services:
        turn = await send(services)

        async def titled() -> str:
            record = await services.conversations.library.get("local", turn.conversation_id)
            return record.title if record.title_source == "model" else ""

        assert await until(titled) == "B-trees"
        assert fake.requests[-1].parameters["max_tokens"] == 1024  # enough to think first


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize(
    "script",
    [
        [ModelFailed("fake failed.")],
        [TextDelta("A ti"), AnswerBroken("The answer broke off.")],
        [ReasoningDelta("so many thoughts"), Finish("length")],
        [TextDelta("  \n"), Finish("stop")],
    ],
    ids=["fails", "breaks off", "only thinks", "says nothing"],
)
async def test_when_the_title_fails_the_questions_words_stay(tmp_path, script):
    class Untitled(FakeProvider):
        """Answers well, and gives a title badly."""

        async def stream(self, model, request):
            self.script = script if self.requests else FakeProvider().script
            async for event in super().stream(model, request):
                yield event

    fake = Untitled()
    async with services_with(tmp_path, fake) as services:
        turn = await send(services, "What is a B-tree?")
        await until_settled(services, turn)

        async def tried() -> bool:
            return len(fake.requests) == 2 and not services.conversations._generations._running

        await until(tried)
        record = await services.conversations.library.get("local", turn.conversation_id)

        assert (record.title, record.title_source) == ("What is a B-tree?", "question")


@pytest.mark.usefixtures("each_database")
async def test_a_model_that_goes_on_after_its_title_is_not_listened_to(tmp_path):
    fake = FakeProvider([TextDelta("B-trees\n"), *(TextDelta(f"and {i} ") for i in range(50))], pace_s=0.001)
    async with services_with(tmp_path, fake) as services:
        said = await title_from_model(partial(services.gateway.stream, caller=Caller("local")), "fake", "q", "a", 64)

    assert said == "B-trees"


@pytest.mark.usefixtures("each_database")
async def test_a_search_is_asked_for_no_title_and_a_person_gives_one(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        turn = await send(services, "What is a B-tree?", model="Passages")
        await until_settled(services, turn)
        assert (await services.conversations.library.get("local", turn.conversation_id)).title == "What is a B-tree?"
        await services.conversations.rename(LOCAL, turn.conversation_id, "  mine  ")

        assert (await services.conversations.library.get("local", turn.conversation_id)).title == "mine"
        with pytest.raises(BadRequest):
            await services.conversations.rename(LOCAL, turn.conversation_id, " ")
