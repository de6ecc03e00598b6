"""Runs, the queue they wait in, and crons."""

from outrigger_telemetry.metric_specs.kinds import (
    IO_BUCKETS,
    RUN_BUCKETS,
    WAIT_BUCKETS,
    counter,
    gauge,
    histogram,
)
from outrigger_telemetry.metric_specs.labels import (
    ASSISTANT,
    ATTEMPT,
    ATTEMPT_REASON,
    BLOCKED,
    CRON_RESULT,
    ERROR_CLASS,
    GRAPH,
    MULTITASK_STRATEGY,
    RUN_OUTCOME,
    RUN_SOURCE,
    RUN_STATUS,
    STUCK_KIND,
)

RUNS_CREATED_TOTAL = counter(
    "langgraph_runs_created_total",
    "Runs accepted. Refused ones (409) are in langgraph_double_text_total.",
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_SOURCE,
)
CRON_FIRES_TOTAL = counter(
    "langgraph_cron_fires_total",
    "Times that a cron was due, by what came of it: a run, a busy thread, a request that is wrong.",
    CRON_RESULT,
)
CRON_LAG_SECONDS = histogram(
    "langgraph_cron_lag_seconds",
    "Time from when a cron was due until its run was created; what was missed while down counts.",
    WAIT_BUCKETS,
)
RUNS_FINISHED_TOTAL = counter(
    "langgraph_runs_finished_total",
    "Runs that ended, by how. Each run counts once, whatever its attempts.",
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_OUTCOME,
)
RUN_DURATION_SECONDS = histogram(
    "langgraph_run_duration_seconds",
    "Time from the start of a run's last attempt to its end, without the wait in the queue.",
    RUN_BUCKETS,
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_OUTCOME,
)
RUN_QUEUE_WAIT_SECONDS = histogram(
    "langgraph_run_queue_wait_seconds",
    "Time from when a run was due until a worker started it; behind its own thread or for a slot.",
    WAIT_BUCKETS,
    ASSISTANT,
    ATTEMPT,
)
RUN_ERRORS_TOTAL = counter(
    "langgraph_run_errors_total",
    "Runs that ended in error, by the class of the exception the graph raised.",
    ASSISTANT,
    ERROR_CLASS,
)
RUN_ATTEMPTS_TOTAL = counter(
    "langgraph_run_attempts_total",
    "Attempts started: first, retry after a fault, or recovered from a worker that vanished.",
    ASSISTANT,
    ATTEMPT_REASON,
)
RUNS = gauge(
    "langgraph_runs",
    "Runs in the database by status. Finished ones are estimated when too many to count.",
    RUN_STATUS,
    source="sidecar",
    scope="deployment",
)
RUN_QUEUE_DEPTH = gauge(
    "langgraph_run_queue_depth",
    "Due pending runs. blocked: true behind their own thread, false for a slot, or not told.",
    BLOCKED,
    source="sidecar",
    scope="deployment",
)
RUN_QUEUE_OLDEST_SECONDS = gauge(
    "langgraph_run_queue_oldest_seconds",
    "How long the oldest pending run has been due; 0 when none waits.",
    BLOCKED,
    source="sidecar",
    scope="deployment",
)
RUNS_STUCK = gauge(
    "langgraph_runs_stuck",
    "Runs that ought to move and do not: pending although slots are free, or running unleased.",
    STUCK_KIND,
    source="sidecar",
    scope="deployment",
)
GRAPH_BUILD_SECONDS = histogram(
    "langgraph_graph_build_seconds", "Time a graph factory took.", IO_BUCKETS, GRAPH
)
