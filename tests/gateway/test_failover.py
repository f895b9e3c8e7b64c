"""Who is asked, in what order, and what becomes of those that do not answer."""

import asyncio
import re
from collections import Counter
from contextlib import aclosing

import pytest

from chat_app.errors import (
    AnswerBroken,
    FirstTokenTimeout,
    KeyRefused,
    ModelFailed,
    ModelUnknown,
    ModelUnreachable,
    Overloaded,
    PromptTooLong,
    RateLimited,
    RequestRefused,
)
from chat_app.events import Event, Finish, Relayed, TextDelta
from chat_app.gateway.caller import Caller
from chat_app.messages import ChatRequest
from chat_app.providers.base import Load, Offer
from chat_app.providers.fake import FakeProvider
from tests.gateway.door import Door, door_over

TWO = """
[models.m]
deployments = [{ provider = "first" }, { provider = "second" }]
"""


class Named(FakeProvider):
    """A fake by another name; `says` is its whole answer."""

    def __init__(self, server: str, *script: Event | Exception, says: str = "", kind: str = "fake") -> None:
        super().__init__(script or (TextDelta(says or server), Finish("stop")))
        self.server, self.kind = server, kind

    async def offers(self) -> list[Offer]:
        return [Offer("fake", 8192)]


def first_of(door: Door, providers: list[Named], affinity: str = "a") -> tuple[Named, Named]:
    """The two as a call of this affinity goes to them."""
    route = door.gateway.catalogue.resolve("m")
    order = door.gateway._router.candidates(route.deployments, affinity)
    by_name = {provider.server: provider for provider in providers}
    return by_name[order[0].provider.server], by_name[order[1].provider.server]


@pytest.mark.parametrize(
    "error",
    [ModelUnreachable, Overloaded, ModelFailed, RateLimited, KeyRefused, ModelUnknown, FirstTokenTimeout, AnswerBroken],
)
async def test_what_fails_before_its_first_word_is_passed_over(tmp_path, error):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers)
    bad, good = first_of(door, providers)
    bad.script = (error("no"),)
    start, said = await door.ask(affinity="a")

    assert (start.deployment, said) == (f"{good.server}/m", good.server)
    assert len(bad.requests) == 1


@pytest.mark.parametrize("error", [PromptTooLong, RequestRefused])
async def test_what_is_wrong_with_the_request_itself_is_told_at_once(tmp_path, error):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers)
    bad, good = first_of(door, providers)
    bad.script = (error("no"),)
    with pytest.raises(error):
        await door.ask(affinity="a")

    assert good.requests == []


async def test_after_the_first_word_nobody_else_is_asked(tmp_path):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers)
    bad, good = first_of(door, providers)
    bad.script = (TextDelta("half"), ModelFailed("late"))
    with pytest.raises(ModelFailed):
        await door.ask(affinity="a")

    assert good.requests == []


async def test_all_that_are_asked_share_one_deadline(tmp_path):
    providers = [Named("first"), Named("second")]
    for provider in providers:
        provider.pace_s = 60
    door = await door_over(tmp_path, TWO, *providers, first_token_s=0.1)
    with pytest.raises(FirstTokenTimeout) as raised:
        await door.ask()
    waited = re.search(r"within (\S+) s", str(raised.value))  # by the second, which has what the first one left

    assert [len(provider.requests) for provider in providers] == [1, 1]
    assert waited is not None
    assert float(waited[1]) <= 0.05


async def test_a_silent_one_leaves_time_for_the_next(tmp_path):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers, first_token_s=3)
    silent, good = first_of(door, providers)
    silent.pace_s = 60

    assert (await door.ask(affinity="a"))[1] == good.server


async def test_after_failures_in_a_row_a_deployment_is_asked_no_more_until_a_probe_goes_well(tmp_path):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers, failures=3, rest_s=60)
    bad, good = first_of(door, providers)
    bad.script = (ModelFailed("no"),)
    for _ in range(5):
        assert (await door.ask(affinity="a"))[1] == good.server
    assert len(bad.requests) == 3

    door.gateway._breakers[f"{bad.server}/m"]._until = 0  # as if it had rested
    bad.script = (TextDelta("well again"), Finish("stop"))
    assert (await door.ask(affinity="a"))[1] == "well again"
    assert (await door.ask(affinity="a"))[1] == "well again"


async def test_when_all_rest_the_last_failure_is_told_again_at_once(tmp_path):
    bad = Named("first", Overloaded("too much"))
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', bad, failures=2, rest_s=60)
    for _ in range(4):
        with pytest.raises(Overloaded, match="too much"):
            await door.ask()

    assert len(bad.requests) == 2


async def test_a_fallback_model_answers_and_the_answer_says_which(tmp_path):
    door = await door_over(
        tmp_path,
        '[models.m]\nprovider = "first"\nfallback = "n"\n[models.n]\nprovider = "second"\nfallback = "m"\n',
        Named("first", ModelFailed("no")),
        Named("second", says="instead"),
    )
    start, said = await door.ask()

    assert (start.model, start.deployment, said) == ("n", "second/n", "instead")
    assert (await door.ask("n"))[0].model == ""


async def test_a_caller_that_wants_this_model_alone_gets_no_other(tmp_path):
    door = await door_over(
        tmp_path,
        '[models.m]\nprovider = "first"\nfallback = "n"\n[models.n]\nprovider = "second"\n',
        Named("first", ModelFailed("no")),
        second := Named("second", says="instead"),
    )
    with pytest.raises(ModelFailed):
        await door.ask(caller=Caller("local", falls_back=False))
    assert second.requests == []


async def test_a_fallback_that_nobody_serves_changes_nothing(tmp_path):
    door = await door_over(
        tmp_path, '[models.m]\nprovider = "first"\nfallback = "gone"\n', Named("first", ModelFailed("no"))
    )
    with pytest.raises(ModelFailed):
        await door.ask()


async def test_a_failure_says_whom_it_is_from(tmp_path):
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', Named("first", ModelFailed("no")))
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local"))) as events:
        assert (await anext(events)).deployment == "first/m"
        with pytest.raises(ModelFailed):
            await anext(events)


async def test_a_model_whose_deployments_all_have_no_weight_is_not_served(tmp_path):
    door = await door_over(tmp_path, '[models.m]\ndeployments = [{ provider = "first", weight = 0 }]\n', Named("first"))
    with pytest.raises(ModelUnknown):
        await door.ask()


async def test_a_canary_gets_its_share_of_calls_and_a_conversation_stays(tmp_path):
    door = await door_over(
        tmp_path,
        '[models.m]\ndeployments = [{ provider = "first", weight = 95 }, { provider = "second", weight = 5 }]\n',
        Named("first"),
        Named("second"),
    )
    said = Counter([(await door.ask())[1] for _ in range(10_000)])
    assert 400 <= said["second"] <= 600

    for affinity in map(str, range(50)):
        assert len({(await door.ask(affinity=affinity))[1] for _ in range(3)}) == 1


class Replica(Named):
    """A vLLM that says how busy it is."""

    def __init__(self, server: str, load: Load) -> None:
        super().__init__(server, kind="vllm")
        self.told = load

    async def load(self) -> Load:
        return self.told


async def _told(door: Door) -> None:
    for each in door.gateway.catalogue.replicas():
        await door.loads._ask(each)


async def test_servers_of_one_model_are_replicas_and_the_least_busy_is_asked_first(tmp_path):
    busy, idle = Replica("A", Load(4, 0.9)), Replica("B", Load(0, 0.1))
    door = await door_over(tmp_path, "", busy, idle)
    assert [card.id for card in door.gateway.catalogue.cards()] == ["fake"]
    await _told(door)
    assert {(await door.ask("fake"))[1] for _ in range(20)} == {"B"}

    busy.told, idle.told = Load(0, 0.1), Load(0, 0.4)
    await _told(door)
    assert {(await door.ask("fake"))[1] for _ in range(20)} == {"A"}


async def test_a_conversation_stays_with_its_replica_while_that_one_is_well(tmp_path):
    first, other = Replica("A", Load(0, 0)), Replica("B", Load(1, 0))
    door = await door_over(tmp_path, "", first, other, failures=1, rest_s=60)
    await _told(door)
    assert (await door.ask("fake", "talk"))[1] == "A"
    first.told, other.told = Load(9, 1), Load(0, 0)
    await _told(door)
    assert (await door.ask("fake", "talk"))[1] == "A"

    first.script = (ModelUnreachable("gone"),)
    assert (await door.ask("fake", "talk"))[1] == "B"
    first.script = (TextDelta("A"), Finish("stop"))
    assert (await door.ask("fake", "talk"))[1] == "B"


async def test_calls_that_go_out_between_two_looks_spread_over_equal_replicas(tmp_path):
    replicas = [Replica("A", Load(0, 0)), Replica("B", Load(0, 0))]
    for replica in replicas:
        replica.pace_s = 0.01
    door = await door_over(tmp_path, "", *replicas)
    await _told(door)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(door.ask("fake"))

    assert [len(replica.requests) for replica in replicas] == [10, 10]


@pytest.mark.parametrize(("error", "first"), [(ModelFailed("no figures"), "A"), (ModelUnreachable("gone"), "B")])
async def test_a_replica_without_such_figures_is_taken_for_idle_and_one_that_is_silent_comes_last(
    tmp_path, error, first
):
    class Mute(Replica):
        async def load(self) -> Load:
            raise error

    door = await door_over(tmp_path, "", Mute("A", Load(0, 0)), Replica("B", Load(3, 0)))
    await _told(door)

    assert (await door.ask("fake"))[1] == first


async def test_a_replica_that_hangs_is_given_up_when_the_next_look_is_due(tmp_path):
    class Hanging(Replica):
        async def load(self) -> Load:
            await asyncio.sleep(60)
            return self.told

    door = await door_over(tmp_path, "", Hanging("A", Load(0, 0)), Replica("B", Load(3, 0)))
    await _told(door)

    assert (await door.ask("fake"))[1] == "B"


async def test_several_servers_of_one_entry_share_its_weight_and_leave_the_canary_its_own(tmp_path):
    toml = '[models.m]\ndeployments = [{ provider = "vllm", model = "fake", weight = 95 }, { provider = "canary", weight = 5 }]\n'
    servers = [Replica(name, Load(0, 0)) for name in "ABC"]
    door = await door_over(tmp_path, toml, *servers, Named("canary"))
    said = Counter([(await door.ask())[1] for _ in range(10_000)])

    assert 400 <= said["canary"] <= 600


async def test_calls_of_no_conversation_push_none_out_of_its_home(tmp_path):
    first, other = Replica("A", Load(0, 0)), Replica("B", Load(1, 0))
    door = await door_over(tmp_path, "", first, other)
    await _told(door)
    await door.ask("fake", "talk")
    for _ in range(50):
        await door.ask("fake")

    assert list(door.gateway._router._homes.values()) == ["A/fake"]


async def test_names_that_a_program_makes_up_leave_nothing_behind_for_ever(tmp_path):
    vendor = Named("OpenAI", ModelFailed("no"))
    vendor.vendor = "OpenAI"
    door = await door_over(tmp_path, "", vendor)
    for number in range(1100):
        with pytest.raises(ModelFailed):
            await door.ask(f"gpt-{number}")

    assert len(door.gateway._breakers) < 1100
    assert door.loads._open == {}


async def test_what_only_some_servers_can_be_sent_goes_to_those_or_is_refused(tmp_path):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers)
    blind, seeing = first_of(door, providers)
    seeing.relays = frozenset({"chat"})
    assert (await door.ask(affinity="a", needs=frozenset({"image"})))[1] == seeing.server
    assert blind.requests == []
    seeing.relays = frozenset()
    with pytest.raises(RequestRefused, match="can be sent image yet"):
        await door.ask(affinity="a", needs=frozenset({"image"}))


async def test_a_chunk_that_says_nothing_is_no_first_word(tmp_path):
    opening, word = Relayed(b"data: opening\n\n"), Relayed(b"data: word\n\n", (TextDelta("word"),))
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers)
    bad, good = first_of(door, providers)
    bad.script, good.script = (opening, ModelFailed("no")), (opening, word, Finish("stop"))
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local", affinity="a"))) as events:
        told = [event async for event in events]

    assert told[1:] == [opening, word, Finish("stop")]
    assert told[0].deployment == f"{good.server}/m"


async def test_each_may_wait_half_of_what_is_left_and_the_last_all_of_it(tmp_path):
    door = await door_over(tmp_path, TWO, Named("first"), Named("second"), first_token_s=100)
    route = door.gateway.catalogue.resolve("m")
    waits = [attempt.wait_s for attempt in door.gateway._attempts(route, ChatRequest("m", ()), "a")]

    assert waits == [pytest.approx(50, abs=5), pytest.approx(100, abs=5)]


async def test_while_a_probe_still_speaks_others_are_answered_already(tmp_path):
    slow = Named("first", TextDelta("long "), TextDelta("story"), Finish("stop"))
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', slow, failures=1, rest_s=60)
    slow.script, script = (ModelFailed("no"),), slow.script
    with pytest.raises(ModelFailed):
        await door.ask()
    slow.script = script
    (deployment,) = door.gateway.catalogue.resolve("m").deployments
    door.gateway._breaker(deployment)._until = 0  # it has had its rest
    async with aclosing(door.gateway.stream(ChatRequest("m", ()), Caller("local"))) as probe:
        await anext(probe)
        await anext(probe)
        assert (await door.ask())[1] == "long story"


async def test_a_silent_one_leaves_time_to_those_alone_that_can_be_asked(tmp_path):
    providers = [Named("first"), Named("second")]
    door = await door_over(tmp_path, TWO, *providers, first_token_s=100, failures=1, rest_s=60)
    route = door.gateway.catalogue.resolve("m")

    def waits() -> list[int]:
        return [round(each.wait_s) for each in door.gateway._attempts(route, ChatRequest("m", ()), "a")]

    assert waits() == [50, 100]
    _, last = first_of(door, providers)
    (rests,) = [each for each in route.deployments if each.provider is last]
    door.gateway._breaker(rests).failed(ModelFailed("no"))
    assert waits() == [100, 100]


@pytest.mark.parametrize(
    ("relays", "only_streams", "most_s"), [(True, False, 600), (True, True, 60), (False, False, 60)]
)
async def test_a_stream_that_is_folded_for_who_wants_it_at_once_must_begin_as_soon_as_any(
    tmp_path, relays, only_streams, most_s
):
    provider = Named("first")
    provider.relays, provider.only_streams = frozenset({"chat"} if relays else ()), only_streams
    door = await door_over(tmp_path, '[models.m]\nprovider = "first"\n', provider, first_token_s=60, whole_s=600)
    route = door.gateway.catalogue.resolve("m")
    (attempt,) = door.gateway._attempts(route, ChatRequest("m", (), body={}, is_whole=True), "a")

    assert round(attempt.wait_s) == most_s
