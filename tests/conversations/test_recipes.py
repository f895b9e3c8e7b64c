"""Recipes: what conversations are asked by, their history, and their files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.changes import Change
from chat_app.conversations.diffs import differences
from chat_app.conversations.recipe_files import checked_content, read_file, shipped, written
from chat_app.errors import ImportFailed, NotFound, RecipeGone, SavedMeanwhile, ValueRefused
from chat_app.providers.fake import FakeProvider
from chat_app.store.recipes import Content
from tests.conftest import services_with
from tests.conversations.talk import send, until_settled

WARM = Content("Warm", values={"temperature": 0.9, "system_prompt": "Be {{tone}}.", "variables.tone": "warm"})
COLD = Content("Cold", values={"temperature": 0.1, "seed": None, "system_prompt": "Be cold."})


def _system(request) -> str:
    return request.messages[0].text if request.messages[0].role == "system" else ""


async def test_a_conversation_is_asked_by_its_recipe_below_its_own_values_and_remembers_the_version(
    tmp_path, each_database
):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        recipe = await services.recipes.make("local", WARM, "")
        await services.conversations.layers.change("local", None, Change({"temperature": 0.5, "top_p": 0.8}))
        first = await send(services, change=Change({"recipe": {"id": recipe}, "seed": 7}))
        await until_settled(services, first)
        assert await services.recipes.save("local", recipe, 1, COLD, "") == 2
        second = await send(services, "more", conversation_id=first.conversation_id)
        await until_settled(services, second)
        details = [await services.conversations.messages.details("local", turn.reply_id) for turn in (first, second)]
        versions = await services.recipes.versions("local", recipe, "en")

    asked = [request for request in fake.requests if request.messages[-1].text in ("hi", "more")]
    assert [_system(request) for request in asked] == ["Be warm.", "Be cold."]
    assert [request.parameters for request in asked] == [
        {"temperature": 0.9, "top_p": 0.8, "seed": 7}, {"temperature": 0.1, "top_p": 0.8, "seed": 7},
    ]  # fmt: skip
    assert [each.asked.recipe_version_id for each in details] == [versions[1].id, versions[0].id]


async def test_others_get_what_is_published_and_whoever_names_a_version_gets_that(tmp_path, each_database):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        recipe = await services.recipes.make("local", WARM, "")
        await services.recipes.save("local", recipe, 1, COLD, "")
        await services.recipes.store.publish("local", recipe, 1)
        for number, version in ((1, None), (2, 2)):
            change = Change({"recipe": {"id": recipe} | ({"version": version} if version else {})})
            await until_settled(services, await send(services, f"q{number}", change=change))

    assert [_system(r) for r in fake.requests if r.messages[-1].text.startswith("q")] == ["Be warm.", "Be cold."]


async def test_a_new_conversation_begins_with_the_persons_own_recipe_unless_it_is_told_otherwise(
    tmp_path, each_database
):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        recipe = await services.recipes.make("local", COLD, "")
        before = await send(services, "old")
        await services.conversations.layers.change("local", None, Change({"recipe": {"id": recipe}}))
        view = await services.conversations.layers.view("local", None)
        for text, change in (("usual", {}), ("none", {"recipe": None}), ("other", {"recipe": {"id": "shipped:code"}})):
            await until_settled(services, await send(services, text, change=Change(change)))
        await until_settled(services, await send(services, "old again", conversation_id=before.conversation_id))

    assert view.recipe is not None
    assert view.recipe.content.name == "Cold"
    prompts = {request.messages[-1].text: _system(request) for request in fake.requests}
    assert prompts["usual"] == "Be cold."
    assert prompts["none"] == prompts["old again"] == ""
    assert prompts["other"].startswith("You are an experienced programmer.")


async def test_a_recipe_that_is_gone_is_said_before_anything_is_asked_and_can_be_put_away(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as services:
        layers = services.conversations.layers
        recipe = await services.recipes.make("local", COLD, "")
        turn = await send(services, change=Change({"recipe": {"id": recipe}}))
        await until_settled(services, turn)
        async with services.database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM recipes")
        view = await layers.view("local", turn.conversation_id)
        with pytest.raises(RecipeGone):
            await send(services, "more", conversation_id=turn.conversation_id)
        again = await layers.change("local", turn.conversation_id, Change({"recipe": {"id": "nobody's"}}))
        await layers.change("local", turn.conversation_id, Change({"recipe": None}))
        await until_settled(services, await send(services, "more", conversation_id=turn.conversation_id))

    assert (view.is_recipe_gone, view.recipe) == (True, None)
    assert again.refused["recipe"].reason == "recipe_gone"


async def test_a_prompt_of_ones_own_may_use_the_recipes_variables(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as services:
        recipe = await services.recipes.make("local", WARM, "")
        both = Change({"recipe": {"id": recipe}, "system_prompt": "Very {{tone}}."})
        assert (await services.conversations.layers.look("local", both)).refused == {}
        alone = await services.conversations.layers.look("local", Change({"system_prompt": "Very {{tone}}."}))

    assert alone.refused.keys() == {"system_prompt"}


async def test_the_second_of_two_who_save_learns_of_the_first_and_can_see_the_difference(tmp_path, each_database):
    async with services_with(tmp_path, FakeProvider()) as services:
        recipe = await services.recipes.make("local", WARM, "")
        await services.recipes.save("local", recipe, 1, COLD, "mine")
        with pytest.raises(SavedMeanwhile):
            await services.recipes.save("local", recipe, 1, WARM, "theirs")
        found = await services.recipes.compared("local", recipe, 1, 2)
        with pytest.raises(NotFound):
            await services.recipes.compared("local", recipe, 1, 3)

    assert {each.field: (each.old, each.new) for each in found} == {
        "name": ("Warm", "Cold"), "temperature": ("0.9", "0.1"), "seed": (None, "∅"),
        "system_prompt": ("Be {{tone}}.", "Be cold."), "variables.tone": ("warm", None),
    }  # fmt: skip


def test_every_recipe_that_comes_along_is_there_in_both_languages_and_says_the_same_of_parameters():
    english, chinese = shipped("en-US"), shipped("zh-CN")

    assert (
        english.keys()
        == chinese.keys()
        == {f"shipped:{n}" for n in ("assistant", "code", "writer", "summary", "translate", "qa")}
    )
    for name, each in english.items():
        other = chinese[name].content
        assert each.content.values.keys() == other.values.keys()
        assert {n: v for n, v in each.content.values.items() if not isinstance(v, str)} == {
            n: v for n, v in other.values.items() if not isinstance(v, str)
        }
        assert len(each.content.starting_points) == len(other.starting_points) == 4
    assert shipped("fr") == english


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.none() | st.floats(0, 2),
        "max_tokens": st.integers(1, 1000),
        "system_prompt": st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}"), max_size=60)
        | st.just("two\nlines\n\n'''\n\"\"\"\\ \t end"),
        "stop": st.lists(st.sampled_from(["END", "\n\n", "\\n"]), min_size=1, max_size=4),
        "extra": st.just({"a": None, "b": [1, {"c": "d"}]}),
        "response_format": st.just({"type": "json_object"})
        | st.just({"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": [None, 1]}}}),
        "variables.tone": st.sampled_from(["warm", ""]),
    },
)
CONTENTS = st.builds(
    Content,
    name=st.sampled_from(["A", "写作", 'q"uote']),
    description=st.sampled_from(["", "Does things."]),
    values=VALUES,
    starting_points=st.lists(st.sampled_from(["Write.", "写。"]), max_size=3).map(tuple),
)


@given(st.lists(CONTENTS, min_size=1, max_size=3))
def test_what_was_exported_is_imported_as_it_was(contents):
    assert read_file(written(contents)) == contents


@given(CONTENTS, CONTENTS)
def test_a_difference_tells_both_sides_and_only_what_differs(old, new):
    found = differences(old, new)
    assert (found == []) == (old == new)
    for each in found:
        assert each.old != each.new
        if each.lines:
            assert "\n".join(line for op, line in each.lines if op != "new") == (each.old or "")
            assert "\n".join(line for op, line in each.lines if op != "old") == (each.new or "")
            assert {"old", "new"} & {op for op, _ in each.lines}
    assert {(each.field, each.new, each.old) for each in differences(new, old)} == {
        (each.field, each.old, each.new) for each in found
    }


GOOD = 'format = 1\n[[recipes]]\nname = "Good"\n'


@pytest.mark.parametrize(
    ("text", "reason", "values"),
    [
        ("format = ", "not_toml", {"line": 1, "column": 10}),
        ("[" * 5000, "not_toml", {"line": 1}),
        ("a = 1", "not_recipes", {"known": 1}),
        ("format = 2\n[[recipes]]\nname = 'x'", "not_recipes", {"known": 1}),
        ("format = 1\nrecipes = []", "not_recipes", {}),
        (f'{GOOD}[[recipes]]\ndescription = "x"', "recipe_entry", {"entry": 2, "why": "recipe_name"}),
        (f'{GOOD}[[recipes]]\nname = "Bad"\n[recipes.parameters]\ntemperature = nan', "recipe_entry",
         {"entry": 2, "title": "Bad", "why": "number", "field": "temperature"}),
        (f'{GOOD}[[recipes]]\nname = "Bad"\n[recipes.parameters]\nseed = 2026-11-26', "recipe_entry", {"why": "number"}),
        (f'{GOOD}[[recipes]]\nname = "Bad"\n[recipes.parameters]\nsystem_prompt = "{{{{x}}}}"', "recipe_entry", {"why": "variable"}),
        (f'{GOOD}[[recipes]]\nname = "Bad"\n[recipes.parameters]\nnot_sent = ["what"]', "recipe_entry", {"why": "unknown"}),
        (f'{GOOD}[recipes.parameters]\nrecipe = {{ id = "x" }}', "recipe_entry", {"why": "recipe"}),
        (f"{GOOD}parameters = 1", "recipe_entry", {"why": "recipe"}),
        (f"{GOOD}starting_points = [1]", "recipe_entry", {"why": "point"}),
        (f"{GOOD}[recipes.paramters]\nseed = 1", "recipe_entry", {"why": "entry_key", "field": "paramters"}),
        (f'{GOOD}model = "x"', "recipe_entry", {"why": "entry_key", "field": "model", "title": "Good"}),
        (f'{GOOD}[recipes.variables]\ndate = "x"', "recipe_entry", {"why": "given", "field": "variables.date"}),
        (f'{GOOD}[recipes.parameters]\nnot_sent = "seed"', "recipe_entry", {"why": "recipe"}),
        (f"{GOOD}[recipes.parameters]\nseed = {'9' * 5000}\n\n", "not_toml", {"column": 8}),
        (f"{GOOD}[recipes.parameters]\nextra = {{ a = inf }}", "recipe_entry", {"why": "constant"}),
        ('format = 1\nrecipes = ["x"]', "recipe_entry", {"why": "recipe"}),
    ],
)  # fmt: skip
async def test_one_bad_entry_is_named_and_nothing_of_its_file_is_taken(tmp_path, text, reason, values):
    async with services_with(tmp_path) as services:
        with pytest.raises(ImportFailed) as failed:
            await services.recipes.imported("local", text)
        assert [each for each in await services.recipes.listed("local", "en") if not each.is_shipped] == []

    assert failed.value.reason == reason
    assert values.items() <= failed.value.values.items()


async def test_a_file_of_all_is_taken_by_somebody_else_as_it_was(tmp_path):
    async with services_with(tmp_path) as services:
        for content in (WARM, COLD):
            await services.recipes.make("local", content, "")
        text = await services.recipes.exported_all("local")
        assert await services.recipes.imported("local", text) == 2
        mine = [each.content for each in await services.recipes.listed("local", "en") if each.is_mine]
        code = await services.recipes.exported("local", "shipped:code", None, "zh")

    assert sorted(mine, key=lambda content: content.name) == [COLD, COLD, WARM, WARM]
    assert read_file(code)[0].name == "编程"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (None, "recipe"), ({}, "recipe_name"), ({"name": " "}, "recipe_name"), ({"name": "x" * 201}, "long"),
        ({"name": "x", "description": 1}, "text"), ({"name": "x", "description": "x" * 2001}, "long"), ({"name": "x", "starting_points": ["a"] * 13}, "points"),
        ({"name": "x", "values": {"temperature": 9}}, "range"), ({"name": "x", "values": []}, "recipe"),
    ],
)  # fmt: skip
def test_a_recipe_that_is_none_has_its_sentence(told, reason):
    with pytest.raises(ValueRefused) as refused:
        checked_content(told)
    assert (refused.value.reason, bool(refused.value.values["field"])) == (reason, True)


async def test_what_comes_along_cannot_be_changed_by_anybody(tmp_path):
    async with services_with(tmp_path) as services:
        for attempt in (
            services.recipes.save("local", "shipped:code", 1, COLD, ""),
            services.recipes.store.publish("local", "shipped:code", 1),
            services.recipes.store.set_deleted("local", "shipped:code", deleted=True),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert (await services.recipes.versions("local", "shipped:code", "en"))[0].number == 1


def test_a_difference_of_very_many_lines_is_told_at_once_and_whole():
    old, new = (Content("x", values={"system_prompt": "same\n" * count}) for count in (20_000, 20_001))
    (found,) = differences(old, new)
    assert len(found.lines) == 40_003


async def test_the_same_send_is_the_same_turn_also_after_its_recipe_has_gone(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        recipe = await services.recipes.make("local", COLD, "")
        first = await send(services, change=Change({"recipe": {"id": recipe}}))
        more = await send(services, "more", conversation_id=first.conversation_id)
        await until_settled(services, more)
        async with services.database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM recipes")
        again = await send(services, "more", conversation_id=first.conversation_id)
        with pytest.raises(RecipeGone):
            await send(services, "new", change=Change({"recipe": {"id": recipe}}))

    assert (again.reply_id, again.is_new) == (more.reply_id, False)


async def test_a_default_recipe_that_is_gone_is_passed_over(tmp_path):
    async with services_with(tmp_path, FakeProvider()) as services:
        recipe = await services.recipes.make("local", COLD, "")
        await services.conversations.layers.change("local", None, Change({"recipe": {"id": recipe}}))
        async with services.database.write() as connection:
            await connection.exec_driver_sql("DELETE FROM recipes")
        assert await until_settled(services, await send(services)) == "complete"


async def test_a_recipes_model_answers_unless_the_conversation_has_its_own(tmp_path):
    fake = FakeProvider()
    async with services_with(tmp_path, fake) as services:
        layers = services.conversations.layers
        recipe = await services.recipes.make("local", Content("R", values={"model": "fake"}), "")
        turn = await send(services, change=Change({"recipe": {"id": recipe}}))
        await until_settled(services, turn)
        assert await layers.model("local", turn.conversation_id) == "fake"
        await layers.change("local", turn.conversation_id, Change({"model": "mine"}))
        assert await layers.model("local", turn.conversation_id) == "mine"
        await layers.change("local", turn.conversation_id, Change(reset=("model", "recipe")))
        assert await layers.model("local", turn.conversation_id) == ""
        await layers.change("local", None, Change({"model": "usual"}))
        assert (await layers.model("local", None), await layers.model("local", turn.conversation_id)) == ("usual", "")
        await layers.change("local", None, Change({"recipe": {"id": recipe}}))
        assert await layers.model("local", None) == "fake"
