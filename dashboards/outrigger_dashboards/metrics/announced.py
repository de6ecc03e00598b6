"""Metrics of the telemetry contract that the shared catalogue does not have yet.

Panels and alerts for them are built already. A metric leaves this list when it comes into the
catalogue: the tests refuse one that is in both.
"""

from outrigger_telemetry.metric_specs import IO_BUCKETS, RUN_BUCKETS, Label, MetricSpec

_POOL = Label("pool", ("writer", "reader", "graph_reader", "redis"))
_CHECK = Label(
    "check",
    ("database", "redis", "memory", "cpu", "server", "workers", "queue", "disk", "relay"),
)
_CHECK_STATE = Label("state", ("ok", "degraded", "failed", "unknown", "off"))

ANNOUNCED = (
    MetricSpec(
        "langgraph_worker_up",
        "gauge",
        "1 for a worker whose heart beats.",
        (Label("worker"),),
        source="sidecar",
        scope="deployment",
    ),
    MetricSpec(
        "langgraph_worker_heartbeat_age_seconds",
        "gauge",
        "Time since the last heartbeat of a worker.",
        (Label("worker"),),
        source="sidecar",
        scope="deployment",
    ),
    MetricSpec(
        "langgraph_db_pool_connections",
        "gauge",
        "Connections of a pool by state.",
        (Label("state", ("busy", "idle")), _POOL),
    ),
    MetricSpec("langgraph_db_pool_waiting", "gauge", "Callers waiting for a connection.", (_POOL,)),
    MetricSpec(
        "langgraph_db_pool_acquire_seconds",
        "histogram",
        "Time until a caller had its connection.",
        (_POOL,),
        IO_BUCKETS,
    ),
    MetricSpec(
        "langgraph_health_transitions_total",
        "counter",
        "Times a check changed into a state.",
        (_CHECK, _CHECK_STATE),
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_canary_seconds",
        "histogram",
        "Time from making a thread until a run of the canary had ended.",
        (Label("result", ("ok", "error", "timeout")),),
        RUN_BUCKETS,
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_ingested_runs_total",
        "counter",
        "Run operations that the relay took in.",
        (Label("kind"),),
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_forwarded_batches_total",
        "counter",
        "Batches sent upstream, by how it ended.",
        (Label("result"),),
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_dropped_runs_total",
        "counter",
        "Run operations that will never be upstream.",
        (Label("reason"),),
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_spool_bytes",
        "gauge",
        "Size of the relay's spool on disk.",
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_spool_oldest_seconds",
        "gauge",
        "Age of the oldest run operation that is not upstream yet.",
        source="sidecar",
    ),
    MetricSpec(
        "langgraph_relay_forward_seconds",
        "histogram",
        "Time the upstream took to answer one batch.",
        (),
        IO_BUCKETS,
        source="sidecar",
    ),
)
