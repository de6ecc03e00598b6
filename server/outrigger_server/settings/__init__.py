"""Every setting of the server, a file for each group, read once from a mapping.

A setting's variable is `OUTRIGGER_` and the field's name in capitals. The README's table is made
from the descriptions here. Nothing here looks at the process environment: `cli.py` passes it in.
The rest of the server imports from here.
"""

from outrigger_server.settings.auth import AuthSettings
from outrigger_server.settings.deployment import DeploymentSettings
from outrigger_server.settings.group import SettingsGroup
from outrigger_server.settings.logs import LogSettings
from outrigger_server.settings.process import Settings, environment_names, groups, setting_names
from outrigger_server.settings.rates import RateLimit, RateSettings
from outrigger_server.settings.reader import ReadSettings, load_settings, read_settings
from outrigger_server.settings.scale import ScaleSettings
from outrigger_server.settings.server import ServerSettings
from outrigger_server.settings.sidecar import SidecarSettings
from outrigger_server.settings.storage import StorageSettings
from outrigger_server.settings.streams import StreamSettings
from outrigger_server.settings.table import settings_table
from outrigger_server.settings.webhooks import WebhookSettings
from outrigger_server.settings.worker import WorkerSettings

__all__ = [
    "AuthSettings",
    "DeploymentSettings",
    "LogSettings",
    "RateLimit",
    "RateSettings",
    "ReadSettings",
    "ScaleSettings",
    "ServerSettings",
    "Settings",
    "SettingsGroup",
    "SidecarSettings",
    "StorageSettings",
    "StreamSettings",
    "WebhookSettings",
    "WorkerSettings",
    "environment_names",
    "groups",
    "load_settings",
    "read_settings",
    "setting_names",
    "settings_table",
]
