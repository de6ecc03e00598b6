import random

import pytest

from outrigger_loadtests.report.comparison.rule import Change, Figure, change_of, loss_of

TRIALS = 4_000


def capacity(*repeats):
    return Figure("capacity enqueue", "/s", repeats, more_is_better=True)


def milliseconds(*repeats):
    return Figure("accept", "ms", repeats, more_is_better=False, least=5.0, essential=False)


def measured(chance, value, noise, repeats=3):
    return capacity(*(value * (1 + chance.uniform(-noise, noise)) for _ in range(repeats)))


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.04])
def test_a_loss_of_a_fifth_is_found_where_repeats_agree(noise):
    chance = random.Random(1)
    changes = [
        change_of(measured(chance, 100, noise), measured(chance, 80, noise)) for _ in range(TRIALS)
    ]
    assert set(changes) == {Change.WORSE}


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.05])
def test_the_same_build_is_never_worse_where_repeats_agree(noise):
    chance = random.Random(2)
    changes = {
        change_of(measured(chance, 100, noise), measured(chance, 100, noise)) for _ in range(TRIALS)
    }
    assert changes == {Change.SAME}


@pytest.mark.parametrize("noise", [0.1, 0.2, 0.3, 0.5])
def test_the_same_build_is_hardly_ever_worse_on_a_machine_that_swings(noise):
    chance = random.Random(3)
    changes = [
        change_of(measured(chance, 100, noise), measured(chance, 100, noise)) for _ in range(TRIALS)
    ]
    assert changes.count(Change.WORSE) < TRIALS / 90


@pytest.mark.parametrize("noise", [0.1, 0.2, 0.3])
def test_a_loss_of_a_fifth_is_found_or_in_doubt_on_a_machine_that_swings(noise):
    chance = random.Random(4)
    changes = [
        change_of(measured(chance, 100, noise), measured(chance, 80, noise)) for _ in range(TRIALS)
    ]
    found = changes.count(Change.WORSE) + changes.count(Change.NOISY)
    assert found > 0.85 * TRIALS


def test_where_repeats_are_far_apart_nothing_is_told():
    assert change_of(capacity(60, 100, 130), capacity(70, 80, 120)) is Change.NOISY
    assert change_of(capacity(100, 101, 102), capacity(70, 95, 110)) is Change.NOISY


def test_a_loss_larger_than_any_noise_is_told_also_there():
    assert change_of(capacity(80, 100, 120), capacity(20, 22, 25)) is Change.WORSE
    assert change_of(capacity(20, 22, 25), capacity(80, 100, 110)) is Change.BETTER


def test_losing_everything_is_worse_and_having_nothing_twice_is_the_same():
    assert change_of(capacity(100, 100, 100), capacity(0, 0, 0)) is Change.WORSE
    assert change_of(capacity(0, 0, 0), capacity(0, 0, 0)) is Change.SAME
    assert change_of(capacity(0, 0, 0), capacity(9, 9, 9)) is Change.BETTER


def test_a_longer_time_is_worse_unless_nobody_would_notice():
    assert change_of(milliseconds(100, 101, 102), milliseconds(121, 122, 123)) is Change.WORSE
    assert change_of(milliseconds(121, 122, 123), milliseconds(100, 101, 102)) is Change.BETTER
    assert change_of(milliseconds(2.0, 2.0, 2.1), milliseconds(4.0, 4.1, 4.2)) is Change.SAME
    assert change_of(milliseconds(1.0, 2.0, 2.1), milliseconds(1.0, 2.1, 3.0)) is Change.SAME


def test_two_repeats_are_too_few():
    assert change_of(capacity(100, 100), capacity(50, 50, 50)) is Change.UNKNOWN


def test_a_loss_is_a_share_of_the_base():
    assert loss_of(capacity(100, 100, 100), capacity(80, 80, 80)) == pytest.approx(0.2)
    assert loss_of(milliseconds(10, 10, 10), milliseconds(12, 12, 12)) == pytest.approx(0.2)
