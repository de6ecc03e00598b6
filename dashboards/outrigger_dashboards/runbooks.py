"""Runbooks: what the generator knows of an alert is written into its page, the rest by people.

A page has the five headings, in this order, and between two marks the facts of its alert.
"""

import re
from collections.abc import Mapping, Sequence

from outrigger_dashboards.errors import WrongUse
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.panels import Board, Target
from outrigger_dashboards.promql.scope import Scope, shown_duration
from outrigger_dashboards.rules.model import Alert

HEADINGS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Silence and escalate")
OPENING, CLOSING = "<!-- alert -->", "<!-- /alert -->"
_LEAST_WORDS = 8


def facts(alerts: Sequence[Alert], scope: Scope, boards: Sequence[Board]) -> str:
    """Draw what is known of the alerts of one name."""
    first = alerts[0]
    titles = {
        Target(board.uid, panel.key): (board.title, panel.title)
        for board in boards
        for panel in board.panels()
    }
    board, panel = titles[first.panel]
    rows = ["| window | severity | after |", "| --- | --- | --- |"]
    rows += [
        f"| {' '.join(alert.extra.values()) or 'none'} | {alert.severity} | "
        f"{shown_duration(alert.lasts) if alert.lasts else 'at once'} |"
        for alert in alerts
    ]
    drawn = [alert.expression.draw(scope) for alert in alerts]
    metrics = sorted(set().union(*(each.metrics for each in drawn)))
    return "\n".join(
        [
            f"**{first.summary}.** Component `{first.component}`.",
            f"Look first at the panel “{panel}” of “{board}”.",
            "",
            *rows,
            "",
            "```promql",
            *(each.text for each in drawn),
            "```",
            *_meanings(metrics, scope.catalogue),
        ]
    )


def _meanings(metrics: list[str], catalogue: Catalogue) -> list[str]:
    known: Mapping[str, str] = {name: spec.help for name, spec in catalogue.specs.items()}
    return [f"* `{name}`: {known.get(name, 'made by a recording rule')}" for name in metrics]


def with_facts(page: str, name: str, new: str) -> str:
    """Put the facts between the marks of the page.

    Raises:
        WrongUse: The page lacks its title, the marks, a heading, or words below one.
    """
    before, found, rest = page.partition(OPENING)
    _, closed, after = rest.partition(CLOSING)
    if not page.startswith(f"# {name}\n") or not found or not closed:
        msg = f"{name}.md has to begin with '# {name}' and to have {OPENING} and {CLOSING}"
        raise WrongUse(msg)
    check_headings(name, after)
    return f"{before}{OPENING}\n{new}\n{CLOSING}{after}"


def check_headings(name: str, text: str) -> None:
    """Refuse a page without all five parts.

    Raises:
        WrongUse: A part is missing, in the wrong place or empty.
    """
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    if tuple(parts[1::2]) != HEADINGS:
        msg = f"{name}.md needs these headings, in this order: {', '.join(HEADINGS)}"
        raise WrongUse(msg)
    for heading, words in zip(parts[1::2], parts[2::2], strict=True):
        if len(words.split()) < _LEAST_WORDS:
            msg = f"{name}.md says too little under {heading!r}"
            raise WrongUse(msg)
