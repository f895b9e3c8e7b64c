from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chat_app.gateway.router import in_order

names = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=6, unique=True)


def _order(weights: dict[str, float], affinity: str) -> list[str]:
    return in_order(weights, affinity, name=str, weight=weights.__getitem__)


def test_a_canary_gets_its_share():
    weights = {"stable": 95.0, "canary": 5.0}
    first = Counter(_order(weights, f"conversation {number}")[0] for number in range(10_000))

    assert 0.04 <= first["canary"] / 10_000 <= 0.06


@given(names, st.text(), st.randoms())
def test_a_conversation_keeps_its_order_however_the_deployments_are_listed(found, affinity, chance):
    weights = dict.fromkeys(found, 1.0)
    before = _order(weights, affinity)
    chance.shuffle(found)

    assert _order(dict.fromkeys(found, 1.0), affinity) == before


@given(names, st.text(), st.data())
def test_when_one_goes_only_its_own_conversations_move(found, affinity, data):
    gone = data.draw(st.sampled_from(found))
    before = _order(dict.fromkeys(found, 1.0), affinity)
    after = _order(dict.fromkeys(set(found) - {gone}, 1.0), affinity)

    assert after == [name for name in before if name != gone]


@given(names, st.text(), st.data())
def test_more_weight_never_takes_a_conversation_away(found, affinity, data):
    grown = data.draw(st.sampled_from(found))
    before = _order(dict.fromkeys(found, 1.0), affinity)
    after = _order(dict.fromkeys(found, 1.0) | {grown: 3.0}, affinity)

    assert after.index(grown) <= before.index(grown)


def test_what_has_no_weight_takes_no_calls():
    assert _order({"off": 0.0, "on": 1.0}, "x") == ["on"]
