"""Which way traces go: with `outrigger up` through the sidecar's relay, unless told otherwise.

Pure: from the environment to what the server and the sidecar find in theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from outrigger_server.settings import Settings

RELAY_PATH = "/langsmith"
_TRACING = (
    "LANGSMITH_TRACING_V2",
    "LANGCHAIN_TRACING_V2",
    "LANGSMITH_TRACING",
    "LANGCHAIN_TRACING",
)
_REPLICAS = ("LANGSMITH_RUNS_ENDPOINTS", "LANGCHAIN_RUNS_ENDPOINTS")
_KEYS = ("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
_FAILED = "LANGSMITH_FAILED_TRACES_DIR"


@dataclass(frozen=True, slots=True)
class RelayedTraces:
    """What the server's environment gets in addition, and what the sidecar's must not have."""

    server: Mapping[str, str]
    hidden: frozenset[str] = frozenset()


def relayed_traces(
    settings: Settings, environ: Mapping[str, str], sidecar_url: str
) -> RelayedTraces:
    """Point the server's tracing at the relay when it is on, or wanted for metrics alone.

    The upstream is then what the environment had said. Where nobody switched tracing on, nothing
    goes upstream: the sidecar does not get the key. Who sends to several places by
    LANGSMITH_RUNS_ENDPOINTS is left alone.
    """
    is_on = any(environ.get(name, "").lower() in ("true", "1") for name in _TRACING)
    is_wanted = is_on or settings.sidecar.relay_metrics
    if settings.sidecar.no_relay or not is_wanted or any(environ.get(name) for name in _REPLICAS):
        return RelayedTraces({})
    server = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": sidecar_url + RELAY_PATH,
    }
    if not environ.get(_FAILED):
        relay_dir = environ.get("OUTRIGGER_RELAY_DIR") or settings.storage.data_dir / "relay"
        server[_FAILED] = environ.get("OUTRIGGER_RELAY_FAILED_TRACES_DIR") or str(
            Path(relay_dir).expanduser() / "failed"
        )
    if environ.get("OUTRIGGER_RELAY_KEY"):
        server["LANGSMITH_API_KEY"] = environ["OUTRIGGER_RELAY_KEY"]
    return RelayedTraces(server, frozenset() if is_on else frozenset(_KEYS))
