"""Every metric Outrigger exposes, as data: name, kind, help, labels, buckets, who writes it.

The one place where a metric is declared. Server, sidecar, dashboards and the tables in the
documents read it; nothing here counts anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Source: TypeAlias = Literal["server", "sidecar"]
Scope: TypeAlias = Literal["process", "deployment"]
MultiprocessMode: TypeAlias = Literal["livesum", "livemax"]

KIBI = 1024
MEBI = 1024 * KIBI
# Bounds in seconds (SIZE in bytes), without the last one, which is always +Inf.
RUN_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
WAIT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
IO_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
TTFT_BUCKETS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)
HTTP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
SIZE_BUCKETS = (256, KIBI, 4 * KIBI, 16 * KIBI, 64 * KIBI, 256 * KIBI, MEBI, 4 * MEBI)
QUEUE_LENGTH_BUCKETS = (1, 2, 3, 5, 10, 20, 50)

MAX_OPEN_VALUES = 100
OVERFLOW_VALUE = "__other__"
UNMATCHED_ROUTE = "__unmatched__"


@dataclass(frozen=True, slots=True)
class Label:
    """One label of a metric: a closed set of values, or open and capped.

    A value outside a closed set becomes `fallback` when there is one (for values that a
    client chooses), and is refused as a programming error when there is none.
    """

    name: str
    values: tuple[str, ...] = ()
    fallback: str | None = None

    @property
    def is_open(self) -> bool:
        """True when any value may come, up to `MAX_OPEN_VALUES` of them."""
        return not self.values


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a metric is called, what it means, and how it may be labelled."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    source: Source = "server"
    scope: Scope = "process"
    multiprocess_mode: MultiprocessMode = "livesum"

    @property
    def family(self) -> str:
        """The name without `_total`, as exposition formats call the family of a counter."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, in the order of their declaration."""
        return tuple(label.name for label in self.labels)


ASSISTANT = Label("assistant")
GRAPH = Label("graph")
ERROR_CLASS = Label("error_class")
ROUTE = Label("route")
STATUS = Label("status")
ROLE = Label("role")
WORKER = Label("worker")
LOGGER_GROUP = Label("logger_group")
COLLECTOR = Label("collector")
METRIC = Label("metric")
VERSION = Label("version")

STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
MULTITASK_STRATEGY = Label("multitask_strategy", STRATEGIES)
STRATEGY = Label("strategy", STRATEGIES)
RUN_SOURCE = Label("source", ("api", "cron", "resume"))
CRON_RESULT = Label("result", ("created", "rejected", "invalid", "ended", "failed"))
RUN_OUTCOME = Label(
    "outcome", ("success", "error", "timeout", "interrupted", "cancelled", "rolled_back")
)
RUN_STATUS = Label("status", ("pending", "running", "success", "error", "timeout", "interrupted"))
THREAD_STATUS = Label("status", ("idle", "busy", "interrupted", "error"))
BLOCKED = Label("blocked", ("false", "true"))
ATTEMPT = Label("attempt", ("first", "retry"))
ATTEMPT_REASON = Label("reason", ("first", "retry", "recovered"))
STUCK_KIND = Label("kind", ("pending_with_free_slots", "running_without_lease"))
DOUBLE_TEXT_RESULT = Label("result", ("rejected", "enqueued", "interrupted", "rolled_back"))
FENCED_KIND = Label("kind", ("checkpoint", "status", "store"))
STREAM_MODE = Label(
    "mode",
    (
        *("values", "updates", "messages", "messages-tuple", "custom", "events", "debug"),
        *("tasks", "checkpoints", "other"),
    ),
    fallback="other",
)
CLOSE_REASON = Label(
    "reason",
    ("done", "superseded", "client_disconnect", "slow_reader", "server_error", "timeout"),
)
ON_DISCONNECT = Label("on_disconnect", ("cancel", "continue"))
SLOT_STATE = Label("state", ("busy", "idle", "zombie"))
LEASE_OUTCOME = Label("outcome", ("requeued", "exhausted"))
BACKEND = Label("backend", ("sqlite", "postgres", "memory"))
METHOD = Label(
    "method",
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "_OTHER"),
    fallback="_OTHER",
)
WEBHOOK_OUTCOME = Label("outcome", ("delivered", "failed", "given_up"))
STATUS_CLASS = Label("status_class", ("1xx", "2xx", "3xx", "4xx", "5xx"))
LOOP_ROLE = Label("role", ("api", "worker"))
LOG_LEVEL = Label("level", ("debug", "info", "warning", "error", "critical"), fallback="info")
PROBE_RESULT = Label("result", ("ok", "error"))
CHECK = Label(
    "check",
    ("database", "redis", "memory", "cpu", "server", "workers", "queue", "disk", "relay"),
)
RELAY_KIND = Label("kind", ("post", "patch", "feedback"))
RELAY_FORWARD_RESULT = Label("result", ("ok", "retry", "denied", "refused"))
RELAY_DROP_REASON = Label(
    "reason", ("spool_full", "upstream_refused", "damaged", "redaction_failed")
)
RELAY_REPLAY_RESULT = Label("result", ("ok", "refused"))
RELAY_REFUSAL = Label(
    "reason",
    (
        *("body_too_large", "decompressed_too_large", "part_too_large", "too_many_parts"),
        *("slow_sender", "unknown_part", "unknown_encoding", "malformed", "wrong_key"),
        *("busy", "spool_unavailable", "no_upstream", "upstream_unreachable"),
    ),
)
CHECK_STATE = Label("state", ("ok", "degraded", "failed", "unknown", "off"))


def _counter(name: str, text: str, *labels: Label, source: Source = "server") -> MetricSpec:
    return MetricSpec(name, "counter", text, labels, source=source)


def _histogram(
    name: str,
    text: str,
    buckets: tuple[float, ...],
    *labels: Label,
    source: Source = "server",
) -> MetricSpec:
    return MetricSpec(name, "histogram", text, labels, buckets, source=source)


def _gauge(
    name: str,
    text: str,
    *labels: Label,
    source: Source = "server",
    scope: Scope = "process",
) -> MetricSpec:
    return MetricSpec(name, "gauge", text, labels, source=source, scope=scope)


# Runs
RUNS_CREATED_TOTAL = _counter(
    "langgraph_runs_created_total",
    "Runs accepted. Refused ones (409) are in langgraph_double_text_total.",
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_SOURCE,
)
CRON_FIRES_TOTAL = _counter(
    "langgraph_cron_fires_total",
    "Times that a cron was due, by what came of it: a run, a busy thread, a request that is wrong.",
    CRON_RESULT,
)
CRON_LAG_SECONDS = _histogram(
    "langgraph_cron_lag_seconds",
    "Time from when a cron was due until its run was created; what was missed while down counts.",
    WAIT_BUCKETS,
)
RUNS_FINISHED_TOTAL = _counter(
    "langgraph_runs_finished_total",
    "Runs that ended, by how. Each run counts once, whatever its attempts.",
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_OUTCOME,
)
RUN_DURATION_SECONDS = _histogram(
    "langgraph_run_duration_seconds",
    "Time from the start of a run's last attempt to its end, without the wait in the queue.",
    RUN_BUCKETS,
    ASSISTANT,
    MULTITASK_STRATEGY,
    RUN_OUTCOME,
)
RUN_QUEUE_WAIT_SECONDS = _histogram(
    "langgraph_run_queue_wait_seconds",
    "Time from when a run was due until a worker started it; behind its own thread or for a slot.",
    WAIT_BUCKETS,
    ASSISTANT,
    ATTEMPT,
)
RUN_ERRORS_TOTAL = _counter(
    "langgraph_run_errors_total",
    "Runs that ended in error, by the class of the exception the graph raised.",
    ASSISTANT,
    ERROR_CLASS,
)
RUN_ATTEMPTS_TOTAL = _counter(
    "langgraph_run_attempts_total",
    "Attempts started: first, retry after a fault, or recovered from a worker that vanished.",
    ASSISTANT,
    ATTEMPT_REASON,
)
RUNS = _gauge(
    "langgraph_runs",
    "Runs in the database by status. Finished ones are estimated when too many to count.",
    RUN_STATUS,
    source="sidecar",
    scope="deployment",
)
RUN_QUEUE_DEPTH = _gauge(
    "langgraph_run_queue_depth",
    "Pending runs that are due. blocked=true waits behind its own thread, false for a free slot.",
    BLOCKED,
    source="sidecar",
    scope="deployment",
)
RUN_QUEUE_OLDEST_SECONDS = _gauge(
    "langgraph_run_queue_oldest_seconds",
    "How long the oldest pending run has been due; 0 when none waits.",
    BLOCKED,
    source="sidecar",
    scope="deployment",
)
RUNS_STUCK = _gauge(
    "langgraph_runs_stuck",
    "Runs that ought to move and do not: pending although slots are free, or running unleased.",
    STUCK_KIND,
    source="sidecar",
    scope="deployment",
)

# Double-texting
DOUBLE_TEXT_TOTAL = _counter(
    "langgraph_double_text_total",
    "Runs sent to a thread that was busy, by strategy and what came of it.",
    STRATEGY,
    DOUBLE_TEXT_RESULT,
)
DOUBLE_TEXT_CUT_SECONDS = _histogram(
    "langgraph_double_text_cut_seconds",
    "Time from accepting the new run until the one it replaced had stopped.",
    IO_BUCKETS,
    STRATEGY,
)
DOUBLE_TEXT_WASTED_SECONDS_TOTAL = _counter(
    "langgraph_double_text_wasted_seconds_total",
    "Run time thrown away because a newer message replaced the run.",
    STRATEGY,
)
THREAD_QUEUE_LENGTH = _histogram(
    "langgraph_thread_queue_length",
    "Runs in flight on a thread when one more is put behind them.",
    QUEUE_LENGTH_BUCKETS,
)
FENCED_WRITES_TOTAL = _counter(
    "langgraph_fenced_writes_total",
    "Writes refused because the attempt had lost its run. Growth means work ran on after a cut.",
    FENCED_KIND,
)
THREADS = _gauge(
    "langgraph_threads",
    "Threads in the database by status. Estimated when there are too many to count.",
    THREAD_STATUS,
    source="sidecar",
    scope="deployment",
)

# Streams
STREAM_FIRST_EVENT_SECONDS = _histogram(
    "langgraph_stream_first_event_seconds",
    "Time from the request until the first event of the graph was sent.",
    TTFT_BUCKETS,
    ASSISTANT,
    STREAM_MODE,
)
STREAMS_ACTIVE = _gauge("langgraph_streams_active", "Streams open now.", STREAM_MODE)
STREAM_EVENTS_TOTAL = _counter(
    "langgraph_stream_events_total", "Events sent to readers of streams.", STREAM_MODE
)
STREAM_BYTES_TOTAL = _counter(
    "langgraph_stream_bytes_total", "Bytes sent to readers of streams.", STREAM_MODE
)
STREAM_CLOSED_TOTAL = _counter(
    "langgraph_stream_closed_total",
    "Streams that ended, by why, and by what the run does when its reader leaves.",
    CLOSE_REASON,
    ON_DISCONNECT,
)
STREAM_RESUMES_TOTAL = _counter(
    "langgraph_stream_resumes_total", "Readers that came back with Last-Event-ID."
)
STREAM_EVENTS_LOST_TOTAL = _counter(
    "langgraph_stream_events_lost_total",
    "Events that readers missed: a buffer had dropped them, or Redis was away.",
)

# Workers
WORKER_SLOTS = _gauge(
    "langgraph_worker_slots",
    "Slots for runs by state. A zombie slot holds a run that was cut and will not stop.",
    SLOT_STATE,
)
LEASES_EXPIRED_TOTAL = _counter(
    "langgraph_leases_expired_total",
    "Leases that ran out because their worker died or hung, by what became of the run.",
    LEASE_OUTCOME,
)
RUNS_RECOVERED_TOTAL = _counter(
    "langgraph_runs_recovered_total",
    "Runs taken over from a worker that vanished, by what became of them.",
    LEASE_OUTCOME,
)
CHECKPOINT_WRITE_SECONDS = _histogram(
    "langgraph_checkpoint_write_seconds",
    "Time to store a checkpoint, with the wait for the writer.",
    IO_BUCKETS,
    BACKEND,
)
CHECKPOINT_BYTES = _histogram(
    "langgraph_checkpoint_bytes", "Size of a stored checkpoint.", SIZE_BUCKETS, BACKEND
)
GRAPH_BUILD_SECONDS = _histogram(
    "langgraph_graph_build_seconds", "Time a graph factory took.", IO_BUCKETS, GRAPH
)

# Webhooks
WEBHOOK_DELIVERIES_TOTAL = _counter(
    "langgraph_webhook_deliveries_total",
    "Calls of webhooks. A failed one is made again; a given up one never is.",
    WEBHOOK_OUTCOME,
)
WEBHOOK_CALL_SECONDS = _histogram(
    "langgraph_webhook_call_seconds", "Time one call of a webhook took.", HTTP_BUCKETS
)
WEBHOOK_DELAY_SECONDS = _histogram(
    "langgraph_webhook_delay_seconds",
    "Time from the end of a run until its webhook was delivered.",
    WAIT_BUCKETS,
)

# HTTP and processes
HTTP_SERVER_REQUEST_DURATION_SECONDS = _histogram(
    "http_server_request_duration_seconds",
    "Time to answer a request, to the last byte; streams and waits last as long as their run.",
    HTTP_BUCKETS,
    METHOD,
    ROUTE,
    STATUS_CLASS,
)
HTTP_SERVER_REQUESTS_TOTAL = _counter(
    "http_server_requests_total",
    "Requests answered, by status; counted only for the lg_api_ page (OUTRIGGER_LG_API_METRICS).",
    METHOD,
    ROUTE,
    STATUS,
)
HTTP_SERVER_ACTIVE_REQUESTS = _gauge(
    "http_server_active_requests", "Requests being answered now.", METHOD
)
EVENT_LOOP_LAG_SECONDS = _histogram(
    "langgraph_event_loop_lag_seconds",
    "How late a timer fires on the event loop. High on worker: a graph blocks its loop.",
    IO_BUCKETS,
    LOOP_ROLE,
)
PROCESS_CPU_SECONDS_TOTAL = _counter(
    "process_cpu_seconds_total",
    "User and system CPU time of the process.",
    ROLE,
    WORKER,
    source="sidecar",
)
PROCESS_RESIDENT_MEMORY_BYTES = _gauge(
    "process_resident_memory_bytes", "Resident memory.", ROLE, WORKER, source="sidecar"
)
PROCESS_OPEN_FDS = _gauge(
    "process_open_fds", "Open file descriptors.", ROLE, WORKER, source="sidecar"
)
PROCESS_THREADS = _gauge(
    "process_threads", "Operating-system threads.", ROLE, WORKER, source="sidecar"
)
LOG_LINES_TOTAL = _counter(
    "langgraph_log_lines_total",
    "Lines logged, also those dropped because nobody read the output.",
    LOG_LEVEL,
    LOGGER_GROUP,
)

# What the sidecar finds
DB_PROBE_SECONDS = _histogram(
    "langgraph_db_probe_seconds",
    "Time the database took to answer the sidecar's probe.",
    IO_BUCKETS,
    PROBE_RESULT,
    source="sidecar",
)
REDIS_PROBE_SECONDS = _histogram(
    "langgraph_redis_probe_seconds",
    "Time Redis took to answer the sidecar's PING.",
    IO_BUCKETS,
    PROBE_RESULT,
    source="sidecar",
)
HEALTH_STATUS = _gauge(
    "langgraph_health_status",
    "1 for the state each check is in, 0 for the others.",
    CHECK,
    CHECK_STATE,
    source="sidecar",
)
HEALTH_CHECK_SECONDS = _histogram(
    "langgraph_health_check_seconds",
    "Time a health check took.",
    IO_BUCKETS,
    CHECK,
    source="sidecar",
)
HEALTH_CHECK_AGE_SECONDS = _gauge(
    "langgraph_health_check_age_seconds",
    "Time since a health check last gave a result. Growth means the check hangs.",
    CHECK,
    source="sidecar",
)
SIDECAR_COLLECTOR_DURATION_SECONDS = _gauge(
    "langgraph_sidecar_collector_duration_seconds",
    "Time a collector took for this scrape.",
    COLLECTOR,
    source="sidecar",
)
SIDECAR_COLLECTOR_SUCCESS = _gauge(
    "langgraph_sidecar_collector_success",
    "1 when the collector worked for this scrape; 0 means its metrics are missing.",
    COLLECTOR,
    source="sidecar",
)
SIDECAR_BUILD_INFO = _gauge(
    "langgraph_sidecar_build_info", "Always 1; says which version runs.", VERSION, source="sidecar"
)
SIDECAR_METRIC_FILES = _gauge(
    "langgraph_sidecar_metric_files",
    "Metric files read for this scrape. Steady growth means dead processes are not folded.",
    source="sidecar",
)
LABEL_OVERFLOW_TOTAL = _counter(
    "langgraph_label_overflow_total",
    f"Observations put under {OVERFLOW_VALUE} because a label had its {MAX_OPEN_VALUES} values.",
    METRIC,
    source="sidecar",
)
RELAY_INGESTED_RUNS_TOTAL = _counter(
    "langgraph_relay_ingested_runs_total",
    "Run operations that the relay took in.",
    RELAY_KIND,
    source="sidecar",
)
RELAY_REFUSED_REQUESTS_TOTAL = _counter(
    "langgraph_relay_refused_requests_total",
    "Requests that the relay refused, by what was wrong with them.",
    RELAY_REFUSAL,
    source="sidecar",
)
RELAY_REPLAYED_FILES_TOTAL = _counter(
    "langgraph_relay_replayed_files_total",
    "Files of traces that the SDK could not send, found later by the relay.",
    RELAY_REPLAY_RESULT,
    source="sidecar",
)
RELAY_FORWARDED_BATCHES_TOTAL = _counter(
    "langgraph_relay_forwarded_batches_total",
    "Batches sent upstream, by how it ended; all but ok and refused are sent again.",
    RELAY_FORWARD_RESULT,
    source="sidecar",
)
RELAY_DROPPED_RUNS_TOTAL = _counter(
    "langgraph_relay_dropped_runs_total",
    "Run operations that were taken in and will never be upstream. Should not grow.",
    RELAY_DROP_REASON,
    source="sidecar",
)
RELAY_SAMPLED_OUT_TOTAL = _counter(
    "langgraph_relay_sampled_out_total",
    "Run operations left out on purpose: their trace was fast, without error and not in the share.",
    source="sidecar",
)
RELAY_SPOOL_BYTES = _gauge(
    "langgraph_relay_spool_bytes", "Size of the relay's spool on disk.", source="sidecar"
)
RELAY_SPOOL_OLDEST_SECONDS = _gauge(
    "langgraph_relay_spool_oldest_seconds",
    "Age of the oldest run operation that is not upstream yet; 0 when all are.",
    source="sidecar",
)
RELAY_FORWARD_SECONDS = _histogram(
    "langgraph_relay_forward_seconds",
    "Time the upstream took to answer one batch.",
    IO_BUCKETS,
    source="sidecar",
)

CATALOGUE: tuple[MetricSpec, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, MetricSpec)
)
BY_NAME: Mapping[str, MetricSpec] = {spec.name: spec for spec in CATALOGUE}
