"""Reads settings and manifest for a start, or for a look, and says everything that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from outrigger_server.api.surroundings import faults_around
from outrigger_server.configuration.environments import doubts, refusals
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.manifest import Manifest, ReadManifest, read_manifest
from outrigger_server.graphs.registry import load_graphs
from outrigger_server.settings import AuthSettings, ReadSettings, Settings, read_settings
from outrigger_telemetry.secret_files import open_secrets

NEEDS_REDIS = "REDIS_URI: a worker beside other processes needs it, and POSTGRES_URI; set both"


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a process goes by; nothing of it is wrong."""

    settings: Settings
    manifest: Manifest
    environ: Mapping[str, str]
    """With the secrets that files hold."""
    warnings: tuple[str, ...]
    """What the environment makes doubtful. The manifest has warnings of its own."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that can be said of a configuration without importing anything of the user's."""

    read: ReadSettings
    found: ReadManifest
    environ: Mapping[str, str]
    """With the secrets that files hold."""
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    def with_imports(self, *, serves: bool) -> list[str]:
        """The faults, and those of the graphs and of what is around them, which are imported now.

        Nothing is imported where the manifest is wrong: faults would follow from that.
        """
        manifest = self.found.manifest
        faults = list(self.faults)
        if manifest is None or self.found.faults:
            return faults
        try:
            load_graphs(manifest)
        except ConfigurationError as error:
            faults += error.faults
        if serves and self.read.wrong.isdisjoint(AuthSettings.model_fields):
            faults += faults_around(manifest, self.read.settings.auth)
        return faults


def read_configuration(
    environ: Mapping[str, str], *, serves: bool = True, **flags: object
) -> Configuration:
    """What a process that serves the API, or else a worker, is to go by.

    Raises:
        ConfigurationError: A line for everything that is wrong, also in the graphs if something is.
    """
    survey = surveyed(environ, serves=serves, **flags)
    manifest = survey.found.manifest
    if survey.faults or manifest is None:
        raise ConfigurationError(survey.with_imports(serves=serves))
    return Configuration(survey.read.settings, manifest, survey.environ, survey.warnings)


def surveyed(environ: Mapping[str, str], *, serves: bool, **flags: object) -> Survey:
    """Look at settings and manifest, go on over what is wrong, and judge the rest."""
    read = read_settings(environ, **flags)
    environ = open_secrets(environ).environ
    if "config" in read.wrong:
        found = ReadManifest(None, (), frozenset())
    else:
        found = read_manifest(read.settings.server.config, environ)
    faults = [*read.faults, *found.faults]
    if not serves and read.settings.scale.redis_uri is None and "redis_uri" not in read.wrong:
        faults.append(NEEDS_REDIS)
    environment = read.settings.deployment.environment
    warnings: list[str] = []
    if environment != "development":
        refused = refusals(read, found, environ, serves=serves)
        if environment == "production":
            faults += [f"{line} (OUTRIGGER_ENVIRONMENT is production)" for line in refused]
        else:
            warnings += [f"production refuses this: {line}" for line in refused]
        warnings += doubts(read, found, serves=serves)
    return Survey(read, found, environ, tuple(faults), tuple(warnings))
