import random

import pytest

from outrigger_loadtests.report.times import (
    added,
    bucket_of,
    count,
    microseconds_of,
    percentile,
    shares,
)

MICROSECOND = 1_000
HOUR = 3_600 * 10**9


def test_a_bucket_is_within_a_hundredth_of_its_time():
    chance = random.Random(1)
    lengths = [int(10 ** chance.uniform(4, 13)) for _ in range(5_000)]
    for nanoseconds in lengths:
        shown = microseconds_of(bucket_of(nanoseconds)) * MICROSECOND
        assert abs(shown - nanoseconds) <= max(MICROSECOND, nanoseconds / 100)


def test_buckets_are_in_the_order_of_their_times():
    buckets = [bucket_of(each) for each in range(0, 20 * 10**6, 999)]
    assert buckets == sorted(buckets)


def test_there_are_few_buckets_however_long_times_are():
    assert len({bucket_of(each) for each in range(0, HOUR, HOUR // 100_000)}) < 3_000


def test_a_percentile_is_the_time_that_so_many_do_not_exceed():
    times = added({bucket_of(each * 1_000_000): 1} for each in range(1, 101))
    assert count(times) == 100
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        assert percentile(times, share) == pytest.approx(100 * share, rel=0.01)
    assert percentile({}, 0.5) is None


def test_shares_grow_up_to_all():
    times = {bucket_of(1_000_000): 3, bucket_of(9_000_000): 1}
    assert [share for share, _ in shares(times)] == [0.75, 1.0]
