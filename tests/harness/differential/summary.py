"""Sums up a comparison, route by route: what `docs/compatibility.json` holds."""

from collections.abc import Iterable, Sequence
from typing import Any

from harness.differential.chosen import Chosen, first_covering
from harness.differential.compare import Difference
from harness.differential.routes import NOT_YET, Route, asks_of, route_of
from harness.differential.session import Compared

ASPECTS = ("status", "headers", "body", "frames")
UNLISTED = "differs"


def summary(
    compared: Iterable[Compared], routes: list[Route], table: Sequence[Chosen]
) -> list[dict[str, Any]]:
    """One row for each route, in the order of the description.

    A row counts its calls and names the decisions by which each aspect of an answer differs.
    """
    rows = {route: _Row(route) for route in routes}
    for each in compared:
        for number, ask in enumerate(asks_of(each.case), start=1):
            route = route_of(ask, routes) if ask is not None else None
            if route is not None:
                found = [one for one in each.differences if one.step == number]
                rows[route].add(each.official[number - 1], found, table)
    return [row.as_json() for row in rows.values()]


class _Row:
    """What was seen of one route."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._calls = 0
        self._aspects: set[str] = set()
        self._decisions: dict[str, set[str]] = {aspect: set() for aspect in ASPECTS}

    def add(
        self, answer: dict[str, Any], found: Sequence[Difference], table: Sequence[Chosen]
    ) -> None:
        self._calls += 1
        self._aspects |= answer.keys() & set(ASPECTS)
        for difference in found:
            chosen = first_covering(difference, table)
            aspect = difference.place.partition(".")[0]
            aspect = aspect if aspect in ASPECTS else "status"
            self._decisions[aspect].add(chosen.decision if chosen else UNLISTED)
            self._aspects.add(aspect)

    def as_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {"method": self._route.method, "path": self._route.path}
        if (self._route.method, self._route.path) in NOT_YET:
            return row | {"served": False}
        differing = {
            aspect: sorted(self._decisions[aspect]) for aspect in ASPECTS if aspect in self._aspects
        }
        return row | {"served": True, "calls": self._calls, "differing": differing}
