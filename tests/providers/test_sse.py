import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from chat_app.providers.sse import SseDecoder


def _fed(pieces: list[bytes]) -> list[bytes]:
    decoder = SseDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    last = decoder.close()
    return events if last is None else [*events, last]


def _cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(i, len(data)) for i in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 400), max_size=12),
)
def test_events_are_the_same_however_the_bytes_were_cut(texts, newline, at):
    wanted = [json.dumps(text, ensure_ascii=False).encode() for text in texts]
    wire = b"".join(b"data: " + data + b"\n\n" for data in wanted).replace(b"\n", newline.encode())

    assert _fed(_cut(wire, at)) == wanted


def test_comments_and_other_fields_are_passed_over():
    assert _fed([b": hello\n\nevent: x\nid: 3\ndata: 1\n\n"]) == [b"1"]


def test_several_data_lines_are_joined():
    assert _fed([b"data: {\ndata: }\n\n"]) == [b"{\n}"]


def test_an_event_without_its_empty_line_still_counts_at_the_end():
    assert _fed([b"data: [DONE]"]) == [b"[DONE]"]


def test_a_carriage_return_at_the_end_of_a_piece_is_half_a_line_break():
    assert _fed([b"data: 1\r", b"\n\r\ndata: 2\r\n\r\n"]) == [b"1", b"2"]
