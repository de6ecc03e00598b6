"""From values to places in a drawing, and where the lines of its grid go."""

from dataclasses import dataclass
from math import ceil, floor, log10

from outrigger_loadtests.report.text import NOTHING

_STEPS = (1, 2, 2.5, 5, 10)
_CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True)
class Scale:
    """Values from `start` to `stop` at places from `begin` to `end`; outside goes to the edge."""

    start: float
    stop: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value."""
        span = self.stop - self.start or 1
        share = min(1.0, max(0.0, (value - self.start) / span))
        return self.begin + share * (self.end - self.begin)


def ticks(most: float, wanted: int = 4) -> list[float]:
    """Return round values from 0 up to the first one that is not below `most`."""
    if most <= 0:
        return [0.0, 1.0]
    rough = most / wanted
    size = 10.0 ** floor(log10(rough))
    step = next(each * size for each in _STEPS if each * size >= rough * (1 - 1e-9))
    return [number * step for number in range(ceil(most / step - 1e-9) + 1)]


def clock_ticks(seconds: float, wanted: int = 8) -> list[float]:
    """Return round times from 0 to at most `seconds`."""
    step = next((each for each in _CLOCK_STEPS if each * wanted >= seconds), _CLOCK_STEPS[-1])
    if seconds < 1:
        return [0.0, seconds]
    return [float(each) for each in range(0, floor(seconds) + 1, step)]


def clock(seconds: float) -> str:
    """Return a time as it stands under a plot: `40 s`, `3:20`, `1:05:00`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  seconds of a minute
        return f"{seconds:g} s" if seconds < 1 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def milliseconds(value: float | None) -> str:
    """Return a length of time as people say it."""
    if value is None:
        return NOTHING
    if value >= 10_000:  # noqa: PLR2004  ten seconds
        return f"{value / 1000:.1f} s"
    if value >= 100:  # noqa: PLR2004
        return f"{value:,.0f} ms"
    return f"{value:.3g} ms"


def number(value: float) -> str:
    """Return a number without needless digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004
