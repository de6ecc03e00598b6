"""Counters of one process: what has run out is forgotten, and there are never too many."""

import pytest

from outrigger_server.brokers.in_process import InProcessCounters


@pytest.fixture
def counters(clock):
    return InProcessCounters(clock, most=3)


async def test_a_number_is_kept_for_its_time_and_forgotten_as_others_are_counted(counters, clock):
    await counters.count("a", 1, 60)
    clock.turn(59)
    await counters.count("b", 1, 60)
    assert await counters.count("a", 1, 60) == 2
    clock.turn(1)
    await counters.count("c", 1, 60)
    assert len(counters._counts) == 2
    assert await counters.count("a", 1, 60) == 1


async def test_times_of_different_lengths_end_each_in_their_turn(counters, clock):
    await counters.count("long", 1, 3600)
    await counters.count("short", 1, 1)
    clock.turn(2)
    await counters.count("new", 1, 60)
    assert set(counters._counts) == {"long", "new"}


async def test_with_too_many_the_oldest_begins_anew(counters):
    for key in ("a", "b", "c", "d"):
        await counters.count(key, 1, 60)
    assert len(counters._counts) == 3
    assert await counters.count("d", 1, 60) == 2
    assert await counters.count("a", 1, 60) == 1
