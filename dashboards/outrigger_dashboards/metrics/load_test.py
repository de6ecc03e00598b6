"""What the load generator exposes about itself, which board 9 draws beside the server's metrics.

The generator is a program of its own, scraped as a job of its own; its names stand here again, and
a test holds them against its page.
"""

from outrigger_telemetry.metric_specs import Label, MetricSpec
from outrigger_telemetry.metric_specs.kinds import Kind

PREFIX = "outrigger_loadtest_"
TEST = Label("test")
OPERATION = Label("operation", ("open", "accept", "queue_wait", "first_event", "total", "cut"))
STRATEGY = Label("strategy", ("reject", "enqueue", "interrupt", "rollback", "mixed"))
LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


def _of_the_test(name: str, kind: Kind, text: str) -> MetricSpec:
    return MetricSpec(f"{PREFIX}{name}", kind, text, (TEST,))


LOAD_TEST = (
    _of_the_test("conversations_offered_total", "counter", "Conversations that were to begin."),
    _of_the_test(
        "conversations_achieved_total", "counter", "Conversations that came to their end."
    ),
    _of_the_test(
        "conversations_dropped_total",
        "counter",
        "Conversations never begun: no place under the cap.",
    ),
    _of_the_test("errors_total", "counter", "Requests that failed; 409 is none."),
    _of_the_test("conversations_in_flight", "gauge", "Conversations that go on."),
    _of_the_test("send_lag_p99_seconds", "gauge", "How late arrivals are begun, lately."),
    _of_the_test("stage_rate", "gauge", "Conversations a second that this stage offers."),
    _of_the_test("stage_number", "gauge", "The stage that goes on."),
    MetricSpec(
        f"{PREFIX}latency_seconds",
        "histogram",
        "How long people wait, from when they meant to send; what is sent while warming up is out.",
        (TEST, OPERATION, STRATEGY),
        LATENCY_BUCKETS,
    ),
)
