"""From fields to values, and which layer a value comes from, as the page tells it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_app.parameters import merged
from tests.ui.node import results

NAMES = ["deployment", "model", "person", "recipe", "conversation"]
LAYERS = st.tuples(*(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 9)) for _ in NAMES))


@given(st.lists(LAYERS, min_size=20, max_size=20))
@settings(max_examples=5)  # each starts node once
def test_the_page_names_the_layer_that_counts_and_means_the_value_that_the_server_sends(many):
    layered = [[{"name": name, "values": layer} for name, layer in zip(NAMES, layers, strict=True)] for layers in many]
    found = results("parameter_values.js", "found", *([layers, name] for layers in layered for name in "abc"))
    for index, layers in enumerate(many):
        values = merged(zip(NAMES, layers, strict=True))
        for at, name in enumerate("abc"):
            told, saying = (
                found[3 * index + at],
                [each for each, layer in zip(NAMES, layers, strict=True) if name in layer],
            )
            assert told["isOwn"] == (name in layers[-1])
            assert ("now" in told) == (name in values)
            if saying:
                assert told["now"] == {"value": values[name], "source": saying[-1]}


def test_a_fields_text_means_a_value_and_the_value_shows_as_that_text():
    meant = [["number", "0.5", 0.5], ["integer", "7", 7], ["integer", "many", "many"], ["number", "NaN", "NaN"],
             ["strings", "END\\n\nb", ["END\n", "b"]], ["strings", "  ", ["  "]], ["text", "", None], ["text", " ", " "], ["object", "{", "{"], ["number", " ", None]]  # fmt: skip
    assert results("parameter_values.js", "valueOf", *([kind, text] for kind, text, _ in meant)) == [
        v for *_, v in meant
    ]
    shown = [each for each in meant if each[2] is not None]
    assert results("parameter_values.js", "textOf", *([kind, value] for kind, _, value in shown)) == [
        t for _, t, _ in shown
    ]
