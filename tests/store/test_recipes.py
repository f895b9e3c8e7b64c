"""Recipes and their versions in SQL."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from chat_app.errors import NotFound, SavedMeanwhile
from chat_app.store.database import Database
from chat_app.store.recipes import Content, RecipeStore
from chat_app.store.tables import users

ONE = Content("Writer", "Writes.", {"temperature": 0.7, "seed": None, "variables.tone": "warm"}, ("Write a letter.",))
TWO = Content("Writer", "Writes better.", {"temperature": 0.5})


@pytest.fixture
async def store(database: Database) -> RecipeStore:
    async with database.write() as connection:
        person = {"id": "other", "created_at": 1, "name": "Wei", "role": "user", "preferences": "{}"}
        await connection.execute(insert(users), person)
    return RecipeStore(database)


async def test_each_save_is_a_new_version_with_its_author_its_time_and_its_note(store):
    (mine,) = await store.add("local", [ONE], "first")
    assert await store.save("local", mine, 1, TWO, "calmer") == 2
    versions = await store.versions("local", mine)

    assert [(v.number, v.author, v.note, v.content) for v in versions] == [
        (2, "local", "calmer", TWO), (1, "local", "first", ONE),
    ]  # fmt: skip
    assert versions[0].created_at >= versions[1].created_at > 0


async def test_the_published_version_is_the_one_that_counts_and_else_the_newest(store):
    (mine,) = await store.add("local", [ONE])
    await store.save("local", mine, 1, TWO, "")
    assert (await store.one("local", mine)).version.number == 2
    await store.publish("local", mine, 1)
    found = await store.one("local", mine)
    assert (found.version.number, found.published, found.newest) == (1, 1, 2)
    assert (await store.one("local", mine, 2)).version.content == TWO
    assert [each.version.number for each in await store.visible("local")] == [1]
    await store.publish("local", mine, None)
    assert (await store.one("local", mine)).version.number == 2
    with pytest.raises(NotFound):
        await store.publish("local", mine, 3)


async def test_of_two_who_save_at_once_one_is_told_and_nothing_is_lost(store):
    (mine,) = await store.add("local", [ONE])
    saves = [store.save("local", mine, 1, TWO, str(number)) for number in range(6)]
    outcomes = await asyncio.gather(*saves, return_exceptions=True)

    assert [outcome for outcome in outcomes if outcome == 2] == [2]
    assert {type(outcome) for outcome in outcomes if outcome != 2} == {SavedMeanwhile}
    assert [version.number for version in await store.versions("local", mine)] == [2, 1]


async def test_a_shared_recipe_is_everybodys_to_use_and_to_change_but_its_owners_to_share_and_delete(store):
    (mine,) = await store.add("local", [ONE])
    for attempt in (
        store.one("other", mine),
        store.versions("other", mine),
        store.save("other", mine, 1, TWO, ""),
        store.publish("other", mine, 1),
        store.set_shared("other", mine, shared=True),
        store.set_deleted("other", mine, deleted=True),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await store.visible("other") == []

    await store.set_shared("local", mine, shared=True)
    assert await store.save("other", mine, 1, TWO, "theirs") == 2
    await store.publish("other", mine, 2)
    assert (await store.versions("local", mine))[0].author == "Wei"
    with pytest.raises(NotFound):
        await store.set_deleted("other", mine, deleted=True)


async def test_a_deleted_recipe_is_out_of_sight_and_still_its_owners_conversations(store):
    (mine,) = await store.add("local", [ONE])
    await store.set_shared("local", mine, shared=True)
    await store.set_deleted("local", mine, deleted=True)

    assert await store.visible("local") == []
    assert (await store.one("local", mine)).version.content == ONE
    with pytest.raises(NotFound):
        await store.one("other", mine)
    with pytest.raises(NotFound):
        await store.save("local", mine, 1, TWO, "")
    await store.set_deleted("local", mine, deleted=False)
    assert [each.id for each in await store.visible("local")] == [mine]


async def test_several_are_added_together_and_listed_by_name(store):
    ids = await store.add("local", [Content("b"), Content("A"), Content("c")])

    assert [each.version.content.name for each in await store.visible("local")] == ["A", "b", "c"]
    assert len(set(ids)) == 3


ACTS = st.lists(
    st.tuples(st.sampled_from(["save", "restore", "publish", "late"]), st.integers(1, 5), st.text(max_size=5)),
    max_size=12,
)


def test_whatever_is_saved_restored_and_published_every_version_stays_what_it_was(tmp_path):
    async def hold(database: Database, acts: list) -> None:
        store = RecipeStore(database)
        (mine,) = await store.add("local", [Content("first")], "made")
        history: list[tuple[Content, str]] = [(Content("first"), "made")]
        published: int | None = None
        for kind, number, text in acts:
            newest = len(history)
            if kind == "publish":
                published = number if number <= newest else None
                await store.publish("local", mine, published)
            elif kind == "late":
                with pytest.raises(SavedMeanwhile):
                    await store.save("local", mine, newest - 1, Content(text), kind)
            else:
                content = history[number % newest][0] if kind == "restore" else Content(text, values={"seed": number})
                assert await store.save("local", mine, newest, content, kind) == newest + 1
                history.append((content, kind))
            record = await store.one("local", mine)
            counts = published or len(history)
            assert (record.published, record.newest, record.version.number) == (published, len(history), counts)
            assert record.version.content == history[counts - 1][0]
        versions = await store.versions("local", mine)
        assert [(v.number, v.content, v.note) for v in versions] == [
            (number, *said) for number, said in reversed(list(enumerate(history, start=1)))
        ]
        assert [v.id for v in versions] == sorted({v.id for v in versions}, reverse=True)

    with asyncio.Runner() as runner:
        database = Database(f"sqlite+aiosqlite:///{tmp_path / 'chat.db'}")
        runner.run(database.migrate())

        @settings(max_examples=40)
        @given(ACTS)
        def always(acts: list) -> None:
            runner.run(hold(database, acts))

        always()
        runner.run(database.aclose())
