"""Parameters by one name, from whatever wire or file they come."""

import pytest

from chat_app.parameters import most_tokens, named, under


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
