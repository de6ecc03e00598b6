"""The settings of the trace relay. A field's variable is `OUTRIGGER_` and its name in capitals."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

DEFAULT_UPSTREAM = "https://api.smith.langchain.com"
UPSTREAM_NAMES = {
    "relay_upstream": ("OUTRIGGER_RELAY_UPSTREAM", "LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT"),
    "relay_upstream_key": (
        "OUTRIGGER_RELAY_UPSTREAM_KEY",
        "LANGSMITH_API_KEY",
        "LANGCHAIN_API_KEY",
    ),
    "relay_upstream_workspace": (
        "OUTRIGGER_RELAY_UPSTREAM_WORKSPACE",
        "LANGSMITH_WORKSPACE_ID",
    ),
    "relay_failed_traces_dir": (
        "OUTRIGGER_RELAY_FAILED_TRACES_DIR",
        "LANGSMITH_FAILED_TRACES_DIR",
    ),
}
"""The SDK's names for the same things."""

SECRETS = frozenset({"relay_upstream_key", "relay_key"})

_MEBI = 1024 * 1024
_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


def _upstream(value: object) -> object:
    return DEFAULT_UPSTREAM if value is None else value


def _check_url(url: str) -> str:
    if not _URL.fullmatch(url):
        msg = f"give a URL without user or query, such as {DEFAULT_UPSTREAM}"
        raise ValueError(msg)
    return url.rstrip("/")


def _check_key(key: SecretStr | None) -> SecretStr | None:
    if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key.get_secret_value()):
        msg = "a key has no spaces and only plain letters"
        raise ValueError(msg)
    return key


def _below_data(values: dict[str, Any]) -> Path:
    data_dir: Path = values["data_dir"]
    return data_dir / "relay"


UserPath = Annotated[Path, AfterValidator(lambda path: path.expanduser())]
Key = Annotated[SecretStr | None, AfterValidator(_check_key)]


class RelaySettings(BaseModel):
    """The settings that only the relay reads, and where the data is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: UserPath = Field(
        default=Path(".outrigger"), description="The server's data directory."
    )
    relay_upstream_key: Key = Field(
        default=None,
        description="Key of LangSmith; without it traces become metrics and are not kept.",
        json_schema_extra={"shown_default": "none: metrics only"},
    )
    relay_upstream: Annotated[str, BeforeValidator(_upstream), AfterValidator(_check_url)] = Field(
        default=DEFAULT_UPSTREAM, description="Where traces go in the end."
    )
    relay_upstream_workspace: str | None = Field(
        default=None,
        pattern=r"^[\w\-]+$",
        description="Workspace of the key, for a key of several.",
    )
    relay_key: Key = Field(
        default=None,
        min_length=8,
        description="Key that senders must give (their `LANGSMITH_API_KEY`); none: anyone may.",
    )
    relay_dir: UserPath = Field(
        default_factory=_below_data,
        description="Directory of the spool, closed to others; one sidecar each.",
        json_schema_extra={"shown_default": "`relay` in the data directory"},
    )
    relay_failed_traces_dir: UserPath | None = Field(
        default=None,
        description="Directory of what the SDK could not send, which is taken in, too.",
        json_schema_extra={"shown_default": "`failed` in the relay's directory"},
    )
    relay_replay_seconds: float = Field(
        default=5.0, ge=0.05, le=3600, description="Time between two looks into that directory."
    )
    relay_spool_bytes: int = Field(
        default=512 * _MEBI,
        ge=_MEBI,
        description="Size of the spool at which the oldest traces are dropped (512 MiB).",
    )
    relay_body_bytes: int = Field(
        default=32 * _MEBI, ge=1024, description="Largest body taken, as it is sent (32 MiB)."
    )
    relay_decompressed_bytes: int = Field(
        default=64 * _MEBI, ge=1024, description="Largest body when unpacked (64 MiB)."
    )
    relay_part_bytes: int = Field(
        default=20 * _MEBI, ge=1024, description="Largest part of a body (20 MiB)."
    )
    relay_parts: int = Field(default=10_000, ge=1, description="Most parts of a body.")
    relay_body_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="Time a sender has to send one body."
    )
    relay_redact: bool = Field(
        default=True, description="Take secrets out before anything is written to disk."
    )
    relay_sample_ratio: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Share of traces sent upstream; those with errors and slow ones always are.",
    )
    relay_sample_slow_seconds: float = Field(
        default=10.0, gt=0, le=86400, description="Time from which a trace is slow."
    )
    relay_retry_max_seconds: float = Field(
        default=30.0,
        ge=0.05,
        le=3600,
        description="Longest pause between two tries; a `Retry-After` may be longer.",
    )
    relay_forward_timeout_seconds: float = Field(
        default=30.0, ge=0.05, le=600, description="Time the upstream has to answer."
    )
    relay_failing_seconds: float = Field(
        default=60.0, gt=0, le=86400, description="Failing for so long degrades the health."
    )

    def upstream_key(self) -> str | None:
        """The key of the upstream."""
        key = self.relay_upstream_key
        return None if key is None else key.get_secret_value()

    def failed_traces_to_replay(self) -> Path | None:
        """Where to look for what the SDK could not send; None: nowhere.

        A directory that somebody named is left alone while there is nowhere to send it to:
        what is taken in there is deleted.
        """
        if self.relay_failed_traces_dir is None:
            return self.relay_dir / "failed"
        return self.relay_failed_traces_dir if self.relay_upstream_key is not None else None


def relay_faults(settings: RelaySettings, host: str, port: int) -> list[str]:
    """Name what does not fit together."""
    faults = []
    if settings.relay_spool_bytes < 2 * settings.relay_decompressed_bytes:
        faults.append(
            "OUTRIGGER_RELAY_SPOOL_BYTES must be twice OUTRIGGER_RELAY_DECOMPRESSED_BYTES or more:"
            " a spool that one body fills keeps nothing"
        )
    if settings.relay_upstream_key is not None and _is_own(settings.relay_upstream, host, port):
        faults.append(
            "the relay's upstream is this sidecar itself: set OUTRIGGER_RELAY_UPSTREAM to where"
            " traces shall go in the end"
        )
    return faults


def _is_own(url: str, host: str, port: int) -> bool:
    place = url.partition("://")[2].partition("/")[0]
    name, _, number = place.rpartition(":")
    own = {host, "127.0.0.1", "localhost", "[::1]", "0.0.0.0"}  # noqa: S104  compared only
    return name in own and number == str(port)
