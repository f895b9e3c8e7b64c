"""What is taken out of a text is what labelled strings say, but for the misses that are known and listed."""

import json
from itertools import chain
from pathlib import Path
from re._constants import ASSERT, ASSERT_NOT
from re._parser import SubPattern, parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.redaction import _NUMBERS, _PATTERNS, SECRETS, redacted

LABELLED = [json.loads(line) for line in (Path(__file__).parent / "labelled.jsonl").read_text().splitlines()]
MISSES = {
    "一三八零零一三八零零零": "a number in words",
    "555-0132": "a number without its area, and without a word that says what it is",
    "the pin is 4821": "four digits",
    "PASSWORD=correcthorsebattery": "words alone, as in a program",
    "4155550132": "ten digits without any sign",
}
LONG = 200_000


def test_there_are_enough_labelled_strings_of_each_kind_and_enough_with_nothing_to_take_out():
    assert len(LABELLED) >= 100
    for kind in SECRETS:
        assert sum(f"[{kind}]" in each["redacted"] for each in LABELLED) >= 9
    assert sum(each["text"] == each["redacted"] for each in LABELLED) >= 40


def test_all_is_as_it_is_labelled_but_for_the_misses_that_are_known():
    wrong = {each["text"] for each in LABELLED if redacted(each["text"]) != each["redacted"]}
    assert wrong == MISSES.keys()


def _looks_ahead(pattern) -> list[int]:
    """How far each look ahead of a pattern goes, at most."""
    found = []
    for operator, argument in pattern:
        inner = [each for each in _flat(argument) if isinstance(each, SubPattern)]
        if operator in (ASSERT, ASSERT_NOT) and argument[0] > 0:
            found.append(argument[1].getwidth()[1])
        found += [far for each in inner for far in _looks_ahead(each)]
    return found


def _flat(value) -> list:
    return [part for each in value for part in _flat(each)] if isinstance(value, tuple | list) else [value]


def test_no_pattern_looks_ahead_without_an_end_or_a_text_could_hold_the_interpreter():
    far = [each for pattern in (*chain(*_PATTERNS.values()), _NUMBERS.pattern) for each in _looks_ahead(parse(pattern))]
    assert len(far) > 20
    assert max(far) <= 201


def test_the_documentation_lists_the_misses():
    page = (Path(__file__).parents[3] / "docs" / "feedback.md").read_text()
    assert f"{len(LABELLED)} labelled strings" in page
    for text in MISSES:
        assert f"`{text}`" in page


@pytest.mark.parametrize("kind", SECRETS)
def test_only_what_is_asked_for_is_taken_out(kind):
    text = "ann@example.com, +1 415 555 0132, 4242 4242 4242 4242, sk-fake0000000000000000notreal"
    found = redacted(text, [kind])
    assert [name for name in SECRETS if f"[{name}]" in found] == [kind]
    assert sum(piece in text for piece in found.split(", ")) == 3


@given(st.text())
def test_nothing_is_changed_where_nothing_is_asked_for_or_there(text):
    assert redacted(text, ()) == text
    plain = "".join(each for each in text if not each.isdigit() and each != "@")
    assert redacted(plain, ["email", "card", "phone"]) == plain


@pytest.mark.parametrize(
    "piece",
    ["a", "a.", "a@", "a@a.", "1", "1 ", "1-", "+1", "eyJaaaaaaaa-", "eyJaaaaaaaa.", "tel ", "电话是", "://a:", "a at ", "a at a ",
     "-----BEGIN ", "password=", "sk-", "\"", "a (at) ", "00", "4242 4242 4242 4242 ", "4242 ", "4242-4242 ", "is 1", "token is ", "a@a", "//:a@"],
)  # fmt: skip
def test_a_long_text_that_nearly_is_something_ends(piece):
    assert redacted(piece * (LONG // len(piece)))
