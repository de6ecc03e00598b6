"""Our own rules: what the catalogue knows, and what misleads at three in the morning."""

import re
from collections.abc import Iterator
from typing import Any

import promql_parser

from outrigger_dashboards.layout import COLUMNS
from outrigger_dashboards.linter.documents import Document, Spot, nodes, spots, tree
from outrigger_dashboards.metrics.catalogue import Catalogue

MOST_PANELS = 20
_SUFFIX = re.compile(r"_(bucket|count|sum)$")
_LEGEND = re.compile(r"{{\s*(\w+)\s*}}")
_GIVEN = {"job", "instance", "le"}
_COMPARISONS = {">", ">=", "<", "<=", "==", "!="}


def few_panels(board: Document) -> Iterator[str]:
    """Not more is drawn at once than a person can look at."""
    shown = [each for each in board.get("panels") or [] if each.get("type") != "row"]
    if len(shown) > MOST_PANELS:
        yield f"draws {len(shown)} panels at once; fold a row"


def unique_ids(board: Document) -> Iterator[str]:
    """Links to panels lead to one panel."""
    seen: set[object] = set()
    for spot in spots(board):
        if spot.panel.get("id") in seen:
            yield f"has two panels with the id {spot.panel.get('id')}"
        seen.add(spot.panel.get("id"))


def within_grid(spot: Spot) -> Iterator[str]:
    """Nothing stands outside the 24 columns."""
    place = spot.panel.get("gridPos") or {}
    if place.get("x", 0) + place.get("w", 0) > COLUMNS:
        yield "stands outside the grid"


def _parsed(text: str) -> list[tuple[Any, tuple[Any, ...]]]:
    try:
        return list(nodes(tree(text)))
    except ValueError:
        return []


def known_metrics(text: str, catalogue: Catalogue) -> Iterator[str]:
    """Every metric is in the catalogue, or is recorded."""
    for node, _ in _parsed(text):
        if isinstance(node, promql_parser.VectorSelector):
            name = node.name or ""
            if ":" not in name and not {name, _SUFFIX.sub("", name)} & catalogue.specs.keys():
                yield f"asks for {name}, which nobody makes"


def rate_before_sum(text: str) -> Iterator[str]:
    """A rate of a sum takes every restart for a jump."""
    for node, above in _parsed(text):
        if isinstance(node, promql_parser.AggregateExpr):
            calls = {each.func.name for each in above if isinstance(each, promql_parser.Call)}
            if calls & {"rate", "irate", "increase"}:
                yield "takes a rate of an aggregation"


def quantile_keeps_le(text: str) -> Iterator[str]:
    """Buckets are only added up when `le` stays."""
    for node, _ in _parsed(text):
        if isinstance(node, promql_parser.Call) and node.func.name == "histogram_quantile":
            inner = node.args[1]
            kept = (
                inner.modifier.labels
                if isinstance(inner, promql_parser.AggregateExpr) and inner.modifier
                else []
            )
            if "le" not in kept:
                yield "loses le on the way to histogram_quantile"


def guarded_division(text: str) -> Iterator[str]:
    """What is divided by is never 0."""
    for node, _ in _parsed(text):
        if isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "/":
            divisor = node.rhs
            while isinstance(divisor, promql_parser.ParenExpr):
                divisor = divisor.expr
            guarded = isinstance(divisor, promql_parser.BinaryExpr) and str(divisor.op) == ">"
            if not guarded and not isinstance(divisor, promql_parser.NumberLiteral):
                yield "divides by what may be 0"


def legend_labels(text: str, legend: str) -> Iterator[str]:
    """A legend only names labels that the result has."""
    grouped: set[str] = set()
    for node, _ in _parsed(text):
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            grouped |= set(node.modifier.labels)
    for label in _LEGEND.findall(legend):
        if label not in grouped and label not in _GIVEN:
            yield f"has a legend of {label!r}, which its result lacks"


def thresholds_on_edges(spot: Spot, catalogue: Catalogue) -> Iterator[str]:
    """Quantiles are only compared with edges of buckets: between them they are guessed."""
    texts = [str(target.get("expr")) for target in spot.targets]
    if not any("histogram_quantile" in text for text in texts):
        return
    steps = (
        ((spot.panel.get("fieldConfig") or {}).get("defaults") or {}).get("thresholds") or {}
    ).get("steps", [])
    names = {
        _SUFFIX.sub("", node.name or "")
        for text in texts
        for node, _ in _parsed(text)
        if isinstance(node, promql_parser.VectorSelector)
    }
    for name in sorted(names & catalogue.specs.keys()):
        edges = catalogue.spec(name).buckets
        for step in steps:
            value = step.get("value")
            if value is not None and value not in edges:
                yield f"has a threshold at {value}, which is no edge of a bucket of {name}"
