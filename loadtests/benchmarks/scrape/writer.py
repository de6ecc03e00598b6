"""A process with metrics: writes as many label sets as it is told, then waits to be ended.

python -m benchmarks.scrape.writer DIRECTORY LABEL_SETS
"""

import itertools
import sys
from pathlib import Path

from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.metrics import Metrics, open_process_metrics


def count(metrics: Metrics, label_sets: int) -> None:
    """Time runs under as many different labels: a histogram for each."""
    strategies = specs.MULTITASK_STRATEGY.values
    outcomes = specs.RUN_OUTCOME.values
    names = (f"assistant-{number}" for number in itertools.count())
    found = itertools.islice(
        ((name, *pair) for name in names for pair in itertools.product(strategies, outcomes)),
        label_sets,
    )
    for name, strategy, outcome in found:
        labels = {"assistant": name, "multitask_strategy": strategy, "outcome": outcome}
        metrics.observe(specs.RUN_DURATION_SECONDS, 0.5, **labels)
        metrics.increment(specs.RUNS_FINISHED_TOTAL, **labels)


def main() -> None:
    """Write, say so, and wait for the end of stdin."""
    metrics = open_process_metrics(Path(sys.argv[1]), role="worker")
    metrics.beat()
    count(metrics, int(sys.argv[2]))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
