"""Draws a whole board, and sets right what the SDK leaves behind."""

import json
from collections.abc import Mapping
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, GridPos

from outrigger_dashboards.drawing.panel import drawn_panel
from outrigger_dashboards.drawing.variables import (
    ASSISTANT,
    MATCHERS,
    datasource_variable,
    query_variables,
)
from outrigger_dashboards.errors import BrokenPart, WrongUse
from outrigger_dashboards.layout import COLUMNS, PlacedRow, placed
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.metrics.load_test import LOAD_TEST
from outrigger_dashboards.panels import Board, Target
from outrigger_dashboards.promql.scope import Scope

TAG = "outrigger"
REFRESH = "30s"


def panel_scope(catalogue: Catalogue) -> Scope:
    """Make the scope of panels: the variables in every selector, Grafana's own range."""
    return Scope(
        catalogue,
        matchers=MATCHERS,
        label_matchers={"assistant": ASSISTANT},
        apart=frozenset(spec.name for spec in LOAD_TEST),
    )


def panel_ids(boards: tuple[Board, ...]) -> dict[Target, int]:
    """Give every board and every panel that a link may lead to.

    Raises:
        BrokenPart: Two panels of a board have one id.
    """
    ids: dict[Target, int] = {}
    for board in boards:
        ids[Target(board.uid)] = 0
        taken = {row.id: row.title for row in board.rows}
        for panel in board.panels():
            if panel.id in taken:
                clash = WrongUse(f"has the id of {taken[panel.id]!r}; change its key")
                raise BrokenPart(f"{board.title}: panel {panel.title!r}", clash)
            taken[panel.id] = panel.title
            ids[Target(board.uid, panel.key)] = panel.id
    return ids


def drawn_board(board: Board, scope: Scope, ids: Mapping[Target, int]) -> str:
    """Draw a board as JSON: the same text for the same board, always."""
    place = placed(board)
    builder = (
        Dashboard(board.title)
        .uid(board.uid)
        .description(board.question)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .refresh(REFRESH)
        .time("now-1h", "now")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_other_boards())
        .with_variable(datasource_variable())
    )
    for variable in query_variables():
        builder.with_variable(variable)
    drawn = _Grid(board, scope, ids, builder)
    for panel, where in zip(board.tiles, place.tiles, strict=True):
        builder.with_panel(drawn_panel(board.title, panel, where, scope, ids))
    for row in place.rows:
        drawn.add_row(row)
    document = json.loads(JSONEncoder().encode(builder.build()))
    return json.dumps(_cleaned(document), sort_keys=True, indent=2) + "\n"


class _Grid:
    """Adds rows to a board; those of the SDK would be laid out by itself."""

    def __init__(
        self, board: Board, scope: Scope, ids: Mapping[Target, int], builder: Dashboard
    ) -> None:
        self._board, self._scope, self._ids, self._builder = board, scope, ids, builder

    def add_row(self, placed_row: PlacedRow) -> None:
        """Add the heading, and the panels into it when it is folded, else below it."""
        row = placed_row.row
        heading = Row(row.title).id(row.id).collapsed(row.folded)
        heading.grid_pos(GridPos(x=0, y=placed_row.y, w=COLUMNS, h=1))
        drawn = [
            drawn_panel(self._board.title, panel, place, self._scope, self._ids)
            for panel, place in zip(row.panels, placed_row.places, strict=True)
        ]
        if row.folded:
            for panel in drawn:
                heading.with_panel(panel)
        self._builder.with_row(heading)
        if not row.folded:
            for panel in drawn:
                self._builder.with_panel(panel)


def _other_boards() -> DashboardLink:
    return (
        DashboardLink("Boards")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
    )


def _cleaned(value: Any) -> Any:
    """Take out `placement`, which only Grafana's newer schemas know."""
    if isinstance(value, dict):
        return {
            key: _cleaned(inner)
            for key, inner in value.items()
            if not (key == "placement" and inner == "inControlsMenu")
        }
    return [_cleaned(each) for each in value] if isinstance(value, list) else value
