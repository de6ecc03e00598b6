"""Draws the catalogue of metrics as Markdown, for docs/metrics.md."""

from outrigger_telemetry.metric_specs import CATALOGUE, Label, MetricSpec


def metrics_table() -> str:
    """Draw the table of all metrics, and below it the one of the histograms' buckets."""
    rows = [
        "| metric | kind | labels | source | scope | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| `{spec.name}` | {spec.kind} | {_labels(spec)} | {spec.source} | {spec.scope}"
        f" | {spec.help} |"
        for spec in CATALOGUE
    ]
    return "\n".join([*rows, "", *_buckets()])


def _labels(spec: MetricSpec) -> str:
    return "; ".join(_label(label) for label in spec.labels) or "none"


def _label(label: Label) -> str:
    return f"{label.name} ({', '.join(label.values)})" if label.values else label.name


def _buckets() -> list[str]:
    rows = ["| histogram | upper bounds, then +Inf |", "| --- | --- |"]
    rows += [
        f"| `{spec.name}` | {' '.join(f'{bound:g}' for bound in spec.buckets)} |"
        for spec in CATALOGUE
        if spec.kind == "histogram"
    ]
    return rows
