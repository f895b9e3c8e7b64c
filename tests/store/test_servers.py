"""Servers that were added, and how models are arranged, in SQL."""

import asyncio

import msgspec
import pytest

from chat_app.errors import NotFound, ServerRefused
from chat_app.store.accounts import AccountStore
from chat_app.store.database import Database
from chat_app.store.servers import Arrangement, ServerContent, ServerStore

ONE = ServerContent("box", "vllm", "http://127.0.0.1:8000/v1", "sealed")
TWO = ServerContent("other", "compatible", "https://models.example/v1", "")


@pytest.fixture
def store(database: Database) -> ServerStore:
    return ServerStore(database)


async def test_servers_are_kept_in_the_order_they_were_added_changed_and_removed(store):
    one, two = await store.add(ONE), await store.add(TWO)
    assert await store.read() == ([one, two], Arrangement())
    changed = ServerContent("box", "compatible", "http://127.0.0.1:9000/v1", "sealed anew")
    await store.change(one.id, changed)
    assert [record.content for record in (await store.read())[0]] == [changed, TWO]
    await store.remove(one.id)
    assert (await store.read())[0] == [two]
    for attempt in (store.change(one.id, ONE), store.remove(one.id)):
        with pytest.raises(NotFound):
            await attempt


async def test_two_servers_have_no_one_name(store):
    one = await store.add(ONE)
    two = await store.add(TWO)
    for attempt in (store.add(ONE), store.change(two.id, ONE)):
        with pytest.raises(ServerRefused) as refused:
            await attempt
        assert (refused.value.reason, refused.value.values) == ("name_taken", {"name": "box"})
    assert (await store.read())[0] == [one, two]


async def test_of_many_who_arrange_the_models_at_once_each_is_heard(store):
    def hide(model: str):
        return lambda said: msgspec.structs.replace(said, hidden=said.hidden | {model})

    await asyncio.gather(*(store.arrange(hide(f"m{number}")) for number in range(8)))
    arranged = await store.arrange(lambda said: msgspec.structs.replace(said, names={"m1": "模型一"}, order=("m2",)))

    assert arranged == Arrangement(frozenset(f"m{number}" for number in range(8)), {"m1": "模型一"}, ("m2",))
    assert (await store.read())[1] == arranged


async def test_the_first_person_is_an_administrator_and_nobody_else_is(database):
    accounts = AccountStore(database)
    assert [await accounts.is_admin(user) for user in ("local", "nobody")] == [True, False]
