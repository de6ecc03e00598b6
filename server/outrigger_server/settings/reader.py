"""Reads all settings from a mapping that looks like the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
from outrigger_telemetry.secret_files import open_secrets
from outrigger_telemetry.setting_names import unknown_names

# Kubernetes gives every container such a variable for a service named `outrigger`.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+")


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """What could be read, and what is wrong with the rest."""

    settings: Settings
    """What is wrong has its default here."""
    sources: Mapping[str, str]
    """How the giver of each field that was given calls it: a variable or a flag."""
    faults: tuple[str, ...]
    wrong: frozenset[str]
    """The fields with a fault."""


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Make the settings from `environ` and from the flags of the command line, which win.

    A secret may be in the file that its name with `_FILE` behind it gives.
    An override is named like its field; None means that the flag was not given.

    Raises:
        ConfigurationError: One line for each wrong, refused or unknown setting.
    """
    read = read_settings(environ, **overrides)
    if read.faults:
        raise ConfigurationError(read.faults)
    return read.settings


def read_settings(environ: Mapping[str, str], **overrides: object) -> ReadSettings:
    """Read as `load_settings` does, but go on over what is wrong."""
    if not overrides.keys() <= set(field_names()):
        unknown = ", ".join(sorted(overrides.keys() - set(field_names())))
        msg = f"no such setting: {unknown}"
        raise TypeError(msg)
    given = {name: value for name, value in overrides.items() if value is not None}
    opened = open_secrets(environ)
    environ = opened.environ
    faults = list(opened.faults)
    wrong = {
        name for name in field_names() if not opened.missed.isdisjoint(environment_names(name))
    }
    sources: dict[str, str] = {}
    read: dict[str, SettingsGroup] = {}
    for group_name, group in groups():
        values, named = _values_of(group, environ, given)
        sources |= named
        try:
            read[group_name] = group.model_validate(values)
        except ValidationError as error:
            faults += faults_of(group, error, named)
            wrong |= {str(detail["loc"][0]) for detail in error.errors(include_url=False)}
            right = {name: value for name, value in values.items() if name not in wrong}
            read[group_name] = group.model_validate(right)
    faults += unknown_names(environ)
    settings = Settings.model_validate(read)
    scale = settings.scale
    if scale.redis_uri and not scale.postgres_uri and "postgres_uri" not in wrong:
        faults.append("REDIS_URI is set without POSTGRES_URI: give both, or unset it")
    return ReadSettings(settings, sources, tuple(faults), frozenset(wrong))


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
