"""The relay of traces: what it took in, kept, forwarded and lost."""

from outrigger_telemetry.metric_specs.kinds import IO_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import (
    DROP_REASON,
    FORWARD_RESULT,
    RELAY_KIND,
    SAMPLE_REASON,
)

RELAY_INGESTED_RUNS_TOTAL = counter(
    "langgraph_relay_ingested_runs_total",
    "Operations on runs of traces that were taken in.",
    RELAY_KIND,
    source="relay",
)
RELAY_FORWARDED_BATCHES_TOTAL = counter(
    "langgraph_relay_forwarded_batches_total",
    "Batches sent upstream, by what came of it. A retried one counts each time.",
    FORWARD_RESULT,
    source="relay",
)
RELAY_DROPPED_RUNS_TOTAL = counter(
    "langgraph_relay_dropped_runs_total",
    "Operations that never reach upstream, by why.",
    DROP_REASON,
    source="relay",
)
RELAY_SAMPLED_OUT_TOTAL = counter(
    "langgraph_relay_sampled_out_total",
    "Operations of traces that were not chosen to be kept; they are in the metrics.",
    SAMPLE_REASON,
    source="relay",
)
RELAY_SPOOL_BYTES = gauge(
    "langgraph_relay_spool_bytes", "Bytes on disk that wait to be forwarded.", source="relay"
)
RELAY_SPOOL_OLDEST_SECONDS = gauge(
    "langgraph_relay_spool_oldest_seconds",
    "How long the oldest batch has waited to be forwarded; 0 when none waits.",
    source="relay",
)
RELAY_FORWARD_SECONDS = histogram(
    "langgraph_relay_forward_seconds",
    "Time upstream took to answer a batch.",
    IO_BUCKETS,
    source="relay",
)
