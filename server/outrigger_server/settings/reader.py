"""Reads all settings from a mapping that looks like the environment."""

import re
from collections.abc import Mapping

from pydantic import ValidationError

from outrigger_server.errors import ConfigurationError
from outrigger_server.settings.faults import faults_of
from outrigger_server.settings.group import SettingsGroup
from outrigger_server.settings.process import (
    Settings,
    environment_names,
    field_names,
    groups,
)
from outrigger_server.settings.scale import ScaleSettings
from outrigger_telemetry.secret_files import open_secrets
from outrigger_telemetry.setting_names import unknown_names

# Kubernetes gives every container such a variable for a service named `outrigger`.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Make the settings from `environ` and from the flags of the command line, which win.

    A secret may be in the file that its name with `_FILE` behind it gives.
    An override is named like its field; None means that the flag was not given.

    Raises:
        ConfigurationError: One line for each wrong, refused or unknown setting.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    opened = open_secrets(environ)
    faults = list(opened.faults)
    environ = opened.environ
    read: dict[str, SettingsGroup] = {}
    for group_name, group in groups():
        values, sources = _values_of(group, environ, given)
        try:
            read[group_name] = group.model_validate(values)
        except ValidationError as error:
            faults += faults_of(group, error, sources)
    faults += unknown_names(environ)
    scale = read.get("scale")
    alone = isinstance(scale, ScaleSettings) and scale.redis_uri and not scale.postgres_uri
    if alone and not opened.faults:
        faults.append("REDIS_URI is set without POSTGRES_URI: give both, or unset it")
    if not overrides.keys() <= set(field_names()):
        unknown = ", ".join(sorted(overrides.keys() - set(field_names())))
        msg = f"no such setting: {unknown}"
        raise TypeError(msg)
    if faults:
        raise ConfigurationError(faults)
    return Settings.model_validate(read)


def _values_of(
    group: type[SettingsGroup], environ: Mapping[str, str], overrides: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, str]]:
    """Pick a group's values, and for each how its giver calls it: a variable or a flag."""
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for name in group.model_fields:
        given = [each for each in environment_names(name) if each in environ]
        if name in overrides:
            values[name] = overrides[name]
            sources[name] = "--" + name.replace("_", "-")
        elif given and not _is_service_link(name, environ[given[0]]):
            values[name] = environ[given[0]]
            sources[name] = given[0]
        # An empty path would silently become the current directory.
        if isinstance(values.get(name), str) and not str(values[name]).strip():
            values[name] = None
    return values, sources


def _is_service_link(name: str, value: str) -> bool:
    return name.endswith("port") and _SERVICE_LINK.fullmatch(value) is not None
