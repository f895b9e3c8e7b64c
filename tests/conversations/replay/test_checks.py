"""What an answer of a replay is held to, and what no check can do."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.replay.checks import Check, checked, outcomes
from chat_app.errors import ValueRefused
from chat_app.extraction.bounded import Bounded

BOUNDED = Bounded()
DOUBLING = json.dumps(
    {
        "$ref": "#/$defs/a0",
        "$defs": {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(60)} | {"a60": False},
    }
)
"""Of which each part has the next twice: to look at all of it takes years."""
SCHEMA = '{"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}'


@pytest.mark.parametrize(
    ("check", "text", "expected", "outcome"),
    [
        (Check("contains", "Paris"), "It is PARIS.", "", "pass"),
        (Check("contains", "Rome"), "It is Paris.", "", "fail"),
        (Check("contains"), "It is Paris.", "paris", "pass"),
        (Check("contains"), "It is Paris.", "", "none"),
        (Check("contains", "巴黎"), "是巴黎。", "", "pass"),
        (Check("exact"), " 42\n", "42", "pass"),
        (Check("exact", "forty-two"), "Forty-two", "42", "fail"),
        (Check("exact"), "42", "", "none"),
        (Check("regex", r"^\d{2}$"), "42", "", "pass"),
        (Check("regex", r"^\d{3}$"), "42", "", "fail"),
        (Check("json_schema", SCHEMA), '{"a": 1}', "", "pass"),
        (Check("json_schema", SCHEMA), '```json\n{"a": 1}\n```', "", "pass"),
        (Check("json_schema", SCHEMA), 'Here it is:\r\n```json\r\n{"a": 1}\r\n```\r\nDone.', "", "pass"),
        (Check("json_schema", SCHEMA), '{"a": "x"}', "", "fail"),
        (Check("json_schema", SCHEMA), "no JSON", "", "fail"),
        (Check("length", least=2, most=3), " abc ", "", "pass"),
        (Check("length", least=2), "a", "", "fail"),
        (Check("length", most=2), "abc", "", "fail"),
        (Check("judge", "Which is kinder?", "alto"), "abc", "", "none"),
    ],
)
async def test_a_check_is_met_or_not_and_says_nothing_where_there_is_nothing_to_compare_with(
    check, text, expected, outcome
):
    assert await outcomes(BOUNDED, [await checked(BOUNDED, check)], text, expected) == [outcome]


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (Check("regex", "("), "regex"),
        (Check("regex", "(" * 2000), "regex"),
        (Check("regex", "(?:(?:(?:a?){1000}){1000}){1000}" * 40), "regex_slow"),
        (Check("regex", "a" * 2001), "too_long"),
        (Check("regex", " "), "needs_words"),
        (Check("json_schema", "{"), "not_json"),
        (Check("json_schema", "[]"), "schema_object"),
        (Check("json_schema", '{"type": "strin"}'), "schema"),
        (Check("json_schema", '{"$ref": "http://127.0.0.1:1/schema"}'), "schema"),
        (Check("length", least=3, most=2), "length_range"),
        (Check("length", least=-1), "length_range"),
        (Check("judge", "Which is kinder?"), "judge_model"),
        (Check("judge", "", "alto"), "needs_words"),
    ],
)
async def test_a_check_that_can_never_be_met_is_refused_with_its_reason(check, reason):
    with pytest.raises(ValueRefused) as refused:
        await checked(BOUNDED, check)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "check",
    [
        Check("regex", r"(a|a)*$"),
        Check("regex", r"(?:a?){3000}a{3000}b"),
        Check("json_schema", '{"pattern": "^(a|a)*$"}'),
        Check("json_schema", '{"allOf": [{"$ref": "#"}], "pattern": "^(?=(a|aa)+$)(a|a)*b$"}'),
        Check("json_schema", DOUBLING),
    ],
)
async def test_nothing_holds_an_answer_for_ever(check: Check):
    text = "a" * 5000 + "!"
    [outcome] = await outcomes(
        BOUNDED, [await checked(BOUNDED, check)], f'"{text}"' if check.kind == "json_schema" else text, ""
    )
    assert outcome in ("slow", "fail")


@given(st.text(max_size=200), st.text(max_size=50))
def test_what_an_answer_contains_it_contains_and_what_it_is_it_is(text: str, part: str):
    if part.strip():
        found = (
            outcomes(BOUNDED, [Check("contains", part)], f"{text}{part}{text}", ""),
            outcomes(BOUNDED, [Check("exact", part)], part, ""),
        )
        assert [asyncio.run(each) for each in found] == [["pass"], ["pass"]]
