import asyncio
from contextlib import aclosing

import pytest

from chat_app.errors import AnswerBroken, FirstTokenTimeout, ModelUnknown
from chat_app.events import Finish, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.gateway.catalogue import Catalogue
from chat_app.messages import ChatRequest
from chat_app.providers.fake import FakeProvider
from tests.conftest import make_settings
from tests.gateway.door import Door, door_over
from tests.gateway.test_failover import Named


async def _events(tmp_path, fake: FakeProvider, model: str = "fake", **patience: float) -> list:
    catalogue = Catalogue(make_settings(tmp_path), [fake])
    await catalogue.refresh()
    gateway = Door(catalogue, **patience).gateway
    async with asyncio.timeout(5), aclosing(gateway.stream(ChatRequest(model, ()), Caller("local"))) as events:
        return [event async for event in events]


async def test_events_pass_as_the_provider_gave_them(tmp_path):
    assert (await _events(tmp_path, FakeProvider()))[1:] == list(FakeProvider().script)


async def test_no_word_in_time_is_a_failure_of_its_own(tmp_path):
    with pytest.raises(FirstTokenTimeout, match="fake did not begin to answer within"):
        await _events(tmp_path, FakeProvider(pace_s=60), first_token_s=0.05)


async def test_a_silence_in_mid_answer_breaks_it_off(tmp_path):
    class Stalling(FakeProvider):
        async def stream(self, model, request):
            yield TextDelta("a")
            await asyncio.sleep(60)
            yield Finish("stop")

    with pytest.raises(AnswerBroken, match="broke off"):
        await _events(tmp_path, Stalling(), idle_s=0.05)


async def test_a_models_parameters_go_over_a_deployments_and_below_the_callers_by_whatever_name(tmp_path):
    toml = """
        [models.m]
        parameters = { min_p = 0.1, max_completion_tokens = 7 }
        deployments = [{ provider = "first", model = "fake", parameters = { top_k = 3, min_p = 0.2, stop = "END" } }]
    """
    fake = Named("first")
    door = await door_over(tmp_path, toml, fake)
    await door.ask(parameters={"top_k": 9})
    await door.ask(parameters={"stop": None}, body={"max_tokens": 5})

    assert fake.requests[0].parameters == {"top_k": 9, "min_p": 0.1, "max_tokens": 7, "stop": ["END"]}
    assert fake.requests[1].parameters["stop"] is None  # not to be sent, whatever the deployment says
    assert fake.requests[1].body == {"top_k": 3, "min_p": 0.1, "stop": "END", "max_tokens": 5}


async def test_what_a_model_does_not_take_is_left_out_of_what_is_asked_and_said(tmp_path):
    toml = """
        [models.m]
        provider = "first"
        model = "fake"
        capabilities = ["tools", "reasoning"]
        refuses = ["seed"]
        refuses_thinking = ["temperature"]
        [models.plain]
        provider = "first"
        model = "fake"
        capabilities = ["tools"]
    """
    fake = Named("first")
    door = await door_over(tmp_path, toml, fake)
    given = {"temperature": 1, "seed": 3, "top_p": 0.5}
    told = [
        (await door.ask(parameters=given, body=given | {"messages": []}))[0],
        (await door.ask(parameters=given | {"reasoning_effort": "none"}))[0],
        (await door.ask("plain", parameters={"reasoning_effort": "high", "thinking_budget": 5}))[0],
    ]

    assert [sorted(start.dropped) for start in told] == [
        ["seed", "temperature"],
        ["seed"],
        ["reasoning_effort", "thinking_budget"],
    ]
    assert fake.requests[0].body == {"messages": [], "top_p": 0.5}
    assert [request.parameters for request in fake.requests] == [
        {"top_p": 0.5}, {"temperature": 1, "top_p": 0.5, "reasoning_effort": "none"}, {},
    ]  # fmt: skip


async def test_a_model_nobody_serves_is_said(tmp_path):
    with pytest.raises(ModelUnknown):
        await _events(tmp_path, FakeProvider(), "nobody")
