"""Latencies between fixed bounds: as the other histograms count them, and as they add up."""

from hypothesis import given
from hypothesis import strategies as some

from outrigger_loadtests.measures.buckets import BOUNDS, Buckets, added

LATENCY = some.integers(0, 400_000_000_000)
COUNTED = some.lists(some.tuples(some.sampled_from("abc"), some.sampled_from("xy"), LATENCY))


def counted(latencies: list[tuple[str, str, int]]) -> Buckets:
    buckets = Buckets()
    for operation, strategy, nanoseconds in latencies:
        buckets.record(operation, strategy, nanoseconds)
    return buckets


def test_a_latency_on_a_bound_is_within_it() -> None:
    buckets = counted([("total", "enqueue", int(each * 1e9)) for each in BOUNDS])
    (spread,) = buckets.spreads()
    assert spread.counts == [*(1 for _ in BOUNDS), 0]


def test_what_is_over_every_bound_is_counted_too() -> None:
    (spread,) = counted([("total", "enqueue", 301_000_000_000)]).spreads()
    assert spread.counts == [*(0 for _ in BOUNDS), 1]
    assert spread.seconds == 301


@given(COUNTED)
def test_every_latency_is_in_one_bucket_of_its_own_key(
    latencies: list[tuple[str, str, int]],
) -> None:
    spreads = {(each.operation, each.strategy): each for each in counted(latencies).spreads()}
    assert spreads.keys() == {(operation, strategy) for operation, strategy, _ in latencies}
    for key, spread in spreads.items():
        mine = [each[2] / 1e9 for each in latencies if each[:2] == key]
        assert sum(spread.counts) == len(mine)
        for number, bound in enumerate(BOUNDS, 1):
            assert sum(spread.counts[:number]) == sum(each <= bound for each in mine)


@given(COUNTED, COUNTED)
def test_two_workers_added_are_one_that_counted_all(
    here: list[tuple[str, str, int]], there: list[tuple[str, str, int]]
) -> None:
    both = added(counted(here).spreads(), counted(there).spreads())
    whole = counted(here + there).spreads()
    assert [(each.operation, each.strategy, each.counts) for each in both] == [
        (each.operation, each.strategy, each.counts) for each in whole
    ]
