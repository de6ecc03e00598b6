"""What series a list of trace operations makes, and what a sidecar's page says, as plain counts."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import orjson

from harness.langsmith_double import APART
from harness.metrics_page import MetricsPage
from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_telemetry.metric_specs import MetricSpec
from outrigger_telemetry.metrics import Metrics, local_metrics, specs_of

Counts = dict[str, float]


def derived(operations: Iterable[RunOperation]) -> Counts:
    """The series of these operations: see `counts`."""
    metrics = local_metrics(())
    deriver = TraceDeriver(
        metrics, load_prices(None), clock=lambda: 0.0, ttl_seconds=3600, max_open=1000
    )
    for operation in operations:
        deriver.observe(operation)
    assert deriver.open_ages()[0] == 0
    return counts(metrics)


def counts(metrics: Metrics) -> Counts:
    """Every counter and every count of a histogram that is not 0, as `name{value,value}`.

    Values stand in the order of the labels' declaration.
    """
    return {
        f"{sample.name.removesuffix('_count')}{{{','.join(sample.labels.values())}}}": sample.value
        for family in metrics.collect()
        for sample in family.samples
        if sample.value and not sample.name.endswith(("_bucket", "_sum"))
    }


def shown(page: MetricsPage) -> Counts:
    """The same of a page: what the sidecar derived from traces."""
    specs = [
        each
        for each in specs_of("relay")
        if each.kind != "gauge" and not each.name.startswith("langgraph_relay_")
    ]
    return {
        f"{spec.name}{{{','.join(dict(labels)[name] for name in spec.label_names)}}}": value
        for spec in specs
        for labels, value in page.samples.get(_counted(spec), {}).items()
        if value
    }


def _counted(spec: MetricSpec) -> str:
    return f"{spec.name}_count" if spec.kind == "histogram" else spec.name


def operations_of(taken: Iterable[Mapping[str, Any]]) -> list[RunOperation]:
    """What the stand-in for LangSmith took, as the operations that it was sent."""
    return [_operation(each["kind"], each["run"]) for each in taken]


def _operation(kind: Literal["post", "patch"], run: Mapping[str, Any]) -> RunOperation:
    fields = {name: value for name, value in run.items() if name not in APART}
    error, extra, events, outputs = (
        orjson.dumps(run[part]) if part in run else None
        for part in ("error", "extra", "events", "outputs")
    )
    return RunOperation(kind, run["id"], run["trace_id"], fields, error, extra, events, outputs)


def ended_roots(operations: Iterable[RunOperation]) -> list[RunOperation]:
    """The operations that say that a whole trace is over."""
    return [op for op in operations if not op.fields.get("parent_run_id") and ended(op)]


def ended(operation: RunOperation) -> bool:
    return operation.fields.get("end_time") is not None


def metadata_of(operation: RunOperation) -> dict[str, Any]:
    assert operation.extra is not None
    metadata: dict[str, Any] = orjson.loads(operation.extra)["metadata"]
    return metadata
