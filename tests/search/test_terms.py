"""How words are brought to one form and to numbers."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chat_app.search.snippets import MOST, snippet
from chat_app.search.terms import PACKED, Term, number, packed, singular, span, terms_of, words


def test_words_are_lower_case_and_singular_and_han_are_pairs():
    assert list(words("Databases, Queries and a CLASS of 数据库")) == [
        "database", "query", "and", "a", "class", "of", "数据", "据库", "库",
    ]  # fmt: skip


def test_a_plural_has_the_number_of_its_word():
    for plural, one in (("indexes", "indexe"), ("cities", "city"), ("bus", "bus"), ("glass", "glass"), ("keys", "key")):
        assert singular(plural) == one


@given(st.text(min_size=1, max_size=20), st.text(max_size=5))
def test_a_words_number_is_among_those_of_its_beginnings(word: str, rest: str):
    low, high = span(word)
    assert low <= number(word + rest) < high


@given(st.text(max_size=200))
def test_every_word_of_a_text_is_packed_once_and_found_by_a_question_of_it(text: str):
    kept = {value for value, _ in PACKED.iter_unpack(packed(text))}
    assert len(kept) * PACKED.size == len(packed(text))
    assert all(number(word) in kept for word in words(text))


def test_the_last_word_of_a_question_is_also_found_by_its_beginning_and_others_are_not():
    sql, databa, begun = terms_of("sql databa")
    assert sql.is_met("sql")
    assert not sql.is_met("sqlite")
    assert databa.is_met("databa")
    assert not databa.is_met("database")
    assert begun.is_met("database")
    assert not any(term.is_met("database") for term in terms_of("databa sql "))
    assert not any(term.is_met("internet") for term in terms_of("international"))


def test_words_that_ask_nothing_are_left_out_unless_they_are_all_there_is():
    assert terms_of("what is a database ") == [Term(number("database"), number("database") + 1)]
    assert len(terms_of("what is it ")) == 3


def test_a_snippet_shows_the_words_that_were_asked_for():
    pieces = snippet(
        "Half a million lines sit in memory. " * 9 + "Medians need a sort on disk first.", terms_of("median disk")
    )
    assert [text for text, is_asked in pieces if is_asked] == ["Medians", "disk"]
    assert pieces[0] == ("…", False)
    assert snippet("我养了一只猫和一条狗", terms_of("猫")) == [("我养了一只", False), ("猫", True), ("和一条狗", False)]
    assert snippet("退租时押金应当退还", terms_of("押金")) == [("退租时", False), ("押金", True), ("应当退还", False)]


@given(st.text(max_size=600), st.text(max_size=30))
def test_a_snippet_is_some_of_the_text_and_no_longer_than_it_may_be(text: str, question: str):
    shown = "".join(piece for piece, _ in snippet(text, terms_of(question)))
    whole = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    assert len(shown) <= MOST + 2
    assert any(part in whole for part in (shown, shown[1:], shown[:-1], shown[1:-1]))


def test_a_snippet_is_plain_text():
    shown = snippet(
        "# Heading\n\n> A **bold** word.\n\n```python\nx = y ** 2 + z**2 # __init__\n```\n", terms_of("bold")
    )
    assert shown == [("Heading A ", False), ("bold", True), (" word. x = y ** 2 + z**2 # __init__", False)]


def test_what_the_index_finds_the_text_has_in_any_script():
    for text, question in (
        ("데이터베이스 성능", "데이터베이스"), ("İstanbul", "İstanbul"), ("ＡＢＣ full width", "abc"), ("cafe\u0301", "café"),
        ("проблема", "пробл"), ("根据数据", "数据"),
    ):  # fmt: skip
        kept = {value for value, _ in PACKED.iter_unpack(packed(text))}
        assert any(term.low <= value < term.high for term in terms_of(question) for value in kept), text
        assert any(is_asked for _, is_asked in snippet(text, terms_of(question))), text


def test_the_end_of_a_run_of_han_is_no_question_of_its_own():
    assert [text for text, is_asked in snippet("根据和证据", terms_of("数据")) if is_asked] == []
