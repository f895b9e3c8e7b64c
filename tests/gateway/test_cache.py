"""The same request gets the same answer again, where that was asked for, and nobody else gets it."""

import pytest

from chat_app.errors import ModelFailed
from chat_app.events import Finish, Start, TextDelta
from chat_app.gateway.cache import AnswerCache, key_of
from chat_app.gateway.caller import Caller
from chat_app.messages import ChatRequest, Message, TextPart
from tests.gateway.door import door_over
from tests.gateway.test_failover import Named

CACHED = '[models.m]\nprovider = "first"\ncache_s = 60\n'
PUBLIC = CACHED + "is_public = true\n"
PLAIN = '[models.m]\nprovider = "first"\n'


async def test_off_unless_asked_for(tmp_path):
    provider = Named("first")
    door = await door_over(tmp_path, PLAIN, provider)
    assert [(await door.ask())[0].is_cached for _ in range(2)] == [False, False]
    assert len(provider.requests) == 2


@pytest.mark.parametrize(("toml", "cache_s"), [(CACHED, None), (PLAIN, 60)])
async def test_by_the_model_or_by_the_request_the_same_is_given_again_and_costs_nothing(tmp_path, toml, cache_s):
    provider = Named("first")
    door = await door_over(tmp_path, toml, provider)
    asked = [await door.ask(caller=Caller("local", cache_s=cache_s)) for _ in range(2)]

    assert [(start.is_cached, start.deployment, said) for start, said in asked] == [
        (False, "first/m", "first"),
        (True, "first/m", "first"),
    ]
    assert len(provider.requests) == 1
    assert [(used.is_cached, used.status) for used in door.used] == [(False, "complete"), (True, "complete")]
    assert door.used[1].cost_micros == 0
    told = door.metrics.render()[0].decode()
    assert 'chat_app_cache_total{model="m",result="hit"} 1.0' in told
    assert 'chat_app_cache_total{model="m",result="miss"} 1.0' in told


async def test_a_request_that_wants_a_new_answer_gets_one(tmp_path):
    provider = Named("first")
    door = await door_over(tmp_path, CACHED, provider)
    await door.ask()
    assert not (await door.ask(caller=Caller("local", cache_s=0)))[0].is_cached


@pytest.mark.parametrize(("toml", "is_shared"), [(CACHED, False), (PUBLIC, True)])
async def test_nobody_gets_anothers_answer_unless_the_model_is_public(tmp_path, toml, is_shared):
    door = await door_over(tmp_path, toml, Named("first"))
    await door.ask(caller=Caller("a"))

    assert (await door.ask(caller=Caller("b")))[0].is_cached is is_shared


async def test_another_request_is_another(tmp_path):
    door = await door_over(tmp_path, CACHED, Named("first"))
    await door.ask()
    assert not (await door.ask(parameters={"temperature": 1}))[0].is_cached
    assert not (await door.ask(messages=(Message("user", (TextPart("x"),)),)))[0].is_cached


async def test_an_answer_that_broke_off_is_not_given_again(tmp_path):
    provider = Named("first", TextDelta("half"), ModelFailed("late"))
    door = await door_over(tmp_path, CACHED, provider)
    for _ in range(2):
        with pytest.raises(ModelFailed):
            await door.ask()

    assert len(provider.requests) == 2


def test_an_answer_is_given_while_it_is_no_older_than_is_asked_and_too_many_push_the_longest_unused_out():
    now = [0.0]
    cache = AnswerCache(2600, lambda: now[0])
    answer = [Start("d"), TextDelta("x" * 300), Finish("stop")]
    for key in "ab":
        cache.put(key, answer)
    assert cache.get("a", 10) == tuple(answer)
    cache.put("c", answer)
    cache.put("d", answer)
    assert [cache.get(key, 10) is not None for key in "abcd"] == [True, False, True, True]
    now[0] = 11
    assert [cache.get("a", most_s) is not None for most_s in (10, 12)] == [False, True]
    cache.put("e", [*answer[:1], TextDelta("x" * 3000), answer[2]])
    assert cache.get("e", 10) is None
    assert cache._bytes == 0


def test_the_order_of_names_in_a_body_makes_no_other_request():
    one = ChatRequest("m", (), body={"a": 1, "b": {"c": 1, "d": 2}}, needs=frozenset({"image", "audio"}))
    other = ChatRequest("m", (), body={"b": {"d": 2, "c": 1}, "a": 1}, needs=frozenset({"audio", "image"}))

    assert key_of(one, "x") == key_of(other, "x")
    assert key_of(one, "x") != key_of(one, "y")
