"""What series a list of trace operations makes, as plain counts."""

from collections.abc import Iterable

from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_telemetry.metrics import Metrics, local_metrics

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
