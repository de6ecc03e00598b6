"""All settings of one process: its groups, and what their variables are called."""

from collections.abc import Iterator

from pydantic import Field

from outrigger_server.settings.auth import AuthSettings
from outrigger_server.settings.deployment import DeploymentSettings
from outrigger_server.settings.group import SettingsGroup
from outrigger_server.settings.logs import LogSettings
from outrigger_server.settings.rates import RateSettings
from outrigger_server.settings.scale import ScaleSettings
from outrigger_server.settings.server import ServerSettings
from outrigger_server.settings.sidecar import SidecarSettings
from outrigger_server.settings.storage import StorageSettings
from outrigger_server.settings.streams import StreamSettings
from outrigger_server.settings.webhooks import WebhookSettings
from outrigger_server.settings.worker import WorkerSettings
from outrigger_telemetry.setting_names import PREFIX

# The names that every platform gives its databases.
_PLATFORM_NAMES = {
    "postgres_uri": ("POSTGRES_URI", "DATABASE_URI"),
    "redis_uri": ("REDIS_URI",),
}


class Settings(SettingsGroup):
    """All settings of one process."""

    deployment: DeploymentSettings = Field(default_factory=DeploymentSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    scale: ScaleSettings = Field(default_factory=ScaleSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    streams: StreamSettings = Field(default_factory=StreamSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    rates: RateSettings = Field(default_factory=RateSettings)
    logs: LogSettings = Field(default_factory=LogSettings)
    sidecar: SidecarSettings = Field(default_factory=SidecarSettings)


def environment_names(field_name: str) -> tuple[str, ...]:
    """Name the environment variables of a field; the first that is set counts."""
    return _PLATFORM_NAMES.get(field_name, (PREFIX + field_name.upper(),))


def setting_names() -> frozenset[str]:
    """Name the environment variables of all settings of the server."""
    return frozenset(each for name in field_names() for each in environment_names(name))


def groups() -> Iterator[tuple[str, type[SettingsGroup]]]:
    """Every group with its name."""
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, SettingsGroup):
            yield name, group


def field_names() -> Iterator[str]:
    """The fields of every group."""
    for _, group in groups():
        yield from group.model_fields
