"""Replays: two that answer the prompts of a set, held to checks and judged, whatever happens meanwhile."""

import csv
import io
import json

import pytest

from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.files import as_csv, as_json, told
from chat_app.conversations.replay.replays import is_flipped
from chat_app.conversations.replay.sets import read_lines
from chat_app.conversations.trials import Column
from chat_app.errors import BadRequest, Conflict, ModelUnknown, NotFound, RateLimited, RecipeGone
from chat_app.events import Finish, TextDelta
from chat_app.messages import Usage, text_of
from chat_app.store.recipes import Content
from tests.conftest import LOCAL, REDIS, needs_redis, services_with
from tests.conversations.replay.voices import PRICES, a_set, begin, ended
from tests.conversations.talk import OTHER
from tests.waiting import until


async def test_both_answer_each_prompt_once_by_their_own_recipes_and_within_their_number(services, voices):
    short = await services.recipes.make(
        "local", Content("Short", values={"system_prompt": "Be short.", "temperature": 0.5}), ""
    )
    await services.recipes.save("local", short, 1, Content("Short", values={"system_prompt": "Be shorter."}), "")
    set_id = await a_set(services, 6)
    sides = (Column("alto", {"id": short, "version": 1}), Column("alto", {"id": short, "version": 2}))
    report = await ended(services, await begin(services, set_id, *sides, at_once=2))
    assert [side.recipe for side in report.sides] == ["Short v1", "Short v2"]
    asked = sorted((text_of(r.messages[0].parts), text_of(r.messages[1].parts)) for r in voices.requests)
    assert asked == sorted((system, f"p{n}") for system in ("Be short.", "Be shorter.") for n in range(6))
    assert voices.most_at_once == 2
    assert [(each.answers, each.failed, each.output_tokens) for each in report.figures] == [(6, 0, 1), (6, 0, 1)]
    assert (report.record.prompts, report.record.answers) == (6, 12)


async def test_what_a_recipe_said_when_it_began_counts_also_once_it_is_gone(services, voices):
    recipe = await services.recipes.make("local", Content("Short", values={"system_prompt": "Be short."}), "")
    replay_id = await begin(services, await a_set(services, 2), Column("waits", {"id": recipe}), "alto")
    async with services.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM recipes")
    voices.go_on.set()
    report = await ended(services, replay_id)
    assert report.sides[0].recipe == "Short v1"
    assert sum(text_of(r.messages[0].parts) == "Be short." for r in voices.requests) == 2
    with pytest.raises(RecipeGone):
        await begin(services, report.record.set_id, Column("alto", {"id": recipe}), "bass")


async def test_answers_are_held_to_the_checks_and_win_by_them(services):
    checks = (Check("exact"), Check("contains", "p1"), Check("length", most=3))
    report = await ended(services, await begin(services, await a_set(services, 4, checks)))
    exact, contains, length = report.held
    assert [each and each.value for each in exact.passed] == [1, 0]
    assert [each and round(each.value, 2) for each in contains.passed] == [0.25, 0.25]
    assert [each and each.value for each in length.passed] == [0, 0]
    wins = report.wins["checks"]
    assert (wins.first, wins.second, wins.ties) == (4, 0, 0)
    assert wins.rate is not None
    assert (wins.rate.value, wins.rate.low, round(wins.rate.high, 2)) == (0, 0, 0.49)


async def test_a_judge_hears_both_orders_and_one_that_answers_nonsense_decides_nothing(services, voices):
    second, first, tie = ('{"better": "B"}', '{"better": "A"}', '{"better": "tie"}')
    voices.verdicts = iter([second, first, "What?", second, second, tie, first])
    checks = (Check("judge", "Which is kinder?", "judge"),)
    report = await ended(services, await begin(services, await a_set(services, 4, checks), at_once=1))
    wins = report.wins["0"]
    # The second by both orders; nonsense; only its place; the second by one order, a tie by the other.
    assert (wins.first, wins.second, wins.ties, wins.unread) == (0, 2, 1, 1)
    told = [text_of(r.messages[0].parts) for r in voices.requests if r.model == "judge"]
    assert told[0].index("alto: p0") < told[0].index("bass: p0")
    assert told[1].index("bass: p0") < told[1].index("alto: p0")
    [nonsense] = [v for v in await services.replays.store.verdicts(report.record.id) if v.score is None]
    assert "What?" in nonsense.note


async def test_what_failed_is_told_and_asked_again_on_request(services, voices):
    set_id = await a_set(services, 2, (Check("length", least=0), Check("contains"), Check("judge", "Kind?", "judge")))
    replay_id = await begin(services, set_id, "refuses", "alto")
    report = await ended(services, replay_id)
    assert [(each.answers, each.failed) for each in report.figures] == [(2, 2), (2, 0)]
    [pair, _] = await services.replays.pairs(LOCAL, replay_id)
    assert pair.answers[0] is not None
    assert (pair.answers[0].error_code, pair.answers[0].error_detail) == ("key_refused", "on purpose")
    assert json.loads(pair.answers[0].checks) == ["fail", "fail", "none"]
    assert (report.judged, report.to_judge) == (0, 0)
    asked = len(voices.requests)
    await services.replays.go_on(LOCAL, replay_id, most_micros=None, retry=True)
    await ended(services, replay_id)
    assert [r.model for r in voices.requests[asked:]] == ["refuses", "refuses"]


async def test_a_fault_that_passes_is_tried_again(services, voices, monkeypatch):
    monkeypatch.setattr("chat_app.conversations.replay.asking._LONGEST_WAIT_S", 0)
    voices.faults = [RateLimited("on purpose", retry_after_s=50), RateLimited("on purpose")]
    report = await ended(services, await begin(services, await a_set(services, 2)))
    assert [(each.answers, each.failed) for each in report.figures] == [(2, 0), (2, 0)]


async def test_a_replay_is_cancelled_at_once_and_goes_on_where_it_was(services, voices):
    replay_id = await begin(services, await a_set(services, 3), "alto", "waits")

    async def has_begun() -> bool:
        return len(await services.replays.store.answered(replay_id)) == 3 and voices.at_once == 3

    await until(has_begun)
    with pytest.raises(Conflict):
        await services.replays.go_on(LOCAL, replay_id, most_micros=None, retry=False)
    await services.replays.store.cancel("local", replay_id)

    async def is_quiet() -> bool:
        return voices.at_once == 0

    await until(is_quiet)
    voices.go_on.set()
    asked = len(voices.requests)
    await services.replays.go_on(LOCAL, replay_id, most_micros=None, retry=False)
    await ended(services, replay_id)
    assert [r.model for r in voices.requests[asked:]] == ["waits"] * 3


async def test_the_next_process_goes_on_where_one_ended(tmp_path, each_database, voices):
    async with services_with(tmp_path, voices) as first:
        replay_id = await begin(first, await a_set(first, 3), "alto", "waits", at_once=2)

        async def is_stuck() -> bool:
            return [r.model for r in voices.requests].count("waits") == 2

        await until(is_stuck)
    voices.go_on.set()
    async with services_with(tmp_path, voices) as second:
        await ended(second, replay_id)
    assert sorted(text_of(r.messages[-1].parts) for r in voices.requests if r.model == "alto") == ["p0", "p1", "p2"]


@needs_redis
async def test_of_two_workers_one_runs_a_replay_and_asks_for_each_answer_once(tmp_path, each_database, voices):
    async with (
        services_with(tmp_path, voices, redis_url=REDIS) as one,
        services_with(tmp_path, voices, redis_url=REDIS),
    ):
        replay_id = await begin(one, await a_set(one, 20))
        report = await ended(one, replay_id)
    assert report.record.answers == 40
    asked = [(r.model, text_of(r.messages[-1].parts)) for r in voices.requests]
    assert len(asked) == len(set(asked)) == 40


async def test_votes_blind_or_not_count_for_who_said_it(services):
    replay_id = await begin(services, await a_set(services, 8))
    await ended(services, replay_id)
    blind = await services.replays.pairs(LOCAL, replay_id, is_blind=True)
    assert {pair.is_flipped for pair in blind} == {is_flipped(replay_id, n) for n in range(8)}
    for pair in blind:
        left = pair.answers[0]
        assert left is not None
        is_alto = left.text.startswith("alto")
        await services.replays.vote(
            LOCAL, replay_id, pair.prompt.position, "left" if is_alto else "right", is_blind=True
        )
    wins = (await services.replays.report(LOCAL, replay_id)).wins["person"]
    assert (wins.first, wins.second, wins.ties) == (8, 0, 0)
    await services.replays.vote(LOCAL, replay_id, 0, "right", is_blind=False)
    await services.replays.vote(LOCAL, replay_id, 1, "tie", is_blind=True)
    await services.replays.vote(LOCAL, replay_id, 2, "", is_blind=True)
    wins = (await services.replays.report(LOCAL, replay_id)).wins["person"]
    assert (wins.first, wins.second, wins.ties) == (5, 1, 1)


async def test_only_ones_own_is_seen_and_two_sides_that_answer_are_needed(services):
    set_id = await a_set(services)
    replay_id = await begin(services, set_id)
    await ended(services, replay_id)
    for look in (
        services.replays.report(OTHER, replay_id), services.replays.pairs(OTHER, replay_id),
        services.replays.vote(OTHER, replay_id, 0, "left", is_blind=False), services.replays.store.cancel("bob", replay_id),
        services.replays.store.remove("bob", replay_id), services.prompt_sets.store.remove("bob", set_id),
        services.replays.begin(OTHER, set_id, [Column("alto"), Column("bass")], "alto", at_once=1, most_micros=None),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await look
    for columns in (("alto",), ("alto", "bass", "alto"), ("alto", "Passages")):
        with pytest.raises(BadRequest):
            await begin(services, set_id, *columns)
    with pytest.raises(ModelUnknown):
        await begin(services, set_id, "alto", "nobody")
    for more in ({"at_once": 0}, {"at_once": 17}, {"most_micros": -1}):
        with pytest.raises(BadRequest):
            await begin(services, set_id, **more)
    await services.prompt_sets.store.remove("local", set_id)
    assert await services.replays.store.of("local") == []


async def test_a_replay_stops_at_its_cost_limit_and_goes_on_under_a_higher_one(tmp_path, voices):
    (tmp_path / "models.toml").write_text(PRICES)
    voices.script = (TextDelta(""), Finish("stop", Usage(1, 400)))
    async with services_with(tmp_path, voices) as services:
        set_id = await a_set(services, 10)
        found = await services.replays.estimate(LOCAL, set_id, [Column("alto"), Column("bass")], "alto")
        assert (found.calls, found.unpriced) == (20, ())
        assert 20 * 4000 < found.cost_micros < 20 * 4100
        replay_id = await begin(services, set_id, most_micros=30_000)
        report = await ended(services, replay_id, "limited")
        assert report.record.spent_micros <= 30_000
        assert 0 < report.record.answers < 20
        await services.replays.go_on(LOCAL, replay_id, most_micros=None, retry=False)
        report = await ended(services, replay_id)
        assert (report.record.answers, report.record.spent_micros) == (20, 20 * 4001)
        free = await services.replays.estimate(LOCAL, set_id, [Column("alto"), Column("judge")], "alto")
        assert free.unpriced == ("judge",)


async def test_a_replay_is_exported_with_all_of_it_and_no_cell_is_a_formula(services, voices):
    voices.verdicts = iter(['{"better": "A"}', '{"better": "B"}'] * 2)
    checks = (Check("contains", "p0"), Check("judge", "Which is kinder?", "judge"))
    set_id = (await services.prompt_sets.take(LOCAL, "Some", read_lines('{"prompt": "=1+1"}\n{"prompt": "p0"}'))).set_id
    await services.prompt_sets.change(LOCAL, set_id, checks=checks)
    replay_id = await begin(services, set_id, at_once=1)
    await ended(services, replay_id)
    report, pairs = (
        await services.replays.report(LOCAL, replay_id),
        await services.replays.pairs(LOCAL, replay_id),
    )
    whole = json.loads(as_json(report, pairs))
    assert whole["wins"]["1"]["first"] == 2
    assert [each["answers"][0]["text"] for each in whole["results"]] == ["alto: =1+1", "alto: p0"]
    rows = list(csv.DictReader(io.StringIO(as_csv(report, pairs).decode("utf-8-sig"))))
    assert [row["prompt"] for row in rows] == ["user: =1+1", "user: p0"]
    assert [(row["a name"], row["b name"]) for row in rows] == [("alto", "bass")] * 2
    assert [row["a 1 contains"] for row in rows] == ["fail", "pass"]
    assert [row["b better by 2 judge"] for row in rows] == ["0.0", "0.0"]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert told(report)["status"] == "complete"
