"""Settings with which `outrigger up` starts the sidecar."""

from pydantic import Field

from outrigger_server.settings.group import Host, SettingsGroup


class SidecarSettings(SettingsGroup):
    """What `outrigger up` needs to start the sidecar; its own settings are the sidecar's."""

    no_sidecar: bool = Field(
        default=False,
        description="Start no sidecar beside the server (`outrigger up`).",
    )
    sidecar_host: Host = Field(default="127.0.0.1", description="Address the sidecar listens on.")
    sidecar_port: int = Field(default=9464, ge=0, le=65535, description="Port of the sidecar.")
    no_relay: bool = Field(
        default=False,
        description="Send traces past the sidecar even when `LANGSMITH_TRACING` is on.",
    )
    relay_metrics: bool = Field(
        default=False,
        description="Trace runs for the sidecar's metrics also when `LANGSMITH_TRACING` is off.",
    )
