"""The relay of traces: what it took in, kept, forwarded and lost."""

from outrigger_telemetry.metric_specs.kinds import IO_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import (
    RELAY_DROP_REASON,
    RELAY_FORWARD_RESULT,
    RELAY_KIND,
    RELAY_REFUSAL,
    RELAY_REPLAY_RESULT,
)

RELAY_INGESTED_RUNS_TOTAL = counter(
    "langgraph_relay_ingested_runs_total",
    "Run operations that the relay took in.",
    RELAY_KIND,
    source="relay",
)
RELAY_REFUSED_REQUESTS_TOTAL = counter(
    "langgraph_relay_refused_requests_total",
    "Requests that the relay refused, by what was wrong with them.",
    RELAY_REFUSAL,
    source="relay",
)
RELAY_REPLAYED_FILES_TOTAL = counter(
    "langgraph_relay_replayed_files_total",
    "Files of traces that the SDK could not send, found later by the relay.",
    RELAY_REPLAY_RESULT,
    source="relay",
)
RELAY_FORWARDED_BATCHES_TOTAL = counter(
    "langgraph_relay_forwarded_batches_total",
    "Batches sent upstream, by how it ended; all but ok and refused are sent again.",
    RELAY_FORWARD_RESULT,
    source="relay",
)
RELAY_DROPPED_RUNS_TOTAL = counter(
    "langgraph_relay_dropped_runs_total",
    "Run operations that were taken in and will never be upstream. Should not grow.",
    RELAY_DROP_REASON,
    source="relay",
)
RELAY_SAMPLED_OUT_TOTAL = counter(
    "langgraph_relay_sampled_out_total",
    "Run operations left out on purpose: their trace was fast, without error and not in the share.",
    source="relay",
)
RELAY_SPOOL_BYTES = gauge(
    "langgraph_relay_spool_bytes", "Size of the relay's spool on disk.", source="relay"
)
RELAY_SPOOL_OLDEST_SECONDS = gauge(
    "langgraph_relay_spool_oldest_seconds",
    "Age of the oldest run operation that is not upstream yet; 0 when all are.",
    source="relay",
)
RELAY_FORWARD_SECONDS = histogram(
    "langgraph_relay_forward_seconds",
    "Time the upstream took to answer one batch.",
    IO_BUCKETS,
    source="relay",
)
