"""Where an expression is drawn: its catalogue, its selectors, its windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from outrigger_dashboards.metrics.catalogue import Catalogue

RATE_INTERVAL = "$__rate_interval"
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def shown_duration(seconds: float) -> str:
    """Write a duration as Prometheus does: 90 s is `90s`, an hour `1h`."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{max(1, round(seconds * 1000))}ms"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression takes from its surroundings.

    Attributes:
        catalogue: Where names are looked up.
        matchers: Put into every selector.
        label_matchers: Put into the selectors of metrics that have the label.
        group: Labels that every aggregation keeps, as rules do.
        apart: Metrics that are scraped elsewhere: the matchers are not theirs.
        window: The range where none is given.
        time_scale: Factor of all given ranges; tests run rules faster with it.
    """

    catalogue: Catalogue
    matchers: tuple[str, ...] = ()
    label_matchers: Mapping[str, str] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    apart: frozenset[str] = frozenset()
    window: str = RATE_INTERVAL
    time_scale: float = 1.0

    def range(self, seconds: float | None) -> str:
        """Write the range between the brackets: the given one, scaled, or the surroundings'."""
        return self.window if seconds is None else shown_duration(seconds * self.time_scale)
