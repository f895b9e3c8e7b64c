import pytest

from chat_app.errors import ModelFailed
from chat_app.gateway.breaker import Breaker


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def breaker(clock) -> Breaker:
    return Breaker(failures=3, rest_s=10, clock=clock)


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed(ModelFailed("no"))


def _probe(breaker: Breaker, clock: _Clock) -> None:
    """It failed, and has had its rest: one call goes."""
    _fail(breaker, 3)
    clock.now += 10
    assert breaker.admits()


def test_failures_in_a_row_open_it_and_others_do_not(breaker):
    _fail(breaker, 2)
    breaker.succeeded()
    _fail(breaker, 2)
    assert breaker.admits()
    breaker.failed(ModelFailed("no"))
    assert not breaker.admits()
    assert breaker.state == "open"


def test_after_a_rest_one_call_goes_as_a_probe(breaker, clock):
    _fail(breaker, 3)
    clock.now += 9.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.state == "probing"
    assert [breaker.admits() for _ in range(3)] == [True, False, False]


def test_a_probe_that_is_answered_closes_it(breaker, clock):
    _probe(breaker, clock)
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_a_probes_first_word_lets_the_others_come_and_a_failure_after_it_keeps_them_away_again(breaker, clock):
    _probe(breaker, clock)
    breaker.began()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]
    breaker.failed(ModelFailed("no"))
    assert not breaker.admits()


def test_a_probe_that_fails_opens_it_again_for_a_whole_rest(breaker, clock):
    _probe(breaker, clock)
    clock.now += 5
    breaker.failed(ModelFailed("no"))
    clock.now += 9.9
    assert not breaker.admits()
    clock.now += 0.1
    assert breaker.admits()


def test_what_its_last_failure_was_is_told_anew_each_time_and_forgotten_when_it_is_well(breaker):
    failure = ModelFailed("no", detail="d", retry_after_s=3)
    try:
        raise failure
    except ModelFailed:
        breaker.failed(failure)
    told = breaker.why()

    assert (type(told), str(told), told.detail, told.retry_after_s) == (ModelFailed, "no", "d", 3)
    assert (told is breaker.why(), told.__traceback__) == (False, None)
    breaker.succeeded()
    assert breaker.why() is None


def test_a_probe_that_never_tells_is_given_up(breaker, clock):
    _probe(breaker, clock)
    clock.now += 10
    assert breaker.admits()
