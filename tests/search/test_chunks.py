"""How texts are cut: nothing is lost, nothing is too long, and what is near stays together."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chat_app.search.chunks import MOST, chunks_of, tokens

ANY = st.text(st.sampled_from("ab .!?\n\f#中文。，！ 1"), max_size=400)


@given(ANY)
def test_every_word_is_in_a_chunk_and_chunks_move_on(text: str):
    found = chunks_of(text, most=10, overlap=3)
    covered = {at for chunk in found for at in range(chunk.start, chunk.end)}
    assert all(at in covered for at, char in enumerate(text) if char.isalnum())
    assert all(before.end < after.end and before.start < after.start for before, after in pairwise(found))


@given(ANY)
def test_no_chunk_is_longer_than_the_model_reads(text: str):
    assert all(tokens(chunk.text) <= 10 for chunk in chunks_of(text, most=10, overlap=3))


@given(ANY)
def test_a_chunk_is_the_stretch_of_the_text_that_it_names(text: str):
    for chunk in chunks_of(text, most=10, overlap=3):
        assert chunk.text == text[chunk.start : chunk.end].replace("\f", "\n").strip()


def test_a_chunk_begins_at_a_heading_and_knows_the_one_above_it():
    text = "Before there was fruit there were other things to eat.\n\n# Fruit\n\nApples keep for months. Pears do not.\n\n## Citrus ##\n\nLemons keep best.\n"
    assert [(chunk.heading, chunk.text) for chunk in chunks_of(text)] == [
        ("", "Before there was fruit there were other things to eat."),
        ("Fruit", "# Fruit\n\nApples keep for months. Pears do not."),
        ("Citrus", "## Citrus ##\n\nLemons keep best."),
    ]


def test_a_chunk_begins_at_a_sentence_and_repeats_the_one_before_the_border():
    text = " ".join(f"Sentence number {number} has seven words here." for number in range(60))
    found = chunks_of(text)
    assert len(found) > 2
    assert all(chunk.text.startswith("Sentence number") and chunk.text.endswith("here.") for chunk in found)
    assert all(after.start < before.end for before, after in pairwise(found))


def test_a_chunk_knows_its_page():
    found = chunks_of("One.\f" + "Two. " * 200 + "\f\fFour begins here. " + "More. " * 200)
    assert [chunk.text for chunk in found if chunk.page == 1] == ["One."]
    assert {chunk.page for chunk in found} == {1, 2, 4}
    assert chunks_of("No pages.")[0].page == 0


@given(ANY)
def test_a_chunk_is_of_one_page_and_knows_which(text: str):
    for chunk in chunks_of(text, most=10, overlap=3):
        pages = {text.count("\f", 0, at) + 1 for at in range(chunk.start, chunk.end) if text[at].isalnum()}
        assert pages == {chunk.page} or not chunk.page


def test_what_has_no_sentence_is_cut_at_blanks_and_a_text_without_words_is_none():
    words = [f"word{number}" for number in range(1000)]
    found = chunks_of(" ".join(words))
    assert all(chunk.text.split()[0] in words and chunk.text.split()[-1] in words for chunk in found)
    assert len(chunks_of("x" * 10_000)) == 10_000 // (4 * MOST) + 1
    assert chunks_of("\n\f — … \n") == []


def test_a_text_of_little_but_headings_has_few_chunks():
    assert len(chunks_of("# a\n" * 1000)) < 150
