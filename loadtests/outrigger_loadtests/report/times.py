"""How often each length of time was seen: a histogram of microseconds that can be added and sent.

Buckets are those of an HDR histogram with two digits: a time is off by less than one in a hundred,
however long it is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil

Times = dict[int, int]
"""Counts by bucket."""

_BITS = 7  # a bucket is at most 1/128 of its time wide
MICROSECOND = 1_000  # in nanoseconds


def bucket_of(nanoseconds: int) -> int:
    """Return the bucket of a length of time."""
    value = max(0, nanoseconds) // MICROSECOND
    shift = max(0, value.bit_length() - _BITS - 1)
    return (shift << (_BITS + 1)) + (value >> shift)


def microseconds_of(bucket: int) -> int:
    """Return the middle of a bucket."""
    shift, value = bucket >> (_BITS + 1), bucket & ((2 << _BITS) - 1)
    return (value << shift) + ((1 << shift) >> 1)


def added(all_: Iterable[Mapping[int, int]]) -> Times:
    """Return one histogram of several."""
    total: Counter[int] = Counter()
    for each in all_:
        total.update(each)
    return dict(total)


def count(times: Mapping[int, int]) -> int:
    """Return how many times there are."""
    return sum(times.values())


def percentile(times: Mapping[int, int], share: float) -> float | None:
    """Return the time in milliseconds that this share of all does not exceed; None of none."""
    wanted = max(1, ceil(share * count(times)))
    seen = 0
    for bucket in sorted(times):
        seen += times[bucket]
        if seen >= wanted:
            return microseconds_of(bucket) / 1_000
    return None


def shares(times: Mapping[int, int]) -> list[tuple[float, float]]:
    """Return, for each bucket, the share of times up to it and its milliseconds."""
    total = count(times)
    seen = 0
    found = []
    for bucket in sorted(times):
        seen += times[bucket]
        found.append((seen / total, microseconds_of(bucket) / 1_000))
    return found
