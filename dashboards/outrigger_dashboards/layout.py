"""Puts panels on Grafana's grid of 24 columns: tiles in one line, then rows, none overflows."""

from collections.abc import Sequence
from dataclasses import dataclass

from outrigger_dashboards.errors import WrongUse
from outrigger_dashboards.panels import Board, Panel, Row

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands, in columns and lines of the grid."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row, its heading's line, and the place of each of its panels."""

    row: Row
    y: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class PlacedBoard:
    """A board and the place of everything on it."""

    board: Board
    tiles: tuple[Place, ...]
    rows: tuple[PlacedRow, ...]


def placed(board: Board) -> PlacedBoard:
    """Find a place for every panel of the board."""
    tiles, line = _flow(board.tiles, 0)
    rows = []
    for row in board.rows:
        places, below = _flow(row.panels, line + 1)
        rows.append(PlacedRow(row, line, tuple(places)))
        line = line + 1 if row.folded else below
    return PlacedBoard(board, tuple(tiles), tuple(rows))


def _flow(panels: Sequence[Panel], line: int) -> tuple[list[Place], int]:
    """Fill lines from left to right; return the places and the first free line."""
    places: list[Place] = []
    x, height = 0, 0
    for panel in panels:
        if not 1 <= panel.width <= COLUMNS:
            msg = f"is {panel.width} columns wide; the grid has {COLUMNS}"
            raise WrongUse(msg)
        if x + panel.width > COLUMNS:
            line, x, height = line + height, 0, 0
        places.append(Place(x, line, panel.width, panel.height))
        x, height = x + panel.width, max(height, panel.height)
    return places, line + height
