"""What traces may take of memory, and of the page."""

import pytest
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from fakes.trace_operations import HandClock, answer, call, operation, root
from outrigger_sidecar.collectors.own import OwnMetricsCollector
from outrigger_sidecar.collectors.page import Page
from outrigger_sidecar.collectors.traces import TracesCollector
from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.traces import trace_table
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_sidecar.traces.seen import Seen
from outrigger_sidecar.traces.trace_table import Trace, TraceTable
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics, local_metrics

USAGE = {"input_tokens": 1, "output_tokens": 1}


def fed(*operations: RunOperation) -> Metrics:
    metrics = local_metrics(())
    deriver = TraceDeriver(
        metrics, load_prices(None), clock=HandClock(), ttl_seconds=10, max_open=10
    )
    for each in operations:
        deriver.observe(each)
    return metrics


def test_what_came_lately_is_known_and_what_is_long_gone_forgotten() -> None:
    seen = Seen(3)

    assert all(seen.add(str(number)) for number in range(6))
    assert not seen.add("3")
    assert not seen.add("5")
    assert seen.add("6")
    assert seen.add("0")


def table() -> tuple[TraceTable, HandClock, list[str]]:
    clock = HandClock()
    given_up: list[str] = []

    def forgotten(trace: Trace, reason: str) -> None:
        given_up.append(f"{trace.trace_id} {reason}")

    return (
        TraceTable(clock=clock, ttl_seconds=1000, max_open=1000, forgotten=forgotten),
        clock,
        given_up,
    )


def test_steps_of_all_traces_together_are_bounded() -> None:
    traces, _, given_up = table()
    count = trace_table.MAX_STEPS // trace_table.MAX_STEPS_OF_TRACE + 1
    kept = []
    for number in range(count):
        trace = traces.of(f"trace {number}")
        kept.append(trace)
        for step in range(trace_table.MAX_STEPS_OF_TRACE):
            assert not traces.is_again(trace, f"step {step}")

    assert given_up == ["trace 0 crowded"]
    assert traces.is_again(kept[-1], "step 0")


def test_a_long_trace_keeps_its_last_steps() -> None:
    traces, _, given_up = table()
    trace = traces.of("long")
    for step in range(trace_table.MAX_STEPS_OF_TRACE + 1):
        traces.is_again(trace, f"step {step}")

    assert traces.is_again(trace, "step 1")
    assert not traces.is_again(trace, "step 0")
    assert not given_up


def test_an_ended_trace_lingers_and_goes() -> None:
    traces, clock, given_up = table()
    trace = traces.of("one")
    traces.end(trace)
    clock.now = trace_table.LINGER_SECONDS - 1
    assert traces.of("one") is trace

    clock.now += trace_table.LINGER_SECONDS

    assert traces.of("one") is not trace
    assert not given_up


@pytest.mark.parametrize(
    ("make", "spec", "labels", "overflows"),
    [
        (
            lambda name: call(name, metadata={"graph_id": "graph"}),
            specs.NODE_DURATION_SECONDS,
            {"graph": "graph", "node": "__other__", "outcome": "success"},
            5,
        ),
        (
            lambda name: operation(name, run_type="tool"),
            specs.GEN_AI_EXECUTE_TOOL_DURATION_SECONDS,
            {"tool": "__other__", "outcome": "success"},
            5,
        ),
        (
            lambda name: answer(USAGE, metadata={"ls_model_name": name}),
            specs.GEN_AI_CLIENT_TOKENS_TOTAL,
            {"provider": "openai", "model": "__other__", "token_type": "input"},
            20,
        ),
    ],
)
def test_names_beyond_the_hundredth_are_other(make, spec, labels, overflows) -> None:
    metrics = fed(*(make(f"name {number}") for number in range(105)))

    assert metrics.value(spec, **labels) == 5
    assert metrics.value(specs.LABEL_OVERFLOW_TOTAL, metric=spec.name) == overflows


def exemplars(metrics: Metrics) -> dict[str, dict[str, str]]:
    page = generate_latest(Page([OwnMetricsCollector(metrics)])).decode()
    return {
        sample.name: sample.exemplar.labels
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.exemplar is not None
    }


def test_series_lead_to_a_trace() -> None:
    token = {"name": "new_token", "time": "2026-01-02T03:04:06+00:00"}
    metrics = fed(
        call("step", step="s"),
        call("step", step="s"),
        operation("tool", run_type="tool"),
        answer(events=[token]),
        root(),
    )

    found = exemplars(metrics)

    assert set(found) == {
        "langgraph_node_duration_seconds_bucket",
        "langgraph_node_retries_total",
        "gen_ai_execute_tool_duration_seconds_bucket",
        "gen_ai_client_operation_duration_seconds_bucket",
        "gen_ai_client_time_to_first_chunk_seconds_bucket",
    }
    assert {labels["trace_id"] for labels in found.values()} == {root().trace_id}


def test_a_trace_id_that_no_page_takes_is_left_out() -> None:
    metrics = fed(call("step", trace_id="x" * 200), call("step", trace_id='"\n'))

    assert exemplars(metrics) == {}


def test_open_traces_are_on_the_page() -> None:
    (count, age) = TracesCollector(lambda: (3, 4.5)).collect()

    assert [(each.name, each.samples[0].value) for each in (count, age)] == [
        ("langgraph_traces_open", 3),
        ("langgraph_trace_age_max_seconds", 4.5),
    ]
