"""What Prometheus itself adds to every scrape, and how it shows alerts."""

from outrigger_telemetry.metric_specs import Label, MetricSpec

OF_PROMETHEUS = (
    MetricSpec("up", "gauge", "1 when the last scrape worked.", source="sidecar"),
    MetricSpec("scrape_duration_seconds", "gauge", "Time the last scrape took.", source="sidecar"),
    MetricSpec("scrape_samples_scraped", "gauge", "Samples of the last scrape.", source="sidecar"),
    MetricSpec(
        "ALERTS",
        "gauge",
        "1 for every alert that is pending or firing.",
        (
            Label("alertname"),
            Label("alertstate", ("pending", "firing")),
            Label("severity", ("critical", "warning", "none")),
            Label("component"),
            Label("job"),
        ),
        source="sidecar",
        scope="deployment",
    ),
)
