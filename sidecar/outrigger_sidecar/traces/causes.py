"""Finds where in a trace something began that every run around it also reports."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

MAX_KEPT = 1000

Where = TypeVar("Where")


@dataclass(slots=True)
class Causes(Generic[Where]):
    """Reports of one kind in one trace, by place.

    A place is a run's `dotted_order`: that of a run inside begins with that of the one around
    it. An interrupt is reported by the node that asks and by every node around it, in any order
    of arrival, so who began is known when the trace has ended.
    """

    _reports: dict[str, Where] = field(default_factory=dict)
    _settled: bool = False

    def report(self, place: str, where: Where) -> bool:
        """Take note; True when it is to be counted at once: a cause that came after the end."""
        inside = place + "."
        late = self._settled and not any(
            known.startswith(inside) or inside.startswith(known) for known in self._reports
        )
        if len(self._reports) < MAX_KEPT:
            self._reports[inside] = where
        return late

    def settle(self) -> Iterator[Where]:
        """Give each innermost report, once."""
        if self._settled:
            return
        self._settled = True
        # What begins with a place comes right behind it.
        for place, following in pairwise([*sorted(self._reports), ""]):
            if not following.startswith(place):
                yield self._reports[place]
