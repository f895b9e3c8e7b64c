import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.prompt import build_prompt, estimate_tokens, spoken
from chat_app.errors import PromptTooLong
from chat_app.messages import MediaPart, Message, ReasoningPart, TextPart


def _user(text: str) -> Message:
    return Message("user", (TextPart(text),))


def _answer(text: str) -> Message:
    return Message("assistant", (TextPart(text),))


def _prompt(newest_first, context=None, reserve=0, **more):
    return build_prompt(model="m", newest_first=newest_first, context_tokens=context, reserve_tokens=reserve, **more)


HISTORY = [_user("q3"), _answer("a2"), _user("q2"), _answer("a1"), _user("q1")]


def test_a_model_that_does_not_tell_its_context_gets_everything():
    prompt = _prompt(HISTORY)

    assert [m.text for m in prompt.request.messages] == ["q1", "a1", "q2", "a2", "q3"]
    assert prompt.left_out == 0


def test_the_oldest_turns_are_left_out_whole():
    prompt = _prompt(HISTORY, context=20)

    assert [m.text for m in prompt.request.messages] == ["q2", "a2", "q3"]
    assert prompt.left_out == 2


def test_the_system_prompt_stays():
    prompt = _prompt(HISTORY, context=15, system="be")

    assert [m.role for m in prompt.request.messages] == ["system", "user"]


def test_a_message_that_alone_does_not_fit_is_said_with_the_numbers():
    with pytest.raises(PromptTooLong, match=r"too long for m: 2,505 of 1,000 tokens"):
        _prompt([_user("x" * 10_000)], context=1000)


def test_the_reserve_never_takes_more_than_half():
    assert _prompt([_user("x" * 1000)], context=600, reserve=100_000).left_out == 0


def test_a_wish_goes_with_the_last_question_only():
    prompt = _prompt(HISTORY, hint="shorter")

    assert prompt.request.messages[-1].text == "q3\n\n(shorter)"
    assert HISTORY[0].text == "q3"


def test_an_answer_that_goes_on_keeps_its_question():
    prompt = _prompt([_answer("half"), *HISTORY], context=13, continue_final=True)

    assert [m.text for m in prompt.request.messages] == ["q3", "half"]
    assert prompt.request.continue_final


def test_a_model_is_not_told_its_own_thoughts():
    assert spoken((ReasoningPart("hm"), TextPart("So"))) == (TextPart("So"),)
    assert spoken((ReasoningPart("hm"),)) == ()


@pytest.mark.parametrize("is_seen", [True, False])
def test_words_that_are_too_long_stay_so_without_the_pictures_beside_them(is_seen):
    pages = tuple(MediaPart("image", "image/jpeg", path="x", tokens=1500) for _ in range(20))
    text = "word " * 8000
    tokens = 30_000 + estimate_tokens(text) if is_seen else 0
    document = MediaPart("file", "application/pdf", "a.pdf", "x", text=text, tokens=tokens, pages=pages)
    with pytest.raises(PromptTooLong, match="10,0"):
        build_prompt(model="m", newest_first=[Message("user", (document,))], context_tokens=8192, reserve_tokens=100)


@given(st.text(max_size=200))
def test_an_estimate_is_at_least_one_and_never_less_than_its_chinese(text):
    assert estimate_tokens(text) >= max(1, sum("\u4e00" <= c <= "\u9fff" for c in text))


@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.integers(20, 500))
def test_what_is_kept_fits_and_begins_with_a_question(lengths, context):
    messages = [(_user if i % 2 == 0 else _answer)("x" * n) for i, n in enumerate(lengths)]
    if len(messages) % 2 == 0:
        messages = messages[:-1]
    try:
        prompt = _prompt(messages, context=context)
    except PromptTooLong:
        return
    assert prompt.estimated_tokens <= context
    assert prompt.request.messages[0].role == "user"
    assert len(prompt.request.messages) + prompt.left_out == len(messages)
