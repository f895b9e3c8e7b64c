import json

import pytest

from tests.ui.node import results


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '{"a":[1,{"b":"x, {y}"}],"c":{ }}',
            '{\n  "a": [\n    1,\n    {\n      "b": "x, {y}"\n    }\n  ],\n  "c": {}\n}',
        ),
        ('{"id": 12345678901234567890}', '{\n  "id": 12345678901234567890\n}'),
        ('{"a": 1, "a": 1e999}', '{\n  "a": 1,\n  "a": 1e999\n}'),
        ('{"not": whole', '{"not": whole'),
        ('"a \\" b"', '"a \\" b"'),
        ("plain words", "plain words"),
    ],
)
def test_json_is_set_out_without_a_change_of_what_it_says(text, shown):
    assert results("json_text.js", "laidOut", [text]) == [shown]


def test_what_python_sets_out_is_set_out_alike():
    value = {"a": [1, 2.5, None, True, []], "b": {"c": "\u4e16 \\ \n"}, "d": ""}

    assert results("json_text.js", "laidOut", [json.dumps(value)]) == [json.dumps(value, indent=2)]
