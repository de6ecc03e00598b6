"""Webhooks."""

from outrigger_telemetry.metric_specs.kinds import HTTP_BUCKETS, WAIT_BUCKETS, counter, histogram
from outrigger_telemetry.metric_specs.labels import WEBHOOK_OUTCOME

WEBHOOK_DELIVERIES_TOTAL = counter(
    "langgraph_webhook_deliveries_total",
    "Calls of webhooks. A failed one is made again; a given up one never is.",
    WEBHOOK_OUTCOME,
)
WEBHOOK_CALL_SECONDS = histogram(
    "langgraph_webhook_call_seconds", "Time one call of a webhook took.", HTTP_BUCKETS
)
WEBHOOK_DELAY_SECONDS = histogram(
    "langgraph_webhook_delay_seconds",
    "Time from the end of a run until its webhook was delivered.",
    WAIT_BUCKETS,
)
