"""Parameters by one name, from whatever wire or file they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.parameters import merged, most_tokens, named, to_send, under, without


def test_a_parameter_has_one_name_whichever_wire_it_comes_from():
    assert named({"max_completion_tokens": 5, "stop_sequences": ["a"]}) == {"max_tokens": 5, "stop": ["a"]}
    assert named({"max_tokens": 4, "max_completion_tokens": 5}) == {"max_tokens": 5}
    assert named({"max_tokens": 4, "max_completion_tokens": None}) == {"max_tokens": 4}
    assert named({"stop": "END", "top_k": 3}) == {"stop": ["END"], "top_k": 3}


def test_a_default_gives_way_to_the_callers_own_by_whichever_name_the_caller_has_it():
    defaults = {"max_tokens": 9, "stop": ["x"], "top_k": 3}
    assert under(defaults, {"max_completion_tokens": 5}) == {"stop": ["x"], "top_k": 3, "max_completion_tokens": 5}
    assert under(defaults, {"stop_sequences": ["y"]}) == {"max_tokens": 9, "top_k": 3, "stop_sequences": ["y"]}
    assert under(defaults, {"max_tokens": None}) == {"stop": ["x"], "top_k": 3, "max_tokens": None}


@pytest.mark.parametrize(("said", "most"), [(5, 5), (0, None), (-1, None), (True, None), ("5", None), (None, None)])
def test_the_most_tokens_of_an_answer_are_a_count_or_nothing(said, most):
    assert most_tokens({"max_tokens": said}) == most


LAYERS = st.lists(
    st.tuples(
        st.sampled_from(["deployment", "model", "person", "recipe", "conversation"]),
        st.dictionaries(st.sampled_from(["a", "b", "c"]), st.none() | st.integers()),
    ),
    max_size=6,
)


@given(LAYERS)
def test_what_counts_is_what_the_last_layer_says_that_says_anything(layers):
    found = merged(layers)
    for name in {"a", "b", "c"}:
        said = [layer[name] for _, layer in layers if name in layer]
        assert (name in found) == bool(said)
        if said:
            assert found[name] == said[-1]


@given(LAYERS, LAYERS)
def test_layers_may_be_merged_in_parts_and_a_layer_that_says_nothing_changes_nothing(lower, upper):
    whole = merged([*lower, *upper])
    assert merged([("below", merged(lower)), *upper]) == whole
    assert merged([*lower, ("x", {}), *upper]) == whole


def test_what_is_not_to_be_sent_counts_over_a_default_and_what_is_ours_never_goes():
    values = {
        "temperature": None,
        "top_k": 3,
        "system_prompt": "x",
        "model": "m",
        "extra": {"max_completion_tokens": 5},
    }
    assert to_send(values) == {"temperature": None, "top_k": 3, "max_tokens": 5}


def test_a_model_that_takes_samplings_only_without_thinking_gets_them_only_then():
    both = {"temperature": 1, "top_k": 2}
    assert without(both, ["top_k"], ["temperature"]) == {}
    assert without(both | {"reasoning_effort": "none"}, [], ["temperature"]) == both | {"reasoning_effort": "none"}
    assert without(both | {"reasoning_effort": "low"}, [], ["temperature"]) == {"top_k": 2, "reasoning_effort": "low"}


def test_a_model_that_does_not_take_one_choice_gets_the_others():
    refused = ["reasoning_effort=minimal", "response_format=json_object"]
    schema = {"response_format": {"type": "json_schema", "json_schema": {}}, "reasoning_effort": "low"}
    assert without(schema, refused, []) == schema
    assert without({"response_format": {"type": "json_object"}, "reasoning_effort": "minimal"}, refused, []) == {}
