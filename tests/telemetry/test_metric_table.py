from pathlib import Path

from outrigger_telemetry.metric_specs import CATALOGUE
from outrigger_telemetry.metric_table import metrics_table

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_documented_metrics_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    documented = text.partition("<!-- metrics -->")[2].partition("<!-- /metrics -->")[0]

    assert documented.strip() == metrics_table()


def test_table_names_every_metric() -> None:
    assert all(f"`{spec.name}`" in metrics_table() for spec in CATALOGUE)
