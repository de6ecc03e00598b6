"""Settings of where data lies."""

from pathlib import Path
from typing import Any

from pydantic import Field

from outrigger_server.settings.group import SettingsGroup, UserPath


def _metrics_below_data(storage: dict[str, Any]) -> Path:
    data_dir: Path = storage["data_dir"]
    return data_dir / "metrics"


class StorageSettings(SettingsGroup):
    """Where data lies."""

    data_dir: UserPath = Field(
        default=Path(".outrigger"),
        description="Directory of the database; made if it does not exist.",
    )
    metrics_dir: UserPath = Field(
        default_factory=_metrics_below_data,
        description="Directory of the metric files that the sidecar reads; best on a tmpfs.",
        json_schema_extra={"shown_default": "`metrics` in the data directory"},
    )
