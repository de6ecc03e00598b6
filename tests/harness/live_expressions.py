"""Expressions as Grafana and Prometheus ask them, with values in the place of variables."""

import time
from collections.abc import Collection, Iterator
from typing import Any

import promql_parser

from harness.boards import Asked, boards
from harness.prometheus import Prometheus, is_finite
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.config import Config
from outrigger_dashboards.linter.documents import nodes, spots
from outrigger_dashboards.metrics.catalogue import full_catalogue
from outrigger_dashboards.rules.catalogue import all_groups
from outrigger_dashboards.rules.model import Alert
from outrigger_dashboards.rules.prometheus import rule_scope

RATE_INTERVAL = "2m"
_VALUES = {
    "$__interval": "1s",
    '"$job"': '".+"',
    '"$instance"': '".+"',
    '"$assistant"': '".+"',
}
QUIET_ALERTS = {
    "LabelOverflow": "a label has more than 100 values",
    "LLMRateLimited": "traces reach the sidecar",
    "CostAnomaly": "traces reach the sidecar",
    "RecursionLimit": "a traced graph runs into its recursion limit",
}
"""Alerts that look at open labels alone, which have no series before there is something."""
_COMPARISONS = {">", ">=", "<", "<=", "=="}


def asked_live(text: str, rate_interval: str = RATE_INTERVAL) -> str:
    """The expression with all of everything chosen."""
    text = text.replace("$__rate_interval", rate_interval)
    for name, value in _VALUES.items():
        text = text.replace(name, value)
    assert "$" not in text, text
    return text


def asked_by_panels() -> list[Asked]:
    """What every panel asks, with why it may be quiet."""
    quiet = {(board.uid, panel.id): panel.quiet for board in BOARDS for panel in board.panels()}
    return [
        Asked(
            f"{spot.name} {target['refId']}",
            asked_live(target["expr"]),
            quiet[(uid, spot.panel["id"])],
        )
        for uid, board in boards().items()
        for spot in spots(board)
        for target in spot.targets
    ]


def asked_by_rules(config: Config) -> list[Asked]:
    """What every recording rule makes, and what every alert compares with its limit.

    An alert itself is empty on a healthy system; what it looks at never is.
    """
    scope = rule_scope(full_catalogue(), config)
    found = []
    for group in all_groups(config):
        for rule in group.rules:
            text = rule.expression.draw(scope).text
            if isinstance(rule, Alert):
                name = " ".join((f"alert {rule.full_name}", *rule.extra.values()))
                quiet = QUIET_ALERTS.get(rule.name, "")
                found += [Asked(name, each, quiet) for each in compared(text)]
            else:
                found.append(Asked(f"rule {rule.name}", text))
    return found


def still_empty(
    prometheus: Prometheus, asked: list[Asked], may_be: Collection[str], seconds: float
) -> list[Asked]:
    """Ask until only those have no data that may be quiet for these reasons, or for long enough.

    What has had data once is not asked again: a gap is no fault.
    """
    deadline = time.monotonic() + seconds
    while not {each.quiet for each in asked} <= set(may_be) and time.monotonic() < deadline:
        time.sleep(0.5)
        asked = [each for each in asked if not is_finite(prometheus.ask(each.text))]
    return asked


def compared(text: str) -> list[str]:
    """The operands of the comparisons of an expression, those that are mere numbers left out."""
    found = []
    for node, above in nodes(promql_parser.parse(text)):
        if _is_comparison(node) and not any(_guards(each) for each in above):
            found += list(_sides(node))
    return found or [text]


def _sides(node: Any) -> Iterator[str]:
    for side in (node.lhs, node.rhs):
        if not isinstance(side, promql_parser.NumberLiteral):
            yield str(side)


def _is_comparison(node: Any) -> bool:
    return isinstance(node, promql_parser.BinaryExpr) and str(node.op) in _COMPARISONS


def _guards(node: Any) -> bool:
    """True for a division: the comparison below it keeps its divisor from being 0."""
    return _is_comparison(node) or (
        isinstance(node, promql_parser.BinaryExpr) and str(node.op) == "/"
    )
