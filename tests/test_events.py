from hypothesis import given
from hypothesis import strategies as st

from chat_app.events import Finish, ReasoningDelta, Relayed, Reply, Sources, Start, TextDelta, ToolCallDelta
from chat_app.messages import ReasoningPart, Source, SourcesPart, TextPart, ToolCallPart, text_of

texts = st.lists(st.text(min_size=1, max_size=5), max_size=30)


@given(texts)
def test_the_words_of_a_reply_are_its_deltas_in_order(pieces: list[str]):
    reply = Reply()
    for piece in pieces:
        reply.apply(TextDelta(piece))

    assert text_of(reply.parts) == "".join(pieces)
    assert len(reply.parts) == (1 if pieces else 0)


@given(st.lists(st.tuples(st.booleans(), st.text(min_size=1, max_size=3)), max_size=20), st.integers(0, 20))
def test_a_reply_that_goes_on_from_a_checkpoint_equals_one_that_never_stopped(pieces, cut):
    events = [ReasoningDelta(text) if thinks else TextDelta(text) for thinks, text in pieces]
    whole, first = Reply(), Reply()
    for event in events:
        whole.apply(event)
    for event in events[:cut]:
        first.apply(event)
    second = Reply(first.parts)
    for event in events[cut:]:
        second.apply(event)

    assert second.parts == whole.parts


def test_reading_the_parts_in_between_changes_nothing():
    reply = Reply()
    for piece in "abc":
        reply.apply(TextDelta(piece))
        assert reply.parts

    assert reply.parts == (TextPart("abc"),)


def test_reasoning_lasts_until_the_first_word():
    reply = Reply()
    reply.apply(Start("x"))
    reply.apply(ReasoningDelta("hm"), 100)
    reply.apply(ReasoningDelta("m"), 300)
    reply.apply(TextDelta("So"), 2100)

    assert reply.parts == (ReasoningPart("hmm", duration_ms=2000), TextPart("So"))


def test_parallel_tool_calls_are_told_apart_by_their_index():
    reply = Reply()
    reply.apply(ToolCallDelta(0, "a", "one", "{"))
    reply.apply(ToolCallDelta(1, "b", "two", "["))
    reply.apply(ToolCallDelta(0, arguments="}"))
    reply.apply(Finish("tool_calls"))

    assert reply.parts == (ToolCallPart("a", "one", "{}"), ToolCallPart("b", "two", "["))
    assert reply.finish == Finish("tool_calls")


def test_every_kind_of_part_survives_going_on():
    parts = (ReasoningPart("r", 5), TextPart("t"), ToolCallPart("i", "n", "{}"), SourcesPart((Source(1, "a", "b"),)))

    assert Reply(parts).parts == parts


def test_sources_stand_where_they_came():
    reply = Reply()
    reply.apply(Sources((Source(1, "a", "b"),)))
    reply.apply(TextDelta("x"))

    assert reply.parts == (SourcesPart((Source(1, "a", "b"),)), TextPart("x"))


def test_what_is_relayed_says_what_its_deltas_say():
    reply = Reply()
    reply.apply(Relayed(b"data: {}\n\n", (ReasoningDelta("hm"), TextDelta("Hel"))), 5)
    reply.apply(Relayed(b"data: {}\n\n", (TextDelta("lo"), ToolCallDelta(0, "t", "weather", "{}"))), 7)
    reply.apply(Finish("tool_calls"))

    assert reply.parts == (ReasoningPart("hm", 0), TextPart("Hello"), ToolCallPart("t", "weather", "{}"))
    assert reply.finish == Finish("tool_calls")
