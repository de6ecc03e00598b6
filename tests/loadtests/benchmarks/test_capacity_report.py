"""The tables of what servers hold and strategies cost, from the verdicts of capacity tests."""

from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from benchmarks.capacity.measuring import capacities, costs
from benchmarks.capacity.report import published, servers, strategies
from benchmarks.engine.names import EMBEDDED, OFFICIAL
from harness.capacities import capacity_part

MACHINE = {"cpus": 2, "system": "Linux", "python": "3.11", "load_before": [0.1, 0.1, 0.1]}
MEASURED = {
    "started": "2026-01-01T00:00:00+00:00",
    "machine": MACHINE,
    "slots": 100,
    "profile": "assistant",
    "objectives": ["accept=500ms"],
}


def part(**found: list[float]) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(capacity_part(found))
    return plain


def unknown(reason: str) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(("capacity", "low", "high", "runs"))
    return nothing | {"verdict": "inconclusive", "reason": reason}


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_each_server_has_its_capacity_with_the_range_or_why_there_is_none() -> None:
    found = {
        EMBEDDED: capacities(part(enqueue=[19.0, 20.0, 21.0])),
        OFFICIAL: {"enqueue": unknown("the generator could not keep up")},
    }
    table = rows(servers(MEASURED | {"servers": found}))
    assert table[2][:2] == ["Outrigger, SQLite", "20.0 (19.0 to 21.0)"]
    assert table[3] == [
        "`langgraph dev`",
        "unknown",
        "-",
        "inconclusive: the generator could not keep up",
    ]


def test_costs_are_the_median_of_the_stages_at_that_load_alone() -> None:
    given = part(interrupt=[19.0, 20.0, 21.0])
    stages = given["strategies"][0]["stages"]
    rate = stages[0]["offered"]
    there = [each["cost"]["wasted_share"] for each in stages if each["offered"] == rate]
    assert 0 < len(there) < len(stages)
    found = costs(given, rate)["interrupt"]
    assert found["wasted_share"][1:] == [min(there), max(there)]
    assert found["cut_p95"] is None or found["cut_p95"][0] > 0


def test_each_strategy_has_its_cost() -> None:
    given = part(reject=[19.0], interrupt=[20.0])
    rate = given["strategies"][0]["stages"][0]["offered"]
    cost = costs(given, rate) | {"interrupt": costs(given, rate)["reject"]}
    figures = MEASURED | {"rate": rate, "capacities": capacities(given), "costs": cost}
    text = strategies(figures)
    assert [row[0] for row in rows(text)[2:]] == ["`reject`", "`interrupt`"]
    assert f"at {rate:.3g} conversations/s" in text
    assert "2 CPUs" in text


def test_a_strategy_of_which_nothing_is_known_has_no_cost() -> None:
    given = part(reject=[19.0])
    figures = MEASURED | {
        "rate": 1.0,
        "capacities": {"reject": unknown("it was stopped early")},
        "costs": costs(given, 1.0),
    }
    assert rows(strategies(figures))[2] == ["`reject`", "unknown", *["-"] * 8]


def test_a_strategy_that_was_measured_only_once_has_a_row_all_the_same() -> None:
    given = part(reject=[19.0])
    figures = MEASURED | {"rate": 1.0, "capacities": capacities(given), "costs": {"enqueue": {}}}
    assert [row[0] for row in rows(strategies(figures))[2:]] == ["`reject`", "`enqueue`"]


@pytest.mark.parametrize("kind", ["servers", "strategies"])
def test_what_is_in_the_file_is_published(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    assert published(path) == "Not measured yet."
    given = part(enqueue=[19.0])
    figures: dict[str, Any] = MEASURED | {"servers": {EMBEDDED: capacities(given)}}
    if kind == "strategies":
        rate = given["strategies"][0]["stages"][0]["offered"]
        more = {"rate": rate, "capacities": capacities(given), "costs": costs(given, rate)}
        figures = MEASURED | more
    path.write_bytes(orjson.dumps(figures))
    assert len(rows(published(path))) == 3
