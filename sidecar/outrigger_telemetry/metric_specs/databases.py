"""The database and Redis: what is written, and how quickly they answer."""

from outrigger_telemetry.metric_specs.kinds import IO_BUCKETS, SIZE_BUCKETS, gauge, histogram
from outrigger_telemetry.metric_specs.labels import BACKEND, POOL, POOL_STATE, PROBE_RESULT

CHECKPOINT_WRITE_SECONDS = histogram(
    "langgraph_checkpoint_write_seconds",
    "Time to store a checkpoint, with the wait for the writer.",
    IO_BUCKETS,
    BACKEND,
)
CHECKPOINT_BYTES = histogram(
    "langgraph_checkpoint_bytes", "Size of a stored checkpoint.", SIZE_BUCKETS, BACKEND
)
DB_PROBE_SECONDS = histogram(
    "langgraph_db_probe_seconds",
    "Time the database took to answer the sidecar's probe.",
    IO_BUCKETS,
    PROBE_RESULT,
    source="sidecar",
)
REDIS_PROBE_SECONDS = histogram(
    "langgraph_redis_probe_seconds",
    "Time Redis took to answer the sidecar's PING.",
    IO_BUCKETS,
    PROBE_RESULT,
    source="sidecar",
)
DB_POOL_CONNECTIONS = gauge(
    "langgraph_db_pool_connections",
    "Connections to the database and to Redis that are open: in use, or kept for the next.",
    POOL_STATE,
    POOL,
)
DB_POOL_WAITING = gauge(
    "langgraph_db_pool_waiting", "Jobs that wait for a connection of the pool.", POOL
)
DB_POOL_ACQUIRE_SECONDS = histogram(
    "langgraph_db_pool_acquire_seconds",
    "Time from asking the pool for a connection until it was there, connecting included.",
    IO_BUCKETS,
    POOL,
)
