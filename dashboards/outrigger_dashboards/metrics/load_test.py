"""What the load generator exposes about itself, which board 9 draws beside the server's metrics.

The generator is a program of its own, scraped as a job of its own; its names stand here again.
"""

from outrigger_telemetry.metric_specs import MetricSpec

PREFIX = "outrigger_loadtest_"

LOAD_TEST = (
    MetricSpec(
        f"{PREFIX}conversations_offered_total", "counter", "Conversations that were to begin."
    ),
    MetricSpec(
        f"{PREFIX}conversations_achieved_total", "counter", "Conversations that came to their end."
    ),
    MetricSpec(
        f"{PREFIX}conversations_dropped_total",
        "counter",
        "Conversations never begun: no place under the cap.",
    ),
    MetricSpec(f"{PREFIX}errors_total", "counter", "Requests that failed; 409 is none."),
    MetricSpec(f"{PREFIX}conversations_in_flight", "gauge", "Conversations that go on."),
    MetricSpec(
        f"{PREFIX}send_lag_p99_seconds", "gauge", "How late arrivals are begun, this stage."
    ),
    MetricSpec(f"{PREFIX}stage_rate", "gauge", "Conversations a second that this stage offers."),
    MetricSpec(f"{PREFIX}stage_number", "gauge", "The stage that goes on."),
)
