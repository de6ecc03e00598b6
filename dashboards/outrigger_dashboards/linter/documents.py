"""Reads what rules look at out of a board's JSON: panels, queries, and PromQL as a tree."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import promql_parser
from promql_parser import Expr

Document = Mapping[str, Any]
_VALUES = (
    ("$__rate_interval", "5m"),
    ("$__interval", "1m"),
    ("$__range", "1h"),
    ("${__range_s}", "3600"),
)
_VARIABLE = re.compile(r"\$(\w+|{\w+(:\w+)?})")


@dataclass(frozen=True, slots=True)
class Spot:
    """A panel of a board."""

    board: str
    panel: Document

    @property
    def name(self) -> str:
        """How faults name it."""
        return f"{self.board}: panel {self.panel.get('title') or self.panel.get('id')!r}"

    @property
    def targets(self) -> list[Document]:
        """Its queries."""
        return list(self.panel.get("targets") or [])


def spots(document: Document) -> Iterator[Spot]:
    """Give every panel, also those in folded rows; rows themselves are none."""
    for panel in document.get("panels") or []:
        if panel.get("type") == "row":
            for inner in panel.get("panels") or []:
                yield Spot(str(document.get("uid")), inner)
        else:
            yield Spot(str(document.get("uid")), panel)


def variables(document: Document) -> dict[str, Document]:
    """Give the board's variables by name."""
    found = (document.get("templating") or {}).get("list") or []
    return {str(each.get("name")): each for each in found}


def substituted(text: str) -> str:
    """Put values in the place of variables."""
    for name, value in _VALUES:
        text = text.replace(name, value)
    return _VARIABLE.sub("x", text)


def tree(text: str) -> Expr:
    """Parse PromQL once its variables have values.

    Raises:
        ValueError: It is no PromQL.
    """
    return promql_parser.parse(substituted(text))


def nodes(root: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Give every node with those above it, the root first."""
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(root, ())]
    while waiting:
        node, above = waiting.pop()
        yield node, above
        waiting += [(child, (*above, node)) for child in children(node)]


def children(node: Any) -> list[Any]:
    """Give the nodes below one."""
    match node:
        case promql_parser.AggregateExpr():
            return [node.expr, *([node.param] if isinstance(node.param, Expr) else [])]
        case promql_parser.BinaryExpr():
            return [node.lhs, node.rhs]
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr() | promql_parser.SubqueryExpr():
            return [node.expr]
        case promql_parser.MatrixSelector():
            return [node.vector_selector]
        case promql_parser.Call():
            return list(node.args)
        case _:
            return []
