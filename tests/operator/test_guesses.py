"""How guessing the operator's password is slowed down: for each source and for all together, on a clock that the test sets."""

import threading
from collections.abc import Callable

import pytest

from hubinfo.operator.guesses import FREE, FREE_IN_TOTAL, Guesses, Judged

HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"


def no() -> bool:
    return False


def yes() -> bool:
    return True


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guesses(clock: Clock) -> Guesses:
    return Guesses(clock)


def wait(guesses: Guesses, source: str = HERE) -> float:
    """How long the next attempt has to wait; it is not looked at."""

    def never() -> bool:
        raise AssertionError

    try:
        return guesses.judge(source, never).wait_seconds
    except AssertionError:
        return 0.0


def waits(guesses: Guesses, clock: Clock, times: int, source: str = HERE) -> list[float]:
    """The wait after each wrong one, when every wait is sat out."""
    found = []
    for _ in range(times):
        assert guesses.judge(source, no) == Judged(is_right=False)
        found.append(wait(guesses, source))
        clock.time += found[-1]
    return found


def test_the_wait_grows_up_to_a_minute(guesses: Guesses, clock: Clock) -> None:
    assert waits(guesses, clock, 12) == [0, 0, 0, 0, 4, 8, 16, 32, 60, 60, 60, 60]


def test_it_is_over_after_its_time(guesses: Guesses, clock: Clock) -> None:
    waits(guesses, clock, 5)
    assert wait(guesses) == 0


def test_the_right_password_ends_the_row_of_its_own_source(guesses: Guesses, clock: Clock) -> None:
    waits(guesses, clock, 8)
    assert guesses.judge(HERE, yes).is_right
    assert waits(guesses, clock, 5) == [0, 0, 0, 0, 4]


def test_the_right_password_from_elsewhere_ends_nothing(guesses: Guesses, clock: Clock) -> None:
    found = []
    for _ in range(6):
        found += waits(guesses, clock, 1)
        assert guesses.judge(ELSEWHERE, yes).is_right
    assert found == [0, 0, 0, 0, 4, 8]


def test_a_source_is_not_held_up_by_another(guesses: Guesses) -> None:
    for _ in range(FREE):
        guesses.judge(HERE, no)
    assert wait(guesses, HERE) > 0
    assert guesses.judge(ELSEWHERE, yes) == Judged(is_right=True)


@pytest.mark.parametrize("source", [lambda number: HERE, lambda number: f"192.0.2.{number % 250}"], ids=["one", "many"])
def test_in_total_so_many_are_free_whatever_right_ones_come_between(
    guesses: Guesses, clock: Clock, source: Callable[[int], str]
) -> None:
    """From one address, as behind a proxy: four wrong ones, then the operator, for ever."""
    wrong = 0
    for number in range(1000):
        judged = guesses.judge(source(number), yes if number % FREE == FREE - 1 else no)
        if judged.wait_seconds:
            break
        wrong += not judged.is_right
    assert wrong == FREE_IN_TOTAL
    assert wait(guesses, "198.51.100.1") > 0


def test_a_quiet_minute_ends_every_row(guesses: Guesses, clock: Clock) -> None:
    waits(guesses, clock, 8)
    clock.time += 61
    assert waits(guesses, clock, 5) == [0, 0, 0, 0, 4]


def test_side_by_side_no_more_are_looked_at_than_one_after_the_other(guesses: Guesses) -> None:
    looked_at, start = list[int](), threading.Barrier(16)

    def is_right() -> bool:
        looked_at.append(1)
        threading.Event().wait(0.01)
        return False

    def attempt() -> None:
        start.wait()
        guesses.judge(HERE, is_right)

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looked_at) == FREE
