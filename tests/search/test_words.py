from pathlib import Path

import pytest

from chat_app.search.words import WordIndex, index_of_folder, passages_of, segment

GUIDE = Path(__file__).parents[2] / "chat_app" / "guide"


def test_chinese_is_segmented_into_overlapping_pairs():
    assert segment("B树的数据 Keys") == ["b", "树的", "的数", "数据", "keys"]
    assert segment("树") == ["树"]


def test_markdown_is_cut_at_its_headings():
    found = list(passages_of("# One\n\na\nb\n## Empty\n## Two\nc", "ref"))

    assert found == [("One", "a\nb", "ref"), ("Two", "c", "ref")]


@pytest.mark.parametrize("question", ["", "the", "???", '"', "a AND b OR (", "NEAR(", "words:x*", "合同"])
def test_no_question_breaks_the_search(question):
    assert WordIndex([("One", "text", "r")]).find(question) == []


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("How do I delete a conversation?", "Delete and undo"),
        ("where are my keys", "Keys"),
        ("import from ChatGPT", "Export and import"),
        ("怎么停止回答", "停止、继续、重试"),
        ("导入", "导出与导入"),
    ],
)
def test_the_guide_answers_what_people_ask(question, title):
    sources = index_of_folder(GUIDE).find(question)

    assert title in [source.title for source in sources]
    assert [source.number for source in sources] == list(range(1, len(sources) + 1))
