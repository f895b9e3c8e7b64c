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
        ("What can this application do?", "What this application can do"),
        ("How do I add a model?", "Add OpenAI or another server"),
        ("Which keys are there?", "Keys"),
        ("How do I bring back what I deleted?", "Delete and undo"),
        ("这个应用能做什么？", "这个应用能做什么"),
        ("怎样添加模型？", "添加 OpenAI 或其他服务器"),
        ("有哪些按键？", "按键"),
        ("How do I make an API key?", "Programs and API keys"),
        ("怎么创建密钥？", "程序与 API 密钥"),
        ("怎样恢复已删除的对话？", "删除与撤销"),
        ("How much did my calls cost?", "Models, servers and what they cost"),
        ("在哪里看用量和费用？", "模型、服务器与费用"),
    ],
)
def test_the_guide_answers_what_people_ask_and_its_own_starting_points(question, title):
    sources = index_of_folder(GUIDE).find(question)

    assert title in [source.title for source in sources]
    assert [source.number for source in sources] == list(range(1, len(sources) + 1))


@pytest.mark.parametrize(
    ("question", "language"), [("How do I add a vLLM server?", "en"), ("怎么添加 vLLM 服务器？", "zh")]
)
def test_passages_are_in_the_language_of_the_question(question, language):
    sources = index_of_folder(GUIDE).find(question)

    assert sources
    assert {source.ref.partition("/")[0] for source in sources} == {language}


def test_passages_of_another_language_are_better_than_none():
    index = WordIndex([("索引", "vLLM 的说明", "zh/x")])

    assert [source.ref for source in index.find("vLLM")] == ["zh/x"]
