"""Health, and the sidecar itself."""

from outrigger_telemetry.metric_specs.kinds import (
    IO_BUCKETS,
    MAX_OPEN_VALUES,
    OVERFLOW_VALUE,
    RUN_BUCKETS,
    counter,
    gauge,
    histogram,
)
from outrigger_telemetry.metric_specs.labels import (
    CANARY_RESULT,
    CHECK,
    CHECK_STATE,
    COLLECTOR,
    LANGGRAPH_VERSION,
    METRIC,
    REFUSAL,
    VERSION,
)

HEALTH_STATUS = gauge(
    "langgraph_health_status",
    "1 for the state each check is in, 0 for the others.",
    CHECK,
    CHECK_STATE,
    source="sidecar",
)
HEALTH_CHECK_SECONDS = histogram(
    "langgraph_health_check_seconds",
    "Time a health check took.",
    IO_BUCKETS,
    CHECK,
    source="sidecar",
)
HEALTH_CHECK_AGE_SECONDS = gauge(
    "langgraph_health_check_age_seconds",
    "Time since a health check last gave a result. Growth means the check hangs.",
    CHECK,
    source="sidecar",
)
HEALTH_TRANSITIONS_TOTAL = counter(
    "langgraph_health_transitions_total",
    "Times a check changed into a state, its first result included. Growth means it flaps.",
    CHECK,
    CHECK_STATE,
    source="sidecar",
)
CANARY_SECONDS = histogram(
    "langgraph_canary_seconds",
    "Time from making a thread until a run of the canary's assistant had ended.",
    RUN_BUCKETS,
    CANARY_RESULT,
    source="sidecar",
)
SIDECAR_COLLECTOR_DURATION_SECONDS = gauge(
    "langgraph_sidecar_collector_duration_seconds",
    "Time a collector took for this scrape.",
    COLLECTOR,
    source="sidecar",
)
SIDECAR_COLLECTOR_SUCCESS = gauge(
    "langgraph_sidecar_collector_success",
    "1 when the collector worked for this scrape; 0 means its metrics are missing.",
    COLLECTOR,
    source="sidecar",
)
SIDECAR_COLLECTOR_AGE_SECONDS = gauge(
    "langgraph_sidecar_collector_age_seconds",
    "Time since a collector last worked; 0 when it worked for this scrape.",
    COLLECTOR,
    source="sidecar",
)
SIDECAR_REFUSED_TOTAL = counter(
    "langgraph_sidecar_refused_total",
    "Requests and connections that the sidecar refused, by why.",
    REFUSAL,
    source="sidecar",
)
SIDECAR_BUILD_INFO = gauge(
    "langgraph_sidecar_build_info", "Always 1; says which version runs.", VERSION, source="sidecar"
)
TARGET_INFO = gauge(
    "langgraph_target_info",
    "Always 1; says what a server that is seen by its API alone runs.",
    VERSION,
    LANGGRAPH_VERSION,
    source="sidecar",
)
SIDECAR_METRIC_FILES = gauge(
    "langgraph_sidecar_metric_files",
    "Metric files read for this scrape. Steady growth means dead processes are not folded.",
    source="sidecar",
)
LABEL_OVERFLOW_TOTAL = counter(
    "langgraph_label_overflow_total",
    f"Observations put under {OVERFLOW_VALUE} because a label had its {MAX_OPEN_VALUES} values.",
    METRIC,
    source="sidecar",
)
