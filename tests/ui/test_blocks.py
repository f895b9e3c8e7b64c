"""The law of block-wise Markdown: however a text was cut into pieces, its blocks are those of the whole text."""

import json
import subprocess
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ui.node import command, results

SCRIPT = """
import { createInterface } from "node:readline";
const { advance, emptyBlocks, markMath, standing } = await import(process.argv[1]);
for await (const line of createInterface({ input: process.stdin })) {
  const { pieces, math } = JSON.parse(line);
  if (math !== undefined) { console.log(JSON.stringify(markMath(math))); continue; }
  let text = "", state = emptyBlocks(), shown = [];
  for (const piece of pieces) shown.push(standing((state = advance(state, (text += piece))), text));
  console.log(JSON.stringify({ state: { ...state, tail: state.open + text.slice(state.done) }, shown }));
}
"""


class Node:
    """`blocks.js` in a process of its own, a question a line."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            command("blocks.js", SCRIPT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, question: dict):
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    started = Node()
    yield started
    started.close()


LINES = st.sampled_from(
    [
        "",
        "word",
        "# head",
        "- item",
        "  more",
        "1. one",
        "```py",
        "```",
        "~~~",
        "$$",
        "$$x$$",
        "| a |",
        "> q",
        "    code",
        " \t",
    ]
)


@settings(max_examples=300)
@given(st.lists(LINES, max_size=30), st.lists(st.integers(0, 200), max_size=12), st.booleans())
def test_blocks_do_not_depend_on_how_the_text_came(node: Node, lines: list[str], at: list[int], ends: bool):
    text = "\n".join(lines) + ("\n" if ends else "")
    edges = [0, *sorted(min(i, len(text)) for i in at), len(text)]
    pieces = [text[a:b] for a, b in pairwise(edges)]

    whole, cut = (node.ask({"pieces": given})["state"] for given in ([text], pieces))

    assert cut == whole
    assert "".join(whole["closed"]) + whole["tail"] == text


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("a\n\nb\n", ["a\n\n"]),
        ("```\na\n\nb\n```\n\nc\n", ["```\na\n\nb\n```\n\n"]),
        ("- a\n\n- b\n\nc\n", ["- a\n\n- b\n\n"]),
        ("1. a\n\n   more\n\n2. b\n", []),
        ("$$\na\n\nb\n$$\n\nc\n", ["$$\na\n\nb\n$$\n\n"]),
        ("a\nb", []),
    ],
)
def test_a_block_closes_where_markdown_closes_it(node: Node, text, closed):
    assert node.ask({"pieces": [text]})["state"]["closed"] == closed


@settings(max_examples=200)
@given(st.lists(LINES, max_size=12))
def test_a_block_that_stands_closed_stays_as_it_is(node: Node, lines: list[str]):
    shown = node.ask({"pieces": list("\n".join(lines))})["shown"]

    for before, after in pairwise(shown):
        assert after["closed"][: len(before["closed"])] == before["closed"]
        assert (
            "".join(after["closed"]) + after["tail"] == "".join(before["closed"]) + before["tail"] + after["tail"][-1]
        )


@pytest.mark.parametrize(
    ("text", "tail"),
    [
        ("a\n\nb", "b"),
        ("- a\n\nb", "b"),
        ("- a\n\n2", "- a\n\n2"),
        ("- a\n\n2 apples", "2 apples"),
        ("- a\n\n-", "- a\n\n-"),
        ("- a\n\n  m", "- a\n\n  m"),
        ("```\na\n\nb", "```\na\n\nb"),
        ("$$\na\n\nb", "$$\na\n\nb"),
    ],
)
def test_the_first_signs_of_a_new_block_close_the_one_above(node: Node, text, tail):
    assert node.ask({"pieces": [text]})["shown"][-1]["tail"] == tail


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$5 and $10", r"\$5 and \$10"),
        ("from $4 to $5, or $6", r"from \$4 to \$5, or \$6"),
        ("$x^2$", "$x^2$"),
        ("a $x$ b $5", r"a $x$ b \$5"),
        (r"\(x\) and \[y\]", "$x$ and $$y$$"),
        ("$$z$$", "$$z$$"),
        ("`$a` and $b$", "`$a` and $b$"),
        ("```\n$5 $x$\n```\n$y$", "```\n$5 $x$\n```\n$y$"),
        (r"\$5", r"\$5"),
        ("US$ 5 and 5 $", r"US\$ 5 and 5 \$"),
    ],
)
def test_money_stays_money_and_formulas_stay_formulas(node: Node, text, wanted):
    assert node.ask({"math": text}) == wanted


PLAIN = [
    "words and nothing else",
    "Commas, 3.5 % and (brackets); a dash - too.",
    "one line\nand another",
    "中文，标点。",
]
MORE = [
    "*stress*", "`code`", "a_b_c", "~~no~~", "$x$", "<b>", "a | b", "# head", "[link]", "![img]", "&amp;", "me@b.c", "http://a",
    "www.a.b", "- item", "  + item", "12. item", "1) item", "words\n- item", "words\n===", "words\n---", "    code", "two  \nlines",
    "a\n\nb", "back\\slash", "> said", "  ",
]  # fmt: skip


def test_a_paragraph_of_mere_words_needs_no_parser_and_nothing_else_is_taken_for_one():
    assert results("blocks.js", "isPlainParagraph", *([text] for text in PLAIN)) == [True] * len(PLAIN)
    assert results("blocks.js", "isPlainParagraph", *([text] for text in MORE)) == [False] * len(MORE)
