"""Settings of traces."""

from pydantic import Field

from outrigger_server.settings.group import SettingsGroup


class TracingSettings(SettingsGroup):
    """What traces say; whether and where they go is in the `LANGSMITH_` variables."""

    environment: str = Field(
        default="default",
        min_length=1,
        max_length=100,
        description="Name of this deployment in the metadata of traces, such as `production`.",
    )
