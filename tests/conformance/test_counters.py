"""Counters of every broker: one number for all processes."""

import asyncio


async def test_a_number_is_counted_up_and_down_by_everybody(open_broker):
    counters = (await open_broker()).counters
    assert [await counters.count("a", amount, 60) for amount in (1, 1, 5, -5, 1)] == [1, 2, 7, 2, 3]


async def test_another_key_is_another_number(open_broker):
    counters = (await open_broker()).counters
    assert [await counters.count(key, 1, 60) for key in "abab"] == [1, 1, 2, 2]


async def test_who_counts_at_once_gets_different_numbers(open_broker):
    counters = (await open_broker()).counters
    counted = await asyncio.gather(*(counters.count("a", 1, 60) for _ in range(50)))
    assert sorted(counted) == list(range(1, 51))
