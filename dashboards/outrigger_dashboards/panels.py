"""Panels, rows and boards as values; nothing here knows Grafana."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from outrigger_dashboards.promql.expression import Expression

Kind = Literal["stat", "lines", "stacked", "heatmap", "bars", "states"]
GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel and how its series are called."""

    expression: Expression
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From this value on the colour changes; None is the beginning."""

    value: float | None
    colour: str


@dataclass(frozen=True, slots=True)
class Target:
    """Where a click leads: a board, and on it a panel."""

    board: str
    panel: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture that answers one question.

    Attributes:
        key: Name within its board; its id comes from it and survives any move.
        description: What it shows, and what a bad value means.
        thresholds: Where the colour changes; edges of buckets for quantiles.
        quiet: What has to happen before it shows anything; empty when it always does.
        excluded: Rules of the linter that do not hold here, each with its reason.
    """

    key: str
    title: str
    description: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    width: int = 8
    height: int = 8
    thresholds: tuple[Threshold, ...] = ()
    leads_to: Target | None = None
    minimum: float | None = 0
    maximum: float | None = None
    quiet: str = ""
    excluded: tuple[tuple[str, str], ...] = ()

    @property
    def id(self) -> int:
        """A number that stays when panels are added, moved or taken away."""
        return zlib.crc32(self.key.encode()) % 1_000_000 + 1


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading; a folded row asks nothing of Prometheus until it is opened."""

    title: str
    panels: tuple[Panel, ...]
    folded: bool = False

    @property
    def id(self) -> int:
        """As for panels; no panel's key begins like this."""
        return zlib.crc32(f"row {self.title}".encode()) % 1_000_000 + 1


@dataclass(frozen=True, slots=True)
class Board:
    """One question, tiles that answer it at a glance, and rows that say why."""

    uid: str
    title: str
    question: str
    tiles: tuple[Panel, ...]
    rows: tuple[Row, ...]

    def panels(self) -> Iterator[Panel]:
        """Give every panel, also those in folded rows."""
        yield from self.tiles
        for row in self.rows:
            yield from row.panels

    def visible_panels(self) -> int:
        """Count what Grafana draws when the board is opened."""
        return len(self.tiles) + sum(len(row.panels) for row in self.rows if not row.folded)


def tile(  # noqa: PLR0913  a line of each board reads best with all of it named
    key: str,
    title: str,
    description: str,
    expression: Expression,
    *thresholds: Threshold,
    leads_to: Target | None = None,
    quiet: str = "",
    excluded: tuple[tuple[str, str], ...] = (),
) -> Panel:
    """Make one of the big numbers on top of a board."""
    return Panel(
        key=key,
        title=title,
        description=description,
        queries=(Query(expression),),
        kind="stat",
        width=3,
        height=4,
        thresholds=thresholds,
        leads_to=leads_to,
        minimum=None,
        quiet=quiet,
        excluded=excluded,
    )


def bad_above(warning: float | None, critical: float) -> tuple[Threshold, ...]:
    """Green, yellow from `warning` on, red from `critical` on."""
    middle = () if warning is None else (Threshold(warning, YELLOW),)
    return (Threshold(None, GREEN), *middle, Threshold(critical, RED))


def bad_below(critical: float, warning: float) -> tuple[Threshold, ...]:
    """Red, yellow from `critical` on, green from `warning` on."""
    return (Threshold(None, RED), Threshold(critical, YELLOW), Threshold(warning, GREEN))
