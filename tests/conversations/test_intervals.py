import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_app.conversations.intervals import share


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_it_is_that_of_newcombes_table(successes, trials, low, high):
    """R. G. Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I, method 3."""
    found = share(successes, trials)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_its_ends_are_the_shares_that_a_score_test_would_just_not_reject(counted):
    """The interval is the score test turned round: there the share is 1.96 standard errors of the end away from it."""
    successes, trials = counted
    found = share(successes, trials)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for end in (found.low, found.high):
        error = (end * (1 - end) / trials) ** 0.5
        assert abs(found.value - end) == pytest.approx(1.959964 * error, rel=1e-4, abs=1e-9)


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_it_is_the_same_for_what_failed_and_narrower_with_more_trials(trials, successes):
    successes = min(successes, trials)
    found, failed, more = (
        share(successes, trials),
        share(trials - successes, trials),
        share(10 * successes, 10 * trials),
    )
    assert (1 - failed.high, 1 - failed.low) == pytest.approx((found.low, found.high), abs=1e-9)
    assert more.high - more.low < found.high - found.low


def test_of_nothing_there_is_no_share():
    assert share(0, 0) is None
