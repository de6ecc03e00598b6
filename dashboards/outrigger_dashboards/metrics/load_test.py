"""What the load generator exposes about itself, which board 9 draws beside the server's metrics.

The generator is a program of its own, so its names stand here again; the tests hold them
against the generator's.
"""

from outrigger_telemetry.metric_specs import RUN_BUCKETS, Label, MetricSpec

_TEST = Label("test_id")
_OPERATION = Label("operation")

LOAD_TEST = (
    MetricSpec("outrigger_loadtest_offered_total", "counter", "Arrivals that were due.", (_TEST,)),
    MetricSpec(
        "outrigger_loadtest_requests_total",
        "counter",
        "Operations that ended, by how.",
        (_TEST, _OPERATION, Label("result", ("ok", "fail", "unknown"))),
    ),
    MetricSpec(
        "outrigger_loadtest_latency_seconds",
        "histogram",
        "Time from the intended send to the answer.",
        (_TEST, _OPERATION),
        RUN_BUCKETS,
    ),
    MetricSpec(
        "outrigger_loadtest_send_lag_seconds",
        "histogram",
        "How late the generator sent what was due.",
        (_TEST,),
        RUN_BUCKETS,
    ),
    MetricSpec("outrigger_loadtest_in_flight", "gauge", "Operations in flight.", (_TEST,)),
    MetricSpec(
        "outrigger_loadtest_dropped_total",
        "counter",
        "Arrivals not sent: too many in flight.",
        (_TEST,),
    ),
    MetricSpec(
        "outrigger_loadtest_findings_total",
        "counter",
        "Broken promises that the checker found.",
        (_TEST,),
    ),
)
