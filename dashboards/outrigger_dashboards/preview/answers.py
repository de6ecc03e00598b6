"""Asks a Prometheus what the panels of a board ask it, over some minutes."""

import json
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outrigger_dashboards.errors import NoPreview
from outrigger_dashboards.linter.documents import Document, spots

_TIMEOUT_SECONDS = 30
_LEAST_RATE_SECONDS = 20
_VARIABLES = {'"$job"': '".+"', '"$instance"': '".+"', '"$assistant"': '".+"'}
Answers = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a picture shows, in seconds since 1970, and between two points."""

    start: float
    end: float
    step: float

    @property
    def rate_interval(self) -> str:
        """How far rates look back: over a few points, as Grafana has it."""
        return f"{max(_LEAST_RATE_SECONDS, round(4 * self.step))}s"


def answers(prometheus: str, board: Document, span: Span) -> Answers:
    """Give the series of every query, by the panel's id and the query's letter.

    Raises:
        NoPreview: Prometheus is not there, or refuses a query.
    """
    return {
        str(spot.panel["id"]): {
            str(target["refId"]): _asked(prometheus, str(target["expr"]), span)
            for target in spot.targets
        }
        for spot in spots(board)
    }


def _asked(prometheus: str, expression: str, span: Span) -> list[Any]:
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    query = urllib.parse.urlencode(
        {
            "query": expression.replace("$__rate_interval", span.rate_interval),
            "start": span.start,
            "end": span.end,
            "step": span.step,
        }
    )
    try:
        with urllib.request.urlopen(  # noqa: S310  the address is the caller's own
            f"{prometheus}/api/v1/query_range?{query}", timeout=_TIMEOUT_SECONDS
        ) as answer:
            body: Mapping[str, Any] = json.load(answer)
    except (OSError, ValueError) as error:
        msg = f"{prometheus} does not answer {expression}: {error}"
        raise NoPreview(msg) from error
    found: list[Any] = body["data"]["result"]
    return found
