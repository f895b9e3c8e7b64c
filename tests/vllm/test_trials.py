"""Side by side and replay, before a real vLLM."""

import json
from collections.abc import AsyncIterator

import pytest

from chat_app.conversations.changes import Change
from chat_app.conversations.replay.checks import Check
from chat_app.conversations.replay.sets import read_lines
from chat_app.conversations.trials import Column
from chat_app.messages import text_of
from chat_app.services import Services
from chat_app.store.recipes import Content
from tests.api.programs import serving
from tests.conftest import LOCAL
from tests.conversations.talk import until_settled
from tests.vllm.conftest import Vllm
from tests.waiting import until

QUESTION = "What is the capital of France?"
SCHEMA = {
    "type": "object", "properties": {"capital": {"type": "string", "maxLength": 8}},
    "required": ["capital"], "additionalProperties": False,
}  # fmt: skip


@pytest.fixture
async def services(vllm: Vllm, tmp_path) -> AsyncIterator[Services]:
    async with serving(tmp_path, vllm_base_url=(f"{vllm.url}/v1",)) as made:
        await made.services.catalogue.refresh()
        yield made.services


async def recipes(services: Services) -> tuple[Column, Column]:
    """One that answers in words, and one in JSON."""
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    plain, formed = [
        await services.recipes.make("local", Content(name, values={"temperature": 0, "max_tokens": 200} | more), "")
        for name, more in (("Plain", {}), ("Formed", {"response_format": form}))
    ]
    return Column("tiny", {"id": plain}), Column("tiny", {"id": formed})


async def test_two_recipes_answer_beside_each_other_and_are_merged(services):
    sides = await recipes(services)
    short = Change({"max_tokens": 60})  # the merger, of which a model this small may make no end
    turns = await services.trials.compare(LOCAL, sides, text=QUESTION, model="tiny", key="a comparison", change=short)
    words = []
    for turn in turns:
        assert await until_settled(services, turn) == "complete"
        [message] = await services.conversations.messages.history("local", turn.reply_id, 1)
        words.append(text_of(message.parts))
    assert "Paris" in words[0]
    assert json.loads(words[1]).keys() == {"capital"}
    ids = [turn.reply_id for turn in turns]
    merged = await services.trials.merge(LOCAL, ids, model="tiny", key="a merger")
    assert await until_settled(services, merged) == "complete"


async def test_a_replay_holds_real_answers_to_its_checks_and_counts_their_tokens(services):
    sides = await recipes(services)
    lines = read_lines("\n".join(json.dumps({"prompt": QUESTION, "expected": "Paris"}) for _ in range(4)))
    made = await services.prompt_sets.take(LOCAL, "Capitals", lines)
    checks = (Check("contains"), Check("json_schema", json.dumps(SCHEMA)), Check("judge", "Which is right?", "tiny"))
    await services.prompt_sets.change(LOCAL, made.set_id, checks=checks)
    replay_id = await services.replays.begin(LOCAL, made.set_id, sides, "tiny", at_once=4, most_micros=None)

    async def is_over() -> bool:
        return (await services.replays.store.standing(replay_id)) == ("complete", 0)

    await until(is_over)
    report = await services.replays.report(LOCAL, replay_id)
    assert [(each.answers, each.failed) for each in report.figures] == [(4, 0), (4, 0)]
    assert all(each.output_tokens and each.first_token_ms is not None for each in report.figures)
    shares = [[share and share.value for share in held.passed] for held in report.held]
    assert (shares[0][0], shares[1]) == (1, [0, 1])
    judged = report.wins["2"]
    assert judged.first + judged.second + judged.ties + judged.unread == 4
