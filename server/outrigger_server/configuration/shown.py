"""The effective values of a configuration, and where each comes from, without secrets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from outrigger_server.configuration.masking import MASK, masked, masked_address
from outrigger_server.configuration.reading import Survey
from outrigger_server.graphs.manifest import Manifest
from outrigger_server.settings import environment_names, groups, setting_names
from outrigger_telemetry.setting_names import ENVIRONMENT_NAMES

DEFAULT = "default"
ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value as it may be shown. The source: default, environment, a file or a flag."""

    name: str
    value: str | None
    source: str

    def as_json(self) -> dict[str, str | None]:
        """The value as an object of JSON."""
        return asdict(self)


def shown_values(
    survey: Survey, environ: Mapping[str, str], files: Mapping[str, str]
) -> list[ShownValue]:
    """Every setting, and each other variable that our programs or the graphs get.

    `files` says from which file a variable of `environ` came; the others are the process's own.
    """
    manifest = survey.found.manifest
    shown = [
        _replaced(_setting(survey, group_name, name, field, files), name, manifest)
        for group_name, group in groups()
        for name, field in group.model_fields.items()
    ]
    others = sorted((ENVIRONMENT_NAMES - setting_names()) & environ.keys())
    shown += [
        ShownValue(name, masked(name, environ[name]), files.get(name, ENVIRONMENT))
        for name in others
    ]
    return shown + list(_for_graphs(manifest, environ, files))


def table(values: Sequence[ShownValue]) -> Iterator[str]:
    """The values in aligned columns: name, value, source."""
    cells = [(each.name, each.value or "-", each.source) for each in values]
    widths = [max(len(row[column]) for row in cells) for column in (0, 1)]
    for name, value, source in cells:
        yield f"{name:<{widths[0]}}  {value:<{widths[1]}}  {source}"


def _setting(
    survey: Survey, group_name: str, name: str, field: FieldInfo, files: Mapping[str, str]
) -> ShownValue:
    given = survey.read.sources.get(name)
    variable = environment_names(name)[0] if given is None or given.startswith("--") else given
    if given is None:
        source = DEFAULT
    else:
        source = given if given.startswith("--") else files.get(given, ENVIRONMENT)
    if name in survey.read.wrong:
        return ShownValue(variable, None, f"{source}, wrong")
    value = getattr(getattr(survey.read.settings, group_name), name)
    return ShownValue(variable, _text(value), source)


def _text(value: object) -> str | None:
    """A setting's value as its variable would give it."""
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return masked_address(secret) if "://" in secret else MASK
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:.15g}" if isinstance(value, float) else masked_address(str(value))


def _replaced(shown: ShownValue, field: str, manifest: Manifest | None) -> ShownValue:
    """What the manifest says in place of a setting."""
    if manifest is None:
        return shown
    if field == "auth" and manifest.auth is not None:
        return ShownValue(shown.name, manifest.auth.path.text, f"{manifest.path}: auth.path")
    cors = manifest.http.cors
    if field == "cors_origins" and cors.allow_origins is not None:
        origins = [*cors.allow_origins, *filter(None, [cors.allow_origin_regex])]
        return ShownValue(shown.name, ",".join(origins) or "none", f"{manifest.path}: http.cors")
    return shown


def _for_graphs(
    manifest: Manifest | None, environ: Mapping[str, str], files: Mapping[str, str]
) -> Iterator[ShownValue]:
    """The manifest's variables, which the graphs find unless the process has others."""
    if manifest is None:
        return
    for name in sorted(manifest.environment):
        if name in ENVIRONMENT_NAMES and name in environ:
            continue  # shown with the others
        value = environ.get(name, manifest.environment[name])
        own = f"{manifest.path}: env"
        source = files.get(name, ENVIRONMENT) if name in environ else own
        yield ShownValue(name, masked(name, value), source)
