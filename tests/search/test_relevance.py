"""The labelled questions are what they say they are."""

import os
import re
from collections import Counter

import pytest

from chat_app.conversations.embedding import gateway_embedder
from chat_app.providers.vllm import VllmProvider
from chat_app.search.embedder import LocalEmbedder
from tests.conftest import services_with
from tests.search.quality import LEGS, Figures, Remembering, measured, shown
from tests.search.relevance import Question, documents, messages, questions, sections
from tests.server import ROOT

# Words that carry no content of their own: a question may have them in common with any text.
_FUNCTION = """
    a about after all am an and any are aren as at be been before being but by can did do does doesn doing don for
    from get had has have her his how i if in into is isn it its just keep many may me more much must my no not of off on one or
    our out over should so some still than that the their them then there these they this those to too up us was we were
    what when where which while who whom whose why will with without won would you your
"""
FUNCTION = frozenset(_FUNCTION.split())
FUNCTION_CHARS = frozenset(
    "的了是在我你他她它们这那有和就也不没吗呢吧什么怎样为何如哪里个一到要会能可以上下中对把被给让从与及或之其得地着过还都很最更"
)


def _answer(ref: str) -> str:
    return sections()[ref] if "#" in ref else next(each.text for each in messages() if each.id == ref)


def _latin(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in FUNCTION}


def _pairs(text: str) -> set[str]:
    runs = re.findall(r"[\u4e00-\u9fff]+", text)
    return {run[at : at + 2] for run in runs for at in range(len(run) - 1)}


def shared(question: Question) -> set[str]:
    """The content words that a question has in common with its answers: equal, or alike in their first five letters."""
    text = "\n".join(map(_answer, question.answers))
    beginnings = {word[:5] for word in _latin(text)}
    latin = {word for word in _latin(question.text) if word[:5] in beginnings}
    return latin | {pair for pair in _pairs(question.text) & _pairs(text) if not FUNCTION_CHARS & set(pair)}


def test_there_is_enough_to_search_in_and_half_of_the_questions_are_held_out():
    assert len(messages()) >= 300
    assert len(documents()) == 10
    assert len(questions()) >= 60
    assert len({each.id for each in messages()}) == len(messages())
    counts = Counter((each.words, each.held_out) for each in questions())
    assert sum(each.held_out for each in questions()) * 2 == len(questions())
    assert counts["none", False] + counts["none", True] == counts["shared", False] + counts["shared", True]
    assert set(Counter(each.slice for each in questions()).values()) <= set(range(15, 40))


def test_every_answer_is_there():
    known = {each.id for each in messages()} | sections().keys()
    assert {ref for each in questions() for ref in each.answers} <= known


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.text)
def test_a_question_shares_content_words_with_its_answer_or_none_as_it_says(question: Question):
    assert bool(shared(question)) == (question.words == "shared"), shared(question)


SLICES = ("English, words shared", "English, words none", "Chinese, words shared", "Chinese, words none", "all")


def _row(figures: Figures, name: str) -> str:
    """A row of the table in docs/search.md; by meaning nothing is asked that the model cannot read."""
    recall = [f"{figures[name, leg][0]:.3f} / {figures[name, leg][1]:.3f}" for leg in LEGS]
    cells = ["—" if cell == "0.000 / 0.000" and name.startswith("Chinese") else cell for cell in recall]
    return f"| {name.replace('words none', 'other words')} | {' | '.join(cells)} |"


@pytest.mark.slow
async def test_words_and_meaning_together_answer_as_well_as_the_better_of_them_and_best_over_all():
    embedder = Remembering(LocalEmbedder())
    for held_out in (False, True):
        figures = await measured(embedder, lambda question, half=held_out: question.held_out == half)
        print(f"\n{'held out' if held_out else 'tuned on'}\n{shown(figures)}")
        for at in (0, 1):
            for name in {name for name, _ in figures}:
                better = max(figures[name, "words"][at], figures[name, "meaning"][at])
                assert figures[name, "hybrid"][at] >= better - 0.02, name
            assert figures["all", "hybrid"][at] > max(figures["all", "words"][at], figures["all", "meaning"][at])
        assert figures["English", "hybrid"][0] >= 0.85
        if held_out:
            told = (ROOT / "docs" / "search.md").read_text()
            assert [row for name in SLICES if (row := _row(figures, name)) not in told] == []
    await embedder.aclose()


@pytest.mark.live
async def test_a_model_of_a_server_that_reads_chinese_finds_what_words_do_not(tmp_path):
    url, model = os.environ.get("EMBEDDINGS_URL"), os.environ.get("EMBEDDINGS_MODEL")
    if not (url and model):  # only whoever has such a model can ask it: none comes with what is installed
        pytest.skip("EMBEDDINGS_URL and EMBEDDINGS_MODEL name no model that reads Chinese")
    key = os.environ.get("EMBEDDINGS_KEY", "")
    provider = VllmProvider(server="embeddings", base_url=url, api_key=key, connect_timeout_s=10)
    async with services_with(tmp_path, provider) as services:
        embedder = Remembering(gateway_embedder(services.gateway, model))
        figures = await measured(embedder, lambda question: question.held_out)
    print(f"\nheld out, {model}\n{shown(figures)}")
    name = "Chinese, words none"
    assert figures[name, "hybrid"][0] >= figures[name, "words"][0] + 0.3
    assert figures["all", "hybrid"][0] >= max(figures["all", "words"][0], figures["all", "meaning"][0]) - 0.02
