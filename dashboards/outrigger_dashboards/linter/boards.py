"""Applies every rule to every board. Exclusions stand with the panel, each with its reason."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.linter import own_rules as own
from outrigger_dashboards.linter.documents import Document, Spot, spots
from outrigger_dashboards.linter.grafana_rules import BOARD_RULES, PANEL_RULES
from outrigger_dashboards.linter.query_rules import QUERY_RULES
from outrigger_dashboards.metrics.catalogue import Catalogue, full_catalogue

Exclusions = Mapping[tuple[str, int], frozenset[str]]


def exclusions() -> dict[tuple[str, int], frozenset[str]]:
    """Give the rules that do not hold for a panel, by board and the panel's id."""
    return {
        (board.uid, panel.id): frozenset(rule for rule, _ in panel.excluded)
        for board in BOARDS
        for panel in board.panels()
        if panel.excluded
    }


def lint_files(folder: Path) -> list[str]:
    """Lint every board in the folder; tell each fault with board, panel and rule."""
    catalogue, excluded = full_catalogue(), exclusions()
    faults: list[str] = []
    for path in sorted(folder.glob("*.json")):
        faults += lint(json.loads(path.read_text(encoding="utf-8")), catalogue, excluded)
    return faults


def lint(board: Document, catalogue: Catalogue, excluded: Exclusions) -> list[str]:
    """Lint one board."""
    uid = str(board.get("uid"))
    faults = [
        f"{uid}: {rule}: {fault}" for rule, check in BOARD_RULES.items() for fault in check(board)
    ]
    faults += [f"{uid}: few-panels: {fault}" for fault in own.few_panels(board)]
    faults += [f"{uid}: unique-ids: {fault}" for fault in own.unique_ids(board)]
    for spot in spots(board):
        skipped = excluded.get((uid, int(spot.panel.get("id") or 0)), frozenset())
        faults += [
            f"{spot.name}: {rule}: {fault}"
            for rule, fault in _of_panel(spot, catalogue)
            if rule not in skipped
        ]
    return faults


def _of_panel(spot: Spot, catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for rule, check in PANEL_RULES.items():
        yield from ((rule, fault) for fault in check(spot))
    yield from (("within-grid", fault) for fault in own.within_grid(spot))
    yield from (
        ("thresholds-on-edges", fault) for fault in own.thresholds_on_edges(spot, catalogue)
    )
    for target in spot.targets:
        for rule, ask in QUERY_RULES.items():
            yield from ((rule, fault) for fault in ask(target))
        text, legend = str(target.get("expr")), str(target.get("legendFormat") or "")
        yield from (("known-metrics", fault) for fault in own.known_metrics(text, catalogue))
        yield from (("rate-before-sum", fault) for fault in own.rate_before_sum(text))
        yield from (("quantile-keeps-le", fault) for fault in own.quantile_keeps_le(text))
        yield from (("guarded-division", fault) for fault in own.guarded_division(text))
        yield from (("legend-labels", fault) for fault in own.legend_labels(text, legend))
