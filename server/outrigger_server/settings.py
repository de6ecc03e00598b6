"""Every setting of the server, read once from a mapping that looks like the environment.

A setting's variable is `OUTRIGGER_` and the field's name in capitals. The README's table is made
from the descriptions here. Nothing here looks at the process environment: `cli.py` passes it in.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo

from outrigger_server.errors import ConfigurationError
from outrigger_telemetry.setting_names import PREFIX, unknown_names

# The names that every platform gives its databases.
_PLATFORM_NAMES = {
    "postgres_uri": ("POSTGRES_URI", "DATABASE_URI"),
    "redis_uri": ("REDIS_URI",),
}

# Kubernetes gives every container such a variable for a service named `outrigger`.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@]+")
_USER_INFO = re.compile(r"://[^/\s]*@")
_LONGEST_SHOWN_VALUE = 80


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _split_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(origin == "*" or _ORIGIN.fullmatch(origin.lower()) for origin in origins):
        msg = "an origin is a scheme and a host without a path, such as https://app.example.org"
        raise ValueError(msg)
    return origins


def _check_host(host: str) -> str:
    if not host or "/" in host or any(letter.isspace() for letter in host):
        msg = "give an address or a host name without scheme, path or spaces, such as 127.0.0.1"
        raise ValueError(msg)
    return host


def _check_postgres(uri: SecretStr | None) -> SecretStr | None:
    if uri is not None and not uri.get_secret_value().startswith(("postgres://", "postgresql://")):
        msg = "give a URI such as postgresql://user:password@host:5432/database"
        raise ValueError(msg)
    return uri


def _check_redis(uri: SecretStr | None) -> SecretStr | None:
    if uri is not None and not uri.get_secret_value().startswith(
        ("redis://", "rediss://", "unix://")
    ):
        msg = "give a URI such as redis://host:6379/0"
        raise ValueError(msg)
    return uri


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        msg = "the home directory of that user is not known; write the path out"
        raise ValueError(msg) from error


Host = Annotated[str, AfterValidator(_check_host)]
Origins = Annotated[
    tuple[str, ...],
    BeforeValidator(_split_list),
    AfterValidator(_check_origins),
    Field(min_length=1),
]
UserPath = Annotated[Path, AfterValidator(_expand_home)]
LogFormat = Literal["json", "console", "auto"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


def _metrics_below_data(storage: dict[str, Any]) -> Path:
    data_dir: Path = storage["data_dir"]
    return data_dir / "metrics"


def _threads_for_slots(worker: dict[str, Any]) -> int:
    """Count two threads for each slot.

    A run holds one for the sync node it is in. The second is for a parallel branch, or for a node
    that was cancelled but cannot be stopped: Python ends no thread, and with one thread a slot a
    few such nodes would keep other runs waiting.
    """
    slots: int = worker["worker_slots"]
    return max(2 * slots, 16)


class SettingsGroup(BaseModel):
    """Settings of one concern; a part of the server gets its group, never all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(SettingsGroup):
    """The HTTP side and the process."""

    host: Host = Field(
        default="127.0.0.1",
        description="Address the server listens on; 0.0.0.0 for every interface.",
    )
    port: int = Field(default=8123, ge=0, le=65535, description="Port; 0 picks a free one.")
    config: UserPath = Field(
        default=Path("langgraph.json"),
        description="The langgraph.json that names the graphs to serve.",
    )
    max_body_bytes: int = Field(
        default=20 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="Largest request body accepted (20 MiB); a larger one is answered 413.",
    )
    cors_origins: Origins = Field(
        default=("*",),
        description="Origins whose web pages may call the server, with commas between; * for all.",
    )
    heartbeat_seconds: float = Field(
        default=5.0,
        ge=0.1,
        le=300,
        description="Time between the heartbeats of a waiting stream or reply.",
    )
    lg_api_metrics: bool = Field(
        default=False,
        description="Serve `/metrics` with the `lg_api_` names of other servers' dashboards.",
    )
    no_worker: bool = Field(
        default=False,
        description="Serve the API only; runs wait for the next start with a worker.",
    )
    shutdown_grace_seconds: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="Time a stopping server gives its runs before handing them back.",
    )


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


class ScaleSettings(SettingsGroup):
    """What several processes share; without it, one process keeps all in one SQLite file."""

    postgres_uri: Annotated[SecretStr | None, AfterValidator(_check_postgres)] = Field(
        default=None,
        description="PostgreSQL to store in, in place of SQLite.",
        json_schema_extra={"shown_default": "none: SQLite"},
    )
    redis_uri: Annotated[SecretStr | None, AfterValidator(_check_redis)] = Field(
        default=None,
        description="Redis that joins several processes on one PostgreSQL.",
        json_schema_extra={"shown_default": "none: one process"},
    )
    postgres_connections: int = Field(
        default=10, ge=3, le=1000, description="Connections to PostgreSQL of one process."
    )
    migrate_on_start: bool = Field(
        default=False,
        description="Migrate PostgreSQL at the start; else an old schema is refused.",
    )


class WorkerSettings(SettingsGroup):
    """How runs are worked off."""

    worker_slots: int = Field(
        default=10, ge=1, le=1000, description="Runs that one process works on at once."
    )
    node_threads: int = Field(
        default_factory=_threads_for_slots,
        ge=1,
        le=4000,
        description="Threads that sync nodes share; more parallel sync nodes than this wait.",
        json_schema_extra={"shown_default": "twice the slots, at least 16"},
    )
    cancel_grace_seconds: float = Field(
        default=2.0,
        ge=0,
        le=300,
        description="Time a cancelled run has to stop before it is cut off.",
    )
    lease_seconds: float = Field(
        default=15.0,
        ge=1,
        le=3600,
        description="Time after which a run of a dead worker is taken over.",
    )
    max_attempts: int = Field(
        default=3, ge=1, le=100, description="Workers a run may lose before it ends in error."
    )
    run_timeout_seconds: float = Field(
        default=86400.0,
        ge=0.1,
        le=31_536_000,
        description="Longest time one run may run, all its attempts together.",
    )


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


class WebhookSettings(SettingsGroup):
    """How the ends of runs are told to webhooks; which may be called is in langgraph.json."""

    webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signs webhooks (`X-Outrigger-Signature`); without it they are not signed.",
        json_schema_extra={"shown_default": "none"},
    )
    webhook_timeout_seconds: float = Field(
        default=10.0, ge=0.1, le=300, description="Time a webhook has to answer."
    )
    webhook_max_tries: int = Field(
        default=10, ge=1, le=100, description="Tries after which a webhook is given up."
    )
    webhook_max_age_seconds: float = Field(
        default=86400.0,
        ge=1,
        le=2_592_000,
        description="Time since its run's end after which a webhook is not tried again.",
    )
    webhook_senders: int = Field(
        default=4, ge=1, le=100, description="Webhooks that one process calls at once."
    )


class LogSettings(SettingsGroup):
    """What is logged and how."""

    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        default="auto",
        description="json, console, or auto: console when stdout is a terminal, else json.",
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        default="info", description="Least level logged: debug, info, warning, error or critical."
    )


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


class Settings(SettingsGroup):
    """All settings of one process."""

    server: ServerSettings = Field(default_factory=ServerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    scale: ScaleSettings = Field(default_factory=ScaleSettings)
    worker: WorkerSettings = Field(default_factory=WorkerSettings)
    streams: StreamSettings = Field(default_factory=StreamSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    logs: LogSettings = Field(default_factory=LogSettings)
    sidecar: SidecarSettings = Field(default_factory=SidecarSettings)


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Make the settings from `environ` and from the flags of the command line, which win.

    An override is named like its field; None means that the flag was not given.

    Raises:
        ConfigurationError: One line for each wrong, refused or unknown setting.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    faults: list[str] = []
    groups: dict[str, SettingsGroup] = {}
    for group_name, group in _groups():
        values, sources = _values_of(group, environ, given)
        try:
            groups[group_name] = group.model_validate(values)
        except ValidationError as error:
            faults += _faults_of(group, error, sources)
    faults += unknown_names(environ)
    scale = groups.get("scale")
    if isinstance(scale, ScaleSettings) and scale.redis_uri and not scale.postgres_uri:
        faults.append("REDIS_URI is set without POSTGRES_URI: give both, or unset it")
    if not overrides.keys() <= set(_field_names()):
        unknown = ", ".join(sorted(overrides.keys() - set(_field_names())))
        msg = f"no such setting: {unknown}"
        raise TypeError(msg)
    if faults:
        raise ConfigurationError(faults)
    return Settings.model_validate(groups)


def environment_names(field_name: str) -> tuple[str, ...]:
    """Name the environment variables of a field; the first that is set counts."""
    return _PLATFORM_NAMES.get(field_name, (PREFIX + field_name.upper(),))


def setting_names() -> frozenset[str]:
    """Name the environment variables of all settings of the server."""
    return frozenset(each for name in _field_names() for each in environment_names(name))


def settings_table() -> str:
    """Draw the Markdown table of all settings: variable, default, meaning."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for _, group in _groups():
        for name, field in group.model_fields.items():
            rows.append(
                f"| {' or '.join(f'`{each}`' for each in environment_names(name))} "
                f"| {_shown_default(field)} | {field.description} |"
            )
    return "\n".join(rows)


def _groups() -> Iterator[tuple[str, type[SettingsGroup]]]:
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, SettingsGroup):
            yield name, group


def _field_names() -> Iterator[str]:
    for _, group in _groups():
        yield from group.model_fields


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


def _faults_of(
    group: type[SettingsGroup], error: ValidationError, sources: Mapping[str, str]
) -> list[str]:
    faults: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0])
        if name not in sources:  # its default is made from a setting that is wrong itself
            continue
        field = group.model_fields[name]
        if detail["type"] == "value_error":
            advice = str(detail["ctx"]["error"])
        else:
            advice = f"give {_expected(field)}"
            if detail["input"] is None:
                advice += ", or unset it"
        faults.setdefault(name, f"{sources[name]} {_shown_value(field, detail['input'])}: {advice}")
    return list(faults.values())


def _shown_value(field: FieldInfo, value: object) -> str:
    if value is None:
        return "is empty"
    if SecretStr in {field.annotation, *get_args(field.annotation)}:
        return "is wrong (a secret, not shown)"
    text = _USER_INFO.sub("://***@", ",".join(value) if isinstance(value, tuple) else str(value))
    if len(text) > _LONGEST_SHOWN_VALUE:
        text = text[:_LONGEST_SHOWN_VALUE] + "…"
    return f"is {text!r}"


def _expected(field: FieldInfo) -> str:
    """Describe in words the values a field takes."""
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    if field.annotation in {int, float}:
        low = next(rule.ge for rule in field.metadata if isinstance(rule, Ge))
        high = next(rule.le for rule in field.metadata if isinstance(rule, Le))
        kind = "a whole number" if field.annotation is int else "a number"
        return f"{kind} from {low} to {high}"
    if field.annotation is Path:
        return "a path"
    return f"a value such as {_shown_default(field).strip('`')}"


def _shown_default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "shown_default" in extra:
        return str(extra["shown_default"])
    default = field.get_default()
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
