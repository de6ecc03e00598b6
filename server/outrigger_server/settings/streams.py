"""Settings of how long and how much of a run's events is kept."""

from pydantic import Field

from outrigger_server.settings.group import SettingsGroup


class StreamSettings(SettingsGroup):
    """How long and how much of a run's events is kept."""

    stream_ttl_seconds: float = Field(
        default=120.0,
        ge=0,
        le=86400,
        description="Time a finished run's events can still be replayed.",
    )
    stream_buffer_events: int = Field(
        default=10_000,
        ge=10,
        le=1_000_000,
        description="Events kept of one run; the oldest go first.",
    )
