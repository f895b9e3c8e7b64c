import asyncio
import hashlib

import pytest

from chat_app.errors import BadRequest, NotFound, StoreUnavailable, Unauthorized
from chat_app.gateway.keys import Keys, may_ask
from chat_app.messages import Limits
from chat_app.store.database import Database, now_ms
from chat_app.store.keys import KeyStore


@pytest.fixture
async def store(database: Database) -> KeyStore:
    return KeyStore(database)


async def test_a_key_is_known_again_by_its_hash_and_is_nowhere_itself(store):
    keys = Keys(store)
    record, key = await keys.make("local", "  my  script ", models=("gpt-*",), limits=Limits(streams=2))
    (stored,) = await store.of("local")

    assert key.startswith("sk-chat-")
    assert stored.sha256 == hashlib.sha256(key.encode()).hexdigest()
    assert key not in repr(stored)
    assert (stored.name, stored.prefix, stored.limits) == ("my script", key[:12], Limits(streams=2))
    assert (await keys.who(f"Bearer {key}")).id == record.id
    assert (await keys.who(key)).id == record.id
    assert (await store.find(stored.sha256)).last_used_at is not None


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer sk-chat-nobodys", "Bearer sk-other", "Basic x"])
async def test_what_is_no_key_opens_nothing(store, header):
    with pytest.raises(Unauthorized):
        await Keys(store).who(header)


async def test_a_revoked_key_opens_nothing_at_once_and_only_its_owner_can_revoke_it(store):
    keys = Keys(store)
    record, key = await keys.make("local", "x")
    await keys.who(key)
    with pytest.raises(NotFound):
        await keys.revoke("other", record.id)
    await keys.who(key)
    await keys.revoke("local", record.id)
    with pytest.raises(Unauthorized):
        await keys.who(key)

    assert await keys.of("local") == []


async def test_a_key_that_another_worker_revokes_is_forgotten_within_seconds(store):
    now = [0.0]
    here, there = Keys(store, lambda: now[0]), Keys(store)
    record, key = await here.make("local", "x")
    await here.who(key)  # notes its use
    await here.who(key)  # and knows it
    await there.revoke("local", record.id)
    await here.who(key)
    now[0] = 5
    with pytest.raises(Unauthorized):
        await here.who(key)


async def test_a_key_ends_when_it_expires(store):
    keys = Keys(store)
    _, key = await keys.make("local", "x", expires_at=now_ms() - 1)
    with pytest.raises(Unauthorized):
        await keys.who(key)
    _, key = await keys.make("local", "x", expires_at=now_ms() + 60_000)
    await keys.who(key)


async def test_a_key_needs_a_name(store):
    with pytest.raises(BadRequest):
        await Keys(store).make("local", "  ")


async def test_a_key_may_ask_the_models_it_is_for(store):
    keys = Keys(store)
    some, _ = await keys.make("local", "x", models=("gpt-*", "claude-opus-5-5"))
    every, _ = await keys.make("local", "y")

    assert [may_ask(some, model) for model in ("gpt-6", "claude-opus-5-5", "claude", "")] == [True, True, False, False]
    assert may_ask(every, "anything")


async def test_a_key_that_is_known_opens_also_while_nothing_can_be_written_and_its_use_is_noted_once(store):
    noted: list[str] = []

    async def refuse(key_id: str) -> None:
        noted.append(key_id)
        raise StoreUnavailable("locked")

    keys = Keys(store)
    record, key = await keys.make("local", "x")
    store.used = refuse
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(keys.who(key))
    await keys.who(key)

    assert noted == [record.id]
