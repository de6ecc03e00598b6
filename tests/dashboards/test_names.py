"""A name that the catalogue does not have never gets into a file: the build says where it is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from outrigger_dashboards.artifacts import generated
from outrigger_dashboards.boards.catalogue import BOARDS
from outrigger_dashboards.config import Config
from outrigger_dashboards.drawing.board import drawn_board, panel_ids, panel_scope
from outrigger_dashboards.errors import BrokenPart, DashboardsError, UnknownName, WrongUse
from outrigger_dashboards.metrics.catalogue import Catalogue
from outrigger_dashboards.metrics.load_test import LOAD_TEST
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target
from outrigger_dashboards.promql.expression import Expression, ratio
from outrigger_dashboards.promql.queries import below, gauge, increase, quantile, rate
from outrigger_dashboards.promql.scope import Scope
from outrigger_dashboards.rules.catalogue import all_alerts, all_groups
from outrigger_dashboards.rules.model import Alert
from outrigger_dashboards.rules.prometheus import rule_scope
from outrigger_telemetry.metric_specs import CATALOGUE

FOR_OTHERS = {"http_server_requests_total"}
"""Counted only for the page with other servers' names."""


def without(catalogue: Catalogue, name: str) -> Catalogue:
    """A catalogue in which the metric has another name."""
    specs = dict(catalogue.specs)
    spec = specs.pop(name)
    renamed = f"renamed_{name}"
    return Catalogue({**specs, renamed: replace(spec, name=renamed)})


def metrics_of(board: Board, scope: Scope) -> dict[str, Panel]:
    """Every metric of the board, with the first panel that asks for it."""
    found: dict[str, Panel] = {}
    for panel in board.panels():
        for query in panel.queries:
            for metric in query.expression.draw(scope).metrics:
                found.setdefault(metric, panel)
    return found


def test_a_renamed_metric_breaks_the_build_with_the_name_of_its_panel(
    catalogue: Catalogue, scope: Scope, ids: dict[Target, int]
) -> None:
    tried = 0
    for board in BOARDS:
        for metric, panel in metrics_of(board, scope).items():
            if metric not in catalogue.specs:
                continue  # recorded by a rule
            with pytest.raises(BrokenPart) as broken:
                drawn_board(board, panel_scope(without(catalogue, metric)), ids)
            told = str(broken.value)
            assert told.startswith(f"{board.title}: panel {panel.title!r}: ")
            assert metric in told
            tried += 1
    assert tried > len(CATALOGUE)


def test_a_renamed_metric_breaks_the_whole_build(catalogue: Catalogue) -> None:
    broken = without(catalogue, "langgraph_runs_finished_total")
    with pytest.raises(BrokenPart, match=r"Outrigger 1.*Runs that succeed.*runs_finished_total"):
        generated(Config(), broken)


@pytest.mark.parametrize("alert", all_alerts(Config()), ids=lambda each: each.full_name)
def test_a_renamed_metric_breaks_its_alert(alert: Alert, catalogue: Catalogue) -> None:
    drawn = alert.expression.draw(rule_scope(catalogue, Config()))
    for metric in drawn.metrics & catalogue.specs.keys():
        with pytest.raises(UnknownName, match=metric):
            alert.expression.draw(rule_scope(without(catalogue, metric), Config()))


def test_every_metric_of_the_catalogue_is_on_a_board(scope: Scope) -> None:
    drawn = {metric for board in BOARDS for metric in metrics_of(board, scope)}
    made = {spec.name for spec in (*CATALOGUE, *LOAD_TEST)}
    assert made - drawn == FOR_OTHERS


def test_every_recorded_series_that_is_read_is_made_by_a_rule(scope: Scope) -> None:
    groups = all_groups(Config())
    made = {rule.name for group in groups for rule in group.rules if not isinstance(rule, Alert)}
    read = {metric for board in BOARDS for metric in metrics_of(board, scope) if ":" in metric}
    assert read
    assert read <= made


WRONG: dict[str, tuple[Callable[[], Expression], type[DashboardsError], str]] = {
    "metric": (lambda: rate("langgraph_nobody_total"), UnknownName, "langgraph_nobody_total"),
    "label": (
        lambda: rate("langgraph_runs_finished_total", by=["colour"]),
        UnknownName,
        "no label 'colour'; its labels: assistant",
    ),
    "label in a selector": (
        lambda: rate("langgraph_runs_finished_total", where={"colour": "red"}),
        UnknownName,
        "no label 'colour'",
    ),
    "value": (
        lambda: rate("langgraph_runs_finished_total", where={"outcome": "succes"}),
        UnknownName,
        "'outcome' is never 'succes'",
    ),
    "kind": (lambda: rate("langgraph_streams_active"), WrongUse, "is a gauge, not a counter"),
    "quantile of a counter": (
        lambda: quantile(0.5, "langgraph_stream_bytes_total"),
        WrongUse,
        "is a counter, not a histogram",
    ),
    "edge": (
        lambda: below(3, "langgraph_stream_first_event_seconds_"),
        UnknownName,
        "langgraph_stream_first_event_seconds_",
    ),
    "no edge of a bucket": (
        lambda: below(2.2, "langgraph_stream_first_event_seconds"),
        WrongUse,
        "2.2 is no edge of a bucket",
    ),
    "sum over a deployment": (
        lambda: gauge("langgraph_run_queue_depth", how="sum"),
        WrongUse,
        "counts it once for each sidecar",
    ),
    "ratio of units": (
        lambda: ratio(rate("langgraph_stream_bytes_total"), rate("langgraph_stream_events_total")),
        WrongUse,
        "a ratio of 'Bps' to 'ops'",
    ),
    "ratio of labels": (
        lambda: ratio(
            rate("langgraph_stream_events_total", by=["mode"]),
            rate("langgraph_stream_events_total"),
        ),
        WrongUse,
        "a ratio of",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_use_is_told_with_the_panel(case: str, catalogue: Catalogue) -> None:
    make, kind, words = WRONG[case]
    with pytest.raises(BrokenPart, match=f"(?s)A board: panel 'Of this one': .*{words}") as broken:
        draw_one(catalogue, Query(make()))
    assert isinstance(broken.value.__cause__, kind)


def test_a_panel_has_one_unit(catalogue: Catalogue) -> None:
    queries = (
        Query(rate("langgraph_stream_bytes_total")),
        Query(increase("langgraph_stream_events_total")),
    )
    with pytest.raises(BrokenPart, match="'Of this one': mixes units: Bps, short"):
        draw_one(catalogue, *queries)


def test_two_panels_never_have_one_id() -> None:
    twins = tuple(
        Panel("same", title, "Said.", (Query(rate("langgraph_stream_bytes_total")),))
        for title in ("One", "Other")
    )
    with pytest.raises(BrokenPart, match="panel 'Other': has the id of 'One'"):
        panel_ids((Board("u", "A board", "?", (), (Row("r", twins),)),))


def draw_one(catalogue: Catalogue, *queries: Query) -> str:
    panel = Panel("this", "Of this one", "Said.", queries)
    board = Board("uid", "A board", "?", (), (Row("row", (panel,)),))
    return drawn_board(board, panel_scope(catalogue), panel_ids((board,)))
