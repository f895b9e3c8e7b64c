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
from tests.gateway.door import Door


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


async def test_a_deployments_own_parameters_go_with_every_request_below_the_callers(tmp_path):
    (tmp_path / "models.toml").write_text(
        '[models.mine]\nprovider = "fake"\nmodel = "fake"\nparameters = { top_k = 3, min_p = 0.1 }\n'
    )
    fake = FakeProvider()
    catalogue = Catalogue(make_settings(tmp_path), [fake])
    await catalogue.refresh()
    gateway = Door(catalogue).gateway
    asked = ChatRequest("mine", (), {"top_k": 9})
    async with aclosing(gateway.stream(asked, Caller("local"))) as events:
        async for _ in events:
            pass

    assert fake.requests[0].parameters == {"top_k": 9, "min_p": 0.1}


async def test_a_model_nobody_serves_is_said(tmp_path):
    with pytest.raises(ModelUnknown):
        await _events(tmp_path, FakeProvider(), "nobody")
