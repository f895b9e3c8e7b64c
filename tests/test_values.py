"""Whether a value is one: each fault has its sentence."""

import math
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.errors import ValueRefused
from chat_app.parameters import SPECS
from chat_app.values import checked

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def _format(schema, **more) -> dict:
    return {"type": "json_schema", "json_schema": {"schema": schema} | more}


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("temperature", 0, 0),
        ("temperature", 2, 2),
        ("top_p", 0.01, 0.01),
        ("max_tokens", 5.0, 5),
        ("seed", 2**31 - 1, 2**31 - 1),
        ("stop", ["END", "\n\n"], ["END", "\n\n"]),
        ("stop", [], None),
        ("reasoning_effort", "high", "high"),
        ("response_format", {"type": "text", "more": 1}, {"type": "text"}),
        ("response_format", _format(SCHEMA), _format(SCHEMA, name="answer")),
        ("response_format", _format('{"type": "object"}', strict=True), _format({"type": "object"}, name="answer", strict=True)),
        ("extra", '{"priority": 1}', {"priority": 1}),
        ("extra", {}, None),
        ("extra", "{}", None),
        ("model", "  gpt  ", "gpt"),
        ("model", " ", None),
        ("system_prompt", "", ""),
        ("system_prompt", "a\0b", "a\ufffdb"),
        ("recipe", {"id": "r", "version": 2}, {"id": "r", "version": 2}),
        ("variables.tone", "warm", "warm"),
        ("variables.语气", "", ""),
        ("variables.tone", None, ""),
        ("system_prompt", "a\r\nb", "a\nb"),
        ("extra", '{"a": "\\ud800"}', {"a": "\ufffd"}),
        ("extra", {"a\0": ["\0"]}, {"a\ufffd": ["\ufffd"]}),
        ("response_format", _format(SCHEMA, description=None, strict=False), _format(SCHEMA, name="answer", strict=False)),
        ("recipe", {"id": "r", "more": 1}, {"id": "r"}),
    ],
)  # fmt: skip
def test_a_value_is_stored_as_it_is_meant(name, value, stored):
    assert checked(name, value) == stored


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("temperature", "warm", "number"),
        ("temperature", True, "number"),
        ("temperature", math.nan, "number"),
        ("temperature", math.inf, "number"),
        ("temperature", 2.1, "range"),
        ("temperature", -0.1, "range"),
        ("top_p", 0, "above"),
        ("repetition_penalty", 0, "above"),
        ("max_tokens", 0, "range"),
        ("max_tokens", 1.5, "whole"),
        ("seed", 2**31, "range"),
        ("stop", "END", "strings"),
        ("stop", [1], "strings"),
        ("stop", ["a", "b", "c", "d", "e"], "many"),
        ("stop", [""], "each"),
        ("stop", ["x" * 201], "each"),
        ("reasoning_effort", "much", "choice"),
        ("reasoning_effort", ["high"], "choice"),
        ("response_format", "json", "choice"),
        ("response_format", {"type": "xml"}, "choice"),
        ("response_format", {"type": "json_schema"}, "schema_missing"),
        ("response_format", _format(SCHEMA, name="a b"), "schema_name"),
        ("response_format", _format("{"), "json"),
        ("response_format", _format([]), "schema_object"),
        ("response_format", _format({"type": "number", "minimum": "one"}), "schema"),
        ("response_format", _format("[" * 50_000), "deep"),
        ("extra", "[1]", "object"),
        ("extra", '{"a": NaN}', "constant"),
        ("extra", '{\n"a": }', "json"),
        ("extra", {"temperature": 1}, "own_field"),
        ("extra", {"messages": []}, "placed"),
        ("extra", " " * 100_001, "long"),
        ("system_prompt", 3, "text"),
        ("system_prompt", "x" * 100_001, "long"),
        ("recipe", {"id": "r", "version": 0}, "recipe"),
        ("recipe", "r", "recipe"),
        ("recipe", {"id": "r", "version": True}, "recipe"),
        ("recipe", {"id": "r", "version": 10**30}, "recipe"),
        ("top_k", 10**400, "range"),
        ("extra", '{"a": ' + "9" * 5000 + "}", "constant"),
        ("extra", {"a": 10**5000}, "constant"),
        ("extra", '{"a": 1e999}', "constant"),
        ("extra", {"a": date(2026, 11, 26)}, "constant"),
        ("extra", {"max_completion_tokens": "many"}, "own_field"),
        ("extra", {"system_prompt": "x"}, "own_field"),
        ("response_format", _format(SCHEMA, strict="yes"), "schema_more"),
        ("variables.1st", "x", "variable_name"),
        ("variables.tone", 3, "text"),
        ("variables.tone", "x" * 10_001, "long"),
        ("tempreature", 1, "unknown"),
    ],
)  # fmt: skip
def test_each_fault_has_its_sentence(name, value, reason):
    with pytest.raises(ValueRefused) as refused:
        checked(name, value)
    assert refused.value.reason == reason
    assert str(refused.value).endswith(".")


def test_where_json_is_wrong_is_told_by_line_and_column():
    with pytest.raises(ValueRefused) as refused:
        checked("extra", '{\n  "a": }')
    assert refused.value.values == {"line": 2, "column": 8}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_not_to_be_sent_is_a_value_of_every_parameter(spec):
    assert checked(spec.name, None) is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(st.characters())
    | st.sampled_from(["\ud800", '{"a": "\\ud800"}']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([spec.name for spec in SPECS]), JSON)
def test_whatever_is_given_is_stored_or_refused_and_what_was_stored_is_stored_again_as_it_is(name, value):
    try:
        stored = checked(name, value)
    except ValueRefused:
        return
    assert checked(name, stored) == stored
    msgspec.json.encode(stored).decode()
