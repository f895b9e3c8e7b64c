"""Replays that are ended, faulty, deleted or cannot be decided."""

import asyncio

import pytest

from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import read_lines
from chat_app.errors import Conflict, ModelUnknown, NotFound
from tests.conftest import LOCAL, REDIS, needs_redis, services_with
from tests.conversations.replay.voices import PRICES, a_set, begin, ended
from tests.waiting import until


async def test_a_run_that_was_cancelled_ends_also_when_it_goes_on_at_once_and_its_new_limit_counts(services, voices):
    replay_id = await begin(services, await a_set(services, 3), "alto", "waits")

    async def has_begun() -> bool:
        return len(await services.replays.store.answered(replay_id)) == 3 and voices.at_once == 3

    await until(has_begun)
    await services.replays.store.cancel("local", replay_id)
    await services.replays.go_on(LOCAL, replay_id, most_micros=5, retry=False)

    async def are_asked_again() -> bool:
        return [r.model for r in voices.requests].count("waits") == 4  # under a limit the first shows what they cost

    await until(are_asked_again)
    voices.go_on.set()
    report = await ended(services, replay_id)
    assert (report.record.answers, report.record.most_micros) == (6, 5)
    await services.replays.go_on(LOCAL, replay_id, retry=True)
    assert (await services.replays.store.one("local", replay_id)).most_micros == 5


async def test_what_was_spent_stays_spent_when_it_is_asked_for_again(tmp_path, voices):
    (tmp_path / "models.toml").write_text(PRICES)
    async with services_with(tmp_path, voices) as services:
        replay_id = await begin(services, await a_set(services, 2))
        spent = (await ended(services, replay_id)).record.spent_micros
        assert spent > 0
        async with services.database.write() as connection:
            await connection.exec_driver_sql("UPDATE replay_answers SET error_code = 'overloaded'")
        await services.replays.go_on(LOCAL, replay_id, retry=True)
        await ended(services, replay_id)
        assert (await services.replays.report(LOCAL, replay_id)).record.spent_micros == 2 * spent


async def test_a_side_that_fails_again_and_again_ends_it_before_all_has_failed(services, voices):
    set_id = await a_set(services, 40)
    replay_id = await begin(services, set_id, "refuses", "alto", at_once=1)
    report = await ended(services, replay_id, "failing")
    assert (report.figures[0].answers, report.figures[0].failed) == (10, 10)
    await services.replays.store.cancel("local", replay_id)
    assert (await services.replays.store.one("local", replay_id)).status == "failing"


async def test_delete_everything_leaves_no_set_and_no_replay(services, voices):
    replay_id = await begin(services, await a_set(services), "alto", "waits")
    await services.conversations.delete_everything(LOCAL)
    assert await services.prompt_sets.store.sets("local") == []
    assert await services.replays.store.of("local") == []

    async def is_quiet() -> bool:
        return voices.at_once == 0

    await until(is_quiet)
    with pytest.raises(NotFound):
        await services.replays.report(LOCAL, replay_id)


async def test_the_same_key_begins_one_replay_and_a_person_has_one_at_a_time(services, voices):
    set_id = await a_set(services)
    first = await begin(services, set_id, "alto", "waits", key="a key of its own")
    assert await begin(services, set_id, "alto", "waits", key="a key of its own") == first
    second = await begin(services, set_id, "bass", "bass")

    async def is_stuck() -> bool:
        return [r.model for r in voices.requests].count("waits") == 3

    await until(is_stuck)
    assert "bass" not in [r.model for r in voices.requests]
    assert [each.is_waiting for each in await services.replays.store.of("local")] == [True, False]
    voices.go_on.set()
    await ended(services, first)
    await ended(services, second)


@needs_redis
async def test_another_worker_leaves_a_persons_second_replay_waiting(tmp_path, each_database, voices):
    async with (
        services_with(tmp_path, voices, redis_url=REDIS) as one,
        services_with(tmp_path, voices, redis_url=REDIS) as other,
    ):
        set_id = await a_set(one)
        first = await begin(one, set_id, "alto", "waits")

        async def is_under_way() -> bool:
            return voices.at_once == 3

        await until(is_under_way)
        second = await begin(other, set_id, "bass", "bass")
        looks = 0

        async def has_been_looked_for() -> bool:  # by both workers, more than once
            nonlocal looks
            looks += await other.replays.store.is_alone("local", second) is False
            return looks > 40

        await until(has_been_looked_for)
        assert "bass" not in [r.model for r in voices.requests]
        voices.go_on.set()
        await ended(one, first)
        await ended(one, second)


async def test_of_two_who_let_it_go_on_at_once_one_is_told_that_it_runs(services, voices):
    replay_id = await begin(services, await a_set(services), "alto", "waits")
    await services.replays.store.cancel("local", replay_id)
    async with asyncio.TaskGroup() as group:
        both = [
            group.create_task(_refused(services.replays.go_on(LOCAL, replay_id, most_micros=None, retry=False)))
            for _ in range(2)
        ]
    assert sorted(task.result() for task in both) == [False, True]
    assert (await services.replays.store.one("local", replay_id)).run == 1
    voices.go_on.set()
    await ended(services, replay_id)


async def _refused(moves) -> bool:
    try:
        await moves
    except Conflict:
        return True
    return False


async def test_a_replay_that_has_begun_is_found_by_its_key_also_when_its_set_is_asked_with_what_is_gone(services):
    replay_id = await begin(services, await a_set(services), key="the same")
    assert await begin(services, "no such set", "nobody", "bass", key="the same") == replay_id
    await ended(services, replay_id)


async def test_prompts_that_no_check_can_decide_are_no_ties_and_two_failures_are_none(services):
    report = await ended(
        services, await begin(services, await a_set(services, 2, (Check("exact"),)), "refuses", "refuses")
    )
    assert (report.wins["checks"].ties, report.wins["checks"].rate) == (0, None)
    lines = read_lines('{"prompt": "a"}\n{"prompt": "b", "expected": "alto: b"}')
    made = await services.prompt_sets.take(LOCAL, "Half", lines)
    await services.prompt_sets.change(LOCAL, made.set_id, checks=[Check("exact")])
    report = await ended(services, await begin(services, made.set_id))
    wins = report.wins["checks"]
    assert (wins.first, wins.second, wins.ties) == (1, 0, 0)
    assert [each and each.value for each in report.held[0].passed] == [1, 0]


async def test_an_unknown_judge_is_said_before_anything_is_asked(services, voices):
    set_id = await a_set(services, 1, (Check("judge", "Which is kinder?", "nobody"),))
    with pytest.raises(ModelUnknown):
        await begin(services, set_id)
    assert voices.requests == []


async def test_a_fault_of_ours_ends_its_replay_after_some_tries_and_no_other(services, voices, monkeypatch):
    monkeypatch.setattr("chat_app.conversations.replay.runner._REST_S", 0)

    async def fail(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("chat_app.conversations.replay.asking.outcomes", fail)
    faulty = await begin(services, await a_set(services, 1))
    await ended(services, faulty, "failing")
    monkeypatch.undo()
    await ended(services, await begin(services, await a_set(services, 1)))
    await services.replays.go_on(LOCAL, faulty, retry=False)
    await ended(services, faulty)
