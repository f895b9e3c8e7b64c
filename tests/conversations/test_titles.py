import pytest

from chat_app.conversations.titles import tidy_title, title_from_question


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("why?", "why?"),
        ("  why\n\nthough ", "why though"),
        ("Explain B-trees with code, a table and a diagram please", "Explain B-trees with code, a table and a…"),
        ("字" * 60, "字" * 48 + "…"),
        ("x" * 60, "x" * 48 + "…"),
    ],
)
def test_a_title_begins_as_the_questions_first_words(question, title):
    assert title_from_question(question) == title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ('"B-trees in practice."', "B-trees in practice"),
        ("Title: **Keys and order**\n\nHope this helps!", "Keys and order"),
        ("one two three four five six seven", "one two three four five six"),
        ("为什么数据库使用B+树而不是哈希索引来保存键", "为什么数据库使用B+树而不是哈希"),
        ("\n\n", ""),
        ("", ""),
    ],
)
def test_a_models_title_is_made_tidy(said, title):
    assert tidy_title(said) == title
