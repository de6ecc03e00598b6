"""The official development server and ours answer alike, but for what is meant to differ.

The cases are in `harness/differential/cases`, the meant differences in `harness/differential/`
`meant.py`. `make compatibility` runs this with WRITE_COMPATIBILITY set, which writes the document.
"""

import json
import os
from typing import Any

import pytest

from harness.differential.both import Both
from harness.differential.cases.every import CASES
from harness.differential.chosen import outdated, unlisted
from harness.differential.meant import DECISIONS, MEANT
from harness.differential.routes import NOT_YET, asks_of
from harness.differential.summary import summary
from harness.processes import ROOT

pytestmark = pytest.mark.end_to_end

RESULTS = ROOT / "docs" / "compatibility.json"


@pytest.mark.parametrize("title", [case.title for case in CASES])
def test_both_answer_alike(both: Both, title: str) -> None:
    compared = both.compared[title]
    assert compared.asked(), f"the official server could not be asked: {compared.official}"
    assert "\n".join(map(str, unlisted(compared.differences, MEANT))) == ""


def test_every_meant_difference_is_one(both: Both) -> None:
    found = [each for compared in both.compared.values() for each in compared.differences]
    assert outdated(found, MEANT) == []


def test_every_route_is_asked_or_known_not_to_be_served(both: Both) -> None:
    rows = results(both)["routes"]
    assert [row for row in rows if row["served"] and not row["calls"]] == []
    assert {(row["method"], row["path"]) for row in rows if not row["served"]} == set(NOT_YET)


def test_what_is_not_served_yet_is_not_found(both: Both) -> None:
    assert both.not_yet == dict.fromkeys(NOT_YET, 404)


def test_the_document_says_what_was_found(both: Both) -> None:
    found = results(both)
    if os.environ.get("WRITE_COMPATIBILITY"):
        RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(RESULTS.read_bytes()) == found, "run: make compatibility"


def results(both: Both) -> dict[str, Any]:
    """What the document is made of."""
    rows = summary(both.compared.values(), both.routes, MEANT)
    used = {name for row in rows for names in row.get("differing", {}).values() for name in names}
    return {
        "official": both.version,
        "cases": len(CASES),
        "calls": sum(ask is not None for case in CASES for ask in asks_of(case)),
        "decisions": {name: text for name, text in DECISIONS.items() if name in used},
        "routes": rows,
    }
