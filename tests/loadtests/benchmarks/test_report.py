"""The report says what the figures say: medians, ratios of a round, targets, validity."""

import copy
from typing import Any

import pytest

from benchmarks.engine.names import ALL, EMBEDDED, LIMITS, MEMORY_LIMIT, NULL, OFFICIAL, SERVERS
from benchmarks.engine.report import headrooms, is_valid, report
from benchmarks.engine.tables import shown, table
from benchmarks.engine.targets import COMPARISONS

CLIENTS = [1, 10, 50, 100]


def case(speed: float, p50: float) -> dict[str, Any]:
    figures = {"p50_ms": p50, "p95_ms": 2 * p50, "p99_ms": 3 * p50}
    cpu = {"server": 0.5, "client": 0.1, "others": 0.25}
    return {"runs_per_second": speed, **figures, "failed": 0, "reasons": {}, "cpu": cpu}


def visit(speed: float, p50: float) -> dict[str, Any]:
    timing = {"p50_ms": p50 / 4, "p95_ms": p50}
    repeated = {"times": 5, "failed": 0, "first_frame": timing, "first_values": timing}
    return {
        "load_before": 0.5,
        "first_frames": repeated,
        "cuts": repeated | {"interrupted": timing},
        "throughput": {str(clients): case(speed, p50) for clients in CLIENTS},
    }


def measured_round(factor: float) -> dict[str, Any]:
    """A round on a machine that is so many times as fast."""
    visits = {name: visit(200 * factor, 20 / factor) for name in SERVERS}
    visits[OFFICIAL] = visit(50 * factor, 1000 / factor)
    visits[NULL] = visit(5000 * factor, 1)
    for name in LIMITS:
        visits[name] = {"load_before": 0.5, "throughput": {"50": case(400 * factor, 10)}}
    return {"order": list(visits), "visits": visits}


@pytest.fixture
def figures() -> dict[str, Any]:
    versions = {"ours": {"us": "1"}, "official": {"them": "2"}, "postgres": "p", "redis": "r"}
    machine = {"cpus": 2, "system": "Linux", "python": "3.11", "load_before": [0.1, 0.1, 0.1]}
    return {
        "started": "2026-01-01T00:00:00+00:00",
        "seconds": 500.0,
        "parameters": {"clients": CLIENTS},
        "machine": machine,
        "versions": versions,
        "rounds": [measured_round(factor) for factor in (1.0, 0.5, 2.0)],
    }


def row(text: str, *starts: str) -> list[str]:
    """The cells of the one row that starts so."""
    start = f"| {' | '.join(starts)} |"
    (found,) = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_medians_stand_with_their_range(figures: dict[str, Any]) -> None:
    cells = row(report(figures), "10", SERVERS[EMBEDDED])
    assert cells[2:4] == ["200.0 (100.0 to 400.0)", "20.0 (10.0 to 40.0)"]


def test_a_ratio_is_taken_within_each_round(figures: dict[str, Any]) -> None:
    """The rounds' speeds differ fourfold; what is compared within them does not."""
    cells = row(report(figures), "runs/s, 50 clients: embedded / official")
    assert cells[1:] == ["4.00x", "≥ 2x", "reached"]


@pytest.mark.parametrize(
    ("name", "figure", "value", "what"),
    [
        (EMBEDDED, "p50_ms", 41.0, "p50 of create and wait, 10 clients: official / embedded"),
        (EMBEDDED, "runs_per_second", 99.0, "runs/s, 50 clients: embedded / official"),
        (MEMORY_LIMIT, "runs_per_second", 600.0, "runs/s, 50 clients: embedded / limit in memory"),
    ],
)
def test_a_missed_target_is_said(
    figures: dict[str, Any], name: str, figure: str, value: float, what: str
) -> None:
    figures["rounds"] = [measured_round(1.0)]
    assert row(report(figures), what)[-1] == "reached"
    for each in figures["rounds"][0]["visits"][name]["throughput"].values():
        each[figure] = value
    assert row(report(figures), what)[-1] == "**not reached**"


def test_the_first_frame_has_a_target_in_milliseconds(figures: dict[str, Any]) -> None:
    what = "first SSE frame, p50, embedded"
    assert row(report(figures), what)[1:] == ["5.00 (2.50 to 10.00) ms", "≤ 10 ms", "reached"]
    for each in figures["rounds"]:
        each["visits"][EMBEDDED]["first_frames"]["first_frame"]["p50_ms"] = 10.1
    assert row(report(figures), what)[-1] == "**not reached**"


def test_what_was_not_measured_is_neither_reached_nor_missed(figures: dict[str, Any]) -> None:
    for each in figures["rounds"]:
        del each["visits"][OFFICIAL]["throughput"]["50"]
    cells = row(report(figures), "runs/s, 50 clients: embedded / official")
    assert cells[1:] == ["-", "≥ 2x", "not measured"]


def test_a_client_that_is_too_slow_in_one_round_makes_the_run_invalid(
    figures: dict[str, Any],
) -> None:
    assert is_valid(figures)
    assert "INVALID" not in report(figures)
    spoiled = copy.deepcopy(figures)
    spoiled["rounds"][1]["visits"][NULL]["throughput"]["50"]["runs_per_second"] = 499.0
    assert headrooms(spoiled)[50] == 4.99
    assert not is_valid(spoiled)
    assert report(spoiled).startswith("**INVALID")


def test_a_run_without_the_null_server_is_invalid(figures: dict[str, Any]) -> None:
    del figures["rounds"][0]["visits"][NULL]
    assert not is_valid(figures)


def test_what_broke_down_is_said_and_makes_the_run_invalid(figures: dict[str, Any]) -> None:
    error = {"load_before": 0.5, "error": "AssertionError: ended with 1:\nno such table"}
    figures["rounds"][1]["visits"][OFFICIAL] = error
    assert not is_valid(figures)
    text = report(figures)
    assert "BROKE DOWN in round 2, official: AssertionError: ended with 1: no such table" in text
    assert row(text, "100", SERVERS[OFFICIAL])[2] == "75.0 (50.0 to 100.0)"


def test_failures_of_all_rounds_are_shown(figures: dict[str, Any]) -> None:
    for each in figures["rounds"]:
        each["visits"][OFFICIAL]["throughput"]["100"]["failed"] = 2
        each["visits"][OFFICIAL]["cuts"]["failed"] = 1
    text = report(figures)
    assert row(text, "100", SERVERS[OFFICIAL])[-1] == "6"
    assert row(text, "100", SERVERS[EMBEDDED])[-1] == "0"
    columns = next(line for line in text.splitlines() if line.startswith("| ms, 1 client"))
    times = text[text.index(columns) :]
    assert row(times[: times.index("\n\n")], SERVERS[OFFICIAL])[-1] == "3"


def test_the_cpu_of_every_part_and_of_the_others_is_shown(figures: dict[str, Any]) -> None:
    text = report(figures)
    cpu = text[text.index("| 50 clients | CPU") :]
    for title in ALL.values():
        assert row(cpu, title)[-1] == "server 50%, client 10%, others 25%"
    assert "others on the machine used at most 25% of a core" in text


def test_a_busy_machine_is_warned_of(figures: dict[str, Any]) -> None:
    assert "DISTURBED" not in report(figures)
    cases = figures["rounds"][1]["visits"][EMBEDDED]["throughput"]
    cases["10"]["cpu"]["others"] = 0.6
    assert "**DISTURBED: others on the machine used up to 60% of a core**" in report(figures)


def test_every_comparison_can_be_made_of_a_whole_round() -> None:
    visits = measured_round(1.0)["visits"]
    assert [each.what for each in COMPARISONS if each.of(visits) is None] == []


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    assert shown(None) == "-"
