"""What is shipped breaks no rule, and each rule finds the fault that it is there for."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from harness.boards import boards
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.linter.boards import exclusions, lint
from outrigger_dashboards.linter.documents import spots, variables
from outrigger_dashboards.linter.grafana_rules import BOARD_RULES, PANEL_RULES
from outrigger_dashboards.linter.query_rules import QUERY_RULES
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.panels import Panel

Document = dict[str, Any]
GRAFANAS = 17
HTTP = "outrigger-http"
LOKI = {"type": "loki", "uid": "${datasource}"}


def first_panel(board: Document) -> Document:
    return next(each for each in board["panels"] if each["type"] == "timeseries")


def asked(text: str, **more: Any) -> Callable[[Document], None]:
    """Let the first panel ask for something else."""

    def change(board: Document) -> None:
        first_panel(board)["targets"][0].update(expr=text, legendFormat="", **more)

    return change


def of_variable(name: str, **fields: Any) -> Callable[[Document], None]:
    return lambda board: variables(board)[name].update(fields)  # type: ignore[attr-defined]


def without_variable(name: str) -> Callable[[Document], None]:
    def change(board: Document) -> None:
        kept = [each for each in board["templating"]["list"] if each["name"] != name]
        board["templating"]["list"] = kept

    return change


def of_panel(**fields: Any) -> Callable[[Document], None]:
    return lambda board: first_panel(board).update(fields)


def of_unit(unit: str | None) -> Callable[[Document], None]:
    return lambda board: first_panel(board)["fieldConfig"]["defaults"].update(unit=unit)


def of_board(**fields: Any) -> Callable[[Document], None]:
    return lambda board: board.update(fields)


def many_panels(board: Document) -> None:
    board["panels"] += [{**first_panel(board), "id": number} for number in range(1, 20)]


def threshold_off_edge(board: Document) -> None:
    for panel in board["panels"]:
        if "histogram_quantile" in str(panel.get("targets")):
            panel["fieldConfig"]["defaults"]["thresholds"] = {"steps": [{"value": 0.3}]}


OURS = 'job=~"$job",instance=~"$instance"'
COUNTER = "langgraph_runs_finished_total"
FAULTS: dict[str, list[Callable[[Document], None]]] = {
    "template-datasource": [
        without_variable("datasource"),
        of_variable("datasource", query="loki"),
        of_variable("datasource", label="Source"),
    ],
    "template-job": [without_variable("job"), of_variable("job", multi=False)],
    "template-instance": [without_variable("instance"), of_variable("instance", allValue="")],
    "template-label-promql": [of_variable("assistant", query="label_values(up{job=, assistant)")],
    "template-on-time-change-reload": [of_variable("job", refresh=1)],
    "uneditable-dashboard": [of_board(editable=True)],
    "panel-datasource": [of_panel(datasource={"type": "prometheus", "uid": "mine"})],
    "panel-title-description": [of_panel(title=""), of_panel(description="")],
    "panel-units": [of_unit(None), of_unit("stones")],
    "panel-no-targets": [of_panel(targets=[])],
    "target-promql": [asked(f"rate({COUNTER}{{{OURS}}}[5m")],
    "target-logql": [asked("nonsense", datasource=LOKI)],
    "target-logql-auto": [asked('rate({job="a"}[5m])', datasource=LOKI)],
    "target-rate-interval": [asked(f"sum(rate({COUNTER}{{{OURS}}}[5m]))")],
    "target-job": [asked(f'sum(rate({COUNTER}{{instance=~"$instance"}}[$__rate_interval]))')],
    "target-instance": [asked(f'sum(rate({COUNTER}{{job=~"$job"}}[$__rate_interval]))')],
    "target-counter-agg": [asked(f"sum({COUNTER}{{{OURS}}})")],
    "few-panels": [many_panels],
    "unique-ids": [
        lambda board: board["panels"].append(copy.deepcopy(first_panel(board))),
    ],
    "within-grid": [of_panel(gridPos={"x": 20, "y": 0, "w": 8, "h": 8})],
    "known-metrics": [asked(f"langgraph_nobody{{{OURS}}}")],
    "rate-before-sum": [
        asked(f"rate(sum({COUNTER}{{{OURS}}})[$__rate_interval:])"),
        asked(f"increase(max({COUNTER}{{{OURS}}})[$__rate_interval:1m])"),
    ],
    "quantile-keeps-le": [
        asked(
            "histogram_quantile(0.95, sum(rate("
            f"langgraph_run_duration_seconds_bucket{{{OURS}}}[$__rate_interval])))"
        )
    ],
    "guarded-division": [
        asked(f"langgraph_traces_open{{{OURS}}} / langgraph_worker_slots{{{OURS}}}")
    ],
    "legend-labels": [
        lambda board: first_panel(board)["targets"][0].update(legendFormat="{{nobody}}")
    ],
    "thresholds-on-edges": [threshold_off_edge],
}


def rules_broken(faults: list[str]) -> set[str]:
    known = set(FAULTS)
    return {rule for fault in faults for rule in known if f": {rule}: " in fault}


@pytest.mark.parametrize("uid", [board.uid for board in BOARDS])
def test_what_is_shipped_breaks_no_rule(uid: str, catalogue: Catalogue) -> None:
    assert lint(boards()[uid], catalogue, exclusions()) == []


@pytest.mark.parametrize(
    ("rule", "number"),
    [(rule, number) for rule, faults in FAULTS.items() for number in range(len(faults))],
)
def test_a_rule_finds_its_fault(rule: str, number: int, catalogue: Catalogue) -> None:
    board = boards()[HTTP]
    FAULTS[rule][number](board)
    found = lint(board, catalogue, exclusions())
    assert rule in rules_broken(found), found
    assert all(fault.startswith(HTTP) for fault in found)


def test_all_rules_of_grafana_are_here_and_each_has_a_fault() -> None:
    ours = {*BOARD_RULES, *PANEL_RULES, *QUERY_RULES}
    assert len(ours) == GRAFANAS
    assert ours <= FAULTS.keys()


EXCLUDING = [(board.uid, panel) for board in BOARDS for panel in board.panels() if panel.excluded]


@pytest.mark.parametrize(
    ("uid", "panel"), EXCLUDING, ids=[f"{uid} {panel.key}" for uid, panel in EXCLUDING]
)
def test_an_exclusion_has_a_reason_and_is_needed(
    uid: str, panel: Panel, catalogue: Catalogue
) -> None:
    broken = rules_broken(lint(boards()[uid], catalogue, {}))
    for rule, reason in panel.excluded:
        assert len(reason.split()) >= 4
        assert rule in broken


def test_the_unit_is_the_catalogues() -> None:
    """Units come from the names of metrics, so a panel of seconds shows seconds."""
    units = {"_seconds_bucket": "s", "_bytes_bucket": "bytes"}
    for board in boards().values():
        for spot in spots(board):
            text = str(spot.targets[0]["expr"])
            if text.startswith("histogram_quantile"):
                unit = spot.panel["fieldConfig"]["defaults"]["unit"]
                assert [unit] == [unit for end, unit in units.items() if end in text], spot.name
