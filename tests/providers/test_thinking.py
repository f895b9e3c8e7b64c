import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.events import ReasoningDelta, Reply, TextDelta
from chat_app.messages import ReasoningPart, TextPart
from chat_app.providers.thinking import ThinkSplitter


def _split(pieces: list[str]) -> list[tuple[str, str]]:
    splitter, reply = ThinkSplitter(), Reply()
    for delta in [d for piece in pieces for d in splitter.feed(piece)] + splitter.close():
        assert isinstance(delta, TextDelta | ReasoningDelta)
        reply.apply(delta)
    return [
        ("text" if isinstance(p, TextPart) else "reasoning", p.text)
        for p in reply.parts
        if isinstance(p, TextPart | ReasoningPart)
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain", [("text", "plain")]),
        ("<think>a</think>b", [("reasoning", "a"), ("text", "b")]),
        ("\n<think>\na\n</think>\n\nb", [("reasoning", "a"), ("text", "b")]),
        ("<think>cut", [("reasoning", "cut")]),
        ("<think></think>x", [("text", "x")]),
        ("say <think> twice", [("text", "say <think> twice")]),
        ("<thin", [("text", "<thin")]),
        ("<b>bold</b>", [("text", "<b>bold</b>")]),
        ("<think>a</thin b</think>c", [("reasoning", "a</thin b"), ("text", "c")]),
    ],
)
def test_reasoning_in_tags_is_told_from_text(text, wanted):
    assert _split([text]) == wanted
    assert _split(list(text)) == [(kind, words) for kind, words in wanted]


@given(st.text(alphabet="<>/think ab\n", max_size=40), st.lists(st.integers(0, 40), max_size=8))
def test_the_split_does_not_depend_on_where_the_text_was_cut(text, at):
    edges = [0, *sorted(min(i, len(text)) for i in at), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]

    assert _split(pieces) == _split([text])
