"""Every setting of the sidecar, read once from a mapping that looks like the environment.

A setting's variable is `OUTRIGGER_SIDECAR_` and the field's name in capitals; the few that it
shares with the server are called as there. Nothing here looks at the process environment.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic.fields import FieldInfo

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.relay_settings import SECRETS as RELAY_SECRETS
from outrigger_sidecar.relay_settings import UPSTREAM_NAMES, RelaySettings, UserPath, relay_faults
from outrigger_telemetry.secret_files import open_secrets
from outrigger_telemetry.setting_names import PREFIX, unknown_names

_PLATFORM_NAMES = {
    "postgres_uri": ("POSTGRES_URI", "DATABASE_URI"),
    "redis_uri": ("REDIS_URI",),
    **UPSTREAM_NAMES,
}
"""The names that every platform gives its databases; the server reads the same."""

_SECRETS = RELAY_SECRETS | {"token", "password", "target_api_key", "postgres_uri", "redis_uri"}
RELAY = "relay_"
_SHARED = frozenset({"data_dir", "metrics_dir", "log_format", "log_level"})
# Kubernetes gives every container such a variable for a service named outrigger-sidecar.
_SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
_TARGET = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_LONGEST_SHOWN_VALUE = 80
_PAIRS = (("user", "password"), ("tls_cert", "tls_key"))
"""Settings that mean something together only."""
_NEARBY = frozenset({"data_dir", "metrics_dir", "postgres_uri"})
"""Settings that say where the server keeps what it counts and stores."""


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _check_target(target: str) -> str:
    if target and not _TARGET.fullmatch(target):
        msg = "give the server's URL without user or query, such as http://127.0.0.1:8123"
        raise ValueError(msg)
    return target.rstrip("/")


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


def _object(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        msg = "give a JSON object"
        raise ValueError(msg) from error


def _metrics_below_data(values: dict[str, Any]) -> Path:
    data_dir: Path = values["data_dir"]
    return data_dir / "metrics"


LogFormat = Literal["json", "console", "auto"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]


class Settings(RelaySettings):
    """All settings of the sidecar."""

    host: str = Field(
        default="127.0.0.1", min_length=1, pattern=r"^[^\s/]+$", description="Address to listen on."
    )
    port: int = Field(default=9464, ge=0, le=65535, description="Port; 0 picks a free one.")
    target: Annotated[str, AfterValidator(_check_target)] = Field(
        default="http://127.0.0.1:8123",
        description="URL of the server to watch; empty beside a worker, which has none.",
    )
    postgres_uri: Annotated[SecretStr | None, AfterValidator(_check_postgres)] = Field(
        default=None,
        description="The server's PostgreSQL.",
        json_schema_extra={"shown_default": "none: SQLite"},
    )
    redis_uri: Annotated[SecretStr | None, AfterValidator(_check_redis)] = Field(
        default=None, description="The server's Redis."
    )
    token: SecretStr | None = Field(
        default=None,
        min_length=8,
        description="Bearer token that /metrics and /health ask for; none: open to all.",
    )
    user: str | None = Field(
        default=None,
        pattern=r"^[^:\s]+$",
        description="User of basic authentication, in place of a token or beside one.",
    )
    password: SecretStr | None = Field(
        default=None, min_length=8, description="Password of that user."
    )
    tls_cert: UserPath | None = Field(
        default=None, description="PEM file of the certificate and its chain; none: plain HTTP."
    )
    tls_key: UserPath | None = Field(default=None, description="PEM file of its key.")
    plain_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port of loopback that speaks plain HTTP beside TLS, for senders of traces on"
        " this machine; `outrigger up` with TLS picks one.",
    )
    target_api_key: SecretStr | None = Field(
        default=None, description="Sent to the server as `x-api-key`, where it asks for one."
    )
    canary_assistant: str | None = Field(
        default=None,
        min_length=1,
        description="Assistant or graph that is run now and then to measure the whole way.",
    )
    canary_input: Annotated[dict[str, Any], BeforeValidator(_object)] = Field(
        default_factory=dict, description="Input of these runs, as a JSON object."
    )
    canary_interval_seconds: float = Field(
        default=60.0, ge=0.1, le=86400, description="Time between two of these runs."
    )
    canary_timeout_seconds: float = Field(
        default=30.0, ge=0.1, le=3600, description="Time such a run may take."
    )
    stop_with_stdin: bool = Field(
        default=False, description="Stop when stdin ends, and leave signals to the parent."
    )
    metrics_dir: UserPath = Field(
        default_factory=_metrics_below_data,
        description="Directory of the server's metric files.",
        json_schema_extra={"shown_default": "`metrics` in the data directory"},
    )
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = Field(
        default="auto",
        description="json, console, or auto: console when stdout is a terminal, else json.",
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = Field(
        default="info", description="Least level logged: debug, info, warning, error or critical."
    )
    interval_seconds: float = Field(
        default=1.0, ge=0.05, le=300, description="Time between two runs of a health check."
    )
    probe_timeout_seconds: float = Field(
        default=1.0, ge=0.05, le=60, description="Time a health check may take."
    )
    stale_seconds: float = Field(
        default=6.0, ge=0.1, le=3600, description="Age at which a result becomes unknown."
    )
    fails_down: int = Field(
        default=2, ge=1, le=100, description="Worse results in a row until a check turns worse."
    )
    passes_up: int = Field(
        default=1, ge=1, le=100, description="Better results in a row until a check turns better."
    )
    queue_stall_seconds: float = Field(
        default=10.0, gt=0, le=86400, description="Time a run may wait although slots are free."
    )
    memory_limit_ratio: float = Field(
        default=0.9, gt=0, le=1, description="Share of the memory limit that is too much."
    )
    cpu_limit_ratio: float = Field(
        default=0.95, gt=0, le=1, description="Share of the CPU limit, over 30 s, that is too much."
    )
    disk_free_ratio: float = Field(
        default=0.05, gt=0, le=1, description="Share of the disk that must stay free."
    )
    prices_file: UserPath | None = Field(
        default=None, description="TOML file with prices of models, over those that are known."
    )
    trace_ttl_seconds: float = Field(
        default=3600.0, ge=1, le=604_800, description="Silence after which a trace is given up."
    )
    max_open_traces: int = Field(
        default=10_000, ge=1, le=1_000_000, description="Traces followed at once."
    )

    @property
    def is_remote(self) -> bool:
        """True when only the server's address was given: then its API is all there is to see."""
        given = {name for name in _NEARBY & self.model_fields_set if getattr(self, name)}
        return bool(self.target) and "target" in self.model_fields_set and not given

    @property
    def database_path(self) -> Path:
        """Where the server keeps its SQLite database."""
        return self.data_dir / "outrigger.db"


def load_settings(environ: Mapping[str, str], overrides: Mapping[str, object]) -> Settings:
    """Make the settings from `environ` and from the flags of the command line, which win.

    An override is named like its field; None means that the flag was not given. A secret may be
    in the file that its name with `_FILE` behind it gives.

    Raises:
        ConfigurationError: One entry for each wrong or unknown setting.
    """
    opened = open_secrets(environ)
    environ = opened.environ
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for name in Settings.model_fields:
        names = environment_names(name)
        variable = next((each for each in names if environ.get(each)), None)
        variable = variable or next((each for each in names if each in environ), names[0])
        if overrides.get(name) is not None:
            values[name], sources[name] = overrides[name], "--" + name.replace("_", "-")
        elif variable in environ and not _is_service_link(name, environ[variable]):
            values[name], sources[name] = environ[variable], variable
        if values.get(name) == "" and name != "target":
            values[name] = None  # an empty path would silently be the current directory
    faults = [*opened.faults, *unknown_names(environ)]
    if "redis_uri" in values and "postgres_uri" not in values and not opened.faults:
        faults.append("REDIS_URI is set without POSTGRES_URI: give both, or unset it")
    faults += [
        f"{environment_names(name)[0]} is set without {environment_names(other)[0]}"
        for pair in _PAIRS
        for name, other in (pair, pair[::-1])
        if values.get(name) and not values.get(other)
    ]
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError([*_faults(error, sources), *faults]) from error
    faults += relay_faults(settings, settings.host, settings.port)
    if faults:
        raise ConfigurationError(faults)
    return settings


def settings_table() -> str:
    """Draw the Markdown table of the settings that only the sidecar has."""
    rows = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        if name not in _SHARED:
            variables = " or ".join(f"`{each}`" for each in environment_names(name))
            rows.append(f"| {variables} | {_shown_default(field)} | {field.description} |")
    return "\n".join(rows)


def environment_names(field: str) -> tuple[str, ...]:
    """Name the environment variables of a field; the first that is set counts."""
    own = "" if field in _SHARED or field.startswith(RELAY) else "SIDECAR_"
    return _PLATFORM_NAMES.get(field, (f"{PREFIX}{own}{field.upper()}",))


def _shown_default(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    if isinstance(extra, dict) and "shown_default" in extra:
        return str(extra["shown_default"])
    default = field.get_default()
    if field.default_factory is dict:
        return "`{}`"
    return "none" if default is None else f"`{str(default).lower()}`"


def _is_service_link(name: str, value: str) -> bool:
    return name == "port" and _SERVICE_LINK.fullmatch(value) is not None


def _faults(error: ValidationError, sources: Mapping[str, str]) -> list[str]:
    faults: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0])
        if name in sources:  # else: its default is made from a setting that is wrong itself
            faults.setdefault(
                name, f"{sources[name]} {_shown(name, detail['input'])}: {_advice(detail['msg'])}"
            )
    return list(faults.values())


def _shown(name: str, value: object) -> str:
    if value is None:
        return "is empty"
    if name in _SECRETS:
        return "is wrong (a secret, not shown)"
    text = re.sub(r"://[^/\s]*@", "://***@", str(value))
    return f"is {text[:_LONGEST_SHOWN_VALUE]!r}"


def _advice(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]
