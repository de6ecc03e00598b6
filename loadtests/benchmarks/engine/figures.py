"""Turns measured numbers into figures: percentiles, and medians over rounds with their range."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

PERCENTS = (50, 95, 99)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` % of them do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    """Return the percentiles in milliseconds by name; none of no values."""
    if not seconds:
        return {}
    return {f"p{percent}_ms": percentile(seconds, percent) * 1000 for percent in PERCENTS}


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds' values, and the lowest and highest of them."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return the median and range of the values that are there, or None without any."""
    there = [each for each in values if each is not None]
    return Spread(statistics.median(there), min(there), max(there)) if there else None


def ratio(dividend: float | None, divisor: float | None) -> float | None:
    """Return how many times the divisor the dividend is, or None when either is missing."""
    return dividend / divisor if dividend is not None and divisor else None
