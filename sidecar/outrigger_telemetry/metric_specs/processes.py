"""Processes and the machine they run on."""

from outrigger_telemetry.metric_specs.kinds import IO_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import LOG_LEVEL, LOGGER_GROUP, LOOP_ROLE, ROLE, WORKER

EVENT_LOOP_LAG_SECONDS = histogram(
    "langgraph_event_loop_lag_seconds",
    "How late a timer fires on the event loop. High on worker: a graph blocks its loop.",
    IO_BUCKETS,
    LOOP_ROLE,
)
PROCESS_CPU_SECONDS_TOTAL = counter(
    "process_cpu_seconds_total",
    "User and system CPU time of the process.",
    ROLE,
    WORKER,
    source="sidecar",
)
PROCESS_RESIDENT_MEMORY_BYTES = gauge(
    "process_resident_memory_bytes", "Resident memory.", ROLE, WORKER, source="sidecar"
)
PROCESS_OPEN_FDS = gauge(
    "process_open_fds", "Open file descriptors.", ROLE, WORKER, source="sidecar"
)
PROCESS_THREADS = gauge(
    "process_threads", "Operating-system threads.", ROLE, WORKER, source="sidecar"
)
LOG_LINES_TOTAL = counter(
    "langgraph_log_lines_total",
    "Lines logged, also those dropped because nobody read the output.",
    LOG_LEVEL,
    LOGGER_GROUP,
)
CONTAINER_MEMORY_BYTES = gauge(
    "langgraph_container_memory_bytes",
    "Memory of the sidecar's control group that cannot be given back; where it has a limit.",
    source="sidecar",
)
CONTAINER_MEMORY_LIMIT_BYTES = gauge(
    "langgraph_container_memory_limit_bytes",
    "Most memory that the sidecar's control group may have; missing without a limit.",
    source="sidecar",
)
CONTAINER_CPU_SECONDS_TOTAL = counter(
    "langgraph_container_cpu_seconds_total",
    "CPU time of the sidecar's control group; where it has a limit.",
    source="sidecar",
)
CONTAINER_CPU_LIMIT = gauge(
    "langgraph_container_cpu_limit",
    "CPUs that the sidecar's control group may use; missing without a limit.",
    source="sidecar",
)
