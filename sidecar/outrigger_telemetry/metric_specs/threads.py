"""Threads, and what happens when a second message comes before the first is answered."""

from outrigger_telemetry.metric_specs.kinds import (
    IO_BUCKETS,
    QUEUE_LENGTH_BUCKETS,
    counter,
    gauge,
    histogram,
)
from outrigger_telemetry.metric_specs.labels import (
    DOUBLE_TEXT_RESULT,
    FENCED_KIND,
    STRATEGY,
    THREAD_STATUS,
)

DOUBLE_TEXT_TOTAL = counter(
    "langgraph_double_text_total",
    "Runs sent to a thread that was busy, by strategy and what came of it.",
    STRATEGY,
    DOUBLE_TEXT_RESULT,
)
DOUBLE_TEXT_CUT_SECONDS = histogram(
    "langgraph_double_text_cut_seconds",
    "Time from accepting the new run until the one it replaced had stopped.",
    IO_BUCKETS,
    STRATEGY,
)
DOUBLE_TEXT_WASTED_SECONDS_TOTAL = counter(
    "langgraph_double_text_wasted_seconds_total",
    "Run time thrown away because a newer message replaced the run.",
    STRATEGY,
)
THREAD_QUEUE_LENGTH = histogram(
    "langgraph_thread_queue_length",
    "Runs in flight on a thread when one more is put behind them.",
    QUEUE_LENGTH_BUCKETS,
)
FENCED_WRITES_TOTAL = counter(
    "langgraph_fenced_writes_total",
    "Writes refused because the attempt had lost its run. Growth means work ran on after a cut.",
    FENCED_KIND,
)
THREADS = gauge(
    "langgraph_threads",
    "Threads in the database by status. Estimated when there are too many to count.",
    THREAD_STATUS,
    source="sidecar",
    scope="deployment",
)
