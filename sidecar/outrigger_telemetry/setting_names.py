"""The names of all OUTRIGGER_* environment variables of all programs, and how to spot a typo.

Every program refuses to start on a name nobody knows. The meaning of a name is not here:
it is in the settings of the program that reads it.
"""

import difflib
import re
from collections.abc import Iterable

PREFIX = "OUTRIGGER_"

_SHARED = ("DATA_DIR", "METRICS_DIR", "LOG_FORMAT", "LOG_LEVEL")
_SERVER = (
    *("CONFIG", "HOST", "PORT", "WORKER_SLOTS", "NODE_THREADS", "CANCEL_GRACE_SECONDS"),
    *("LEASE_SECONDS", "MAX_ATTEMPTS", "RUN_TIMEOUT_SECONDS", "SHUTDOWN_GRACE_SECONDS"),
    *("STREAM_TTL_SECONDS", "STREAM_BUFFER_EVENTS", "HEARTBEAT_SECONDS", "MAX_BODY_BYTES"),
    *("CORS_ORIGINS", "NO_SIDECAR", "NO_WORKER", "MODEL_TOKENS_PER_SECOND"),
    "MODEL",
    *("POSTGRES_CONNECTIONS", "MIGRATE_ON_START", "LG_API_METRICS", "WEBHOOK_SECRET"),
    *("WEBHOOK_TIMEOUT_SECONDS", "WEBHOOK_MAX_TRIES", "WEBHOOK_MAX_AGE_SECONDS"),
    "WEBHOOK_SENDERS",
    *("MAX_BODY_SECONDS", "TRUSTED_PROXIES"),
    *("RATE_LIMIT_RUNS", "RATE_LIMIT_HOLDING", "RATE_LIMIT_PLAIN"),
    *("AUTH", "API_KEYS_FILE", "JWT_ALGORITHM", "JWT_SECRET", "JWT_PUBLIC_KEY_FILE"),
    *("JWT_JWKS_FILE", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_LEEWAY_SECONDS"),
    "ENVIRONMENT",
    *("NO_RELAY", "RELAY_METRICS"),
)
_SIDECAR = (
    *("SIDECAR_HOST", "SIDECAR_PORT", "SIDECAR_TARGET", "SIDECAR_TOKEN"),
    *("SIDECAR_STOP_WITH_STDIN", "SIDECAR_INTERVAL_SECONDS", "SIDECAR_PROBE_TIMEOUT_SECONDS"),
    *("SIDECAR_STALE_SECONDS", "SIDECAR_FAILS_DOWN", "SIDECAR_PASSES_UP"),
    *("SIDECAR_QUEUE_STALL_SECONDS", "SIDECAR_MEMORY_LIMIT_RATIO", "SIDECAR_CPU_LIMIT_RATIO"),
    *("SIDECAR_DISK_FREE_RATIO", "SIDECAR_USER", "SIDECAR_PASSWORD", "SIDECAR_TLS_CERT"),
    *("SIDECAR_TLS_KEY", "SIDECAR_TARGET_API_KEY", "SIDECAR_CANARY_ASSISTANT"),
    *("SIDECAR_CANARY_INPUT", "SIDECAR_CANARY_INTERVAL_SECONDS"),
    "SIDECAR_CANARY_TIMEOUT_SECONDS",
    "SIDECAR_PLAIN_PORT",
    *("SIDECAR_PRICES_FILE", "SIDECAR_TRACE_TTL_SECONDS", "SIDECAR_MAX_OPEN_TRACES"),
)
_RELAY = (
    *("RELAY_UPSTREAM", "RELAY_UPSTREAM_KEY", "RELAY_UPSTREAM_WORKSPACE", "RELAY_KEY"),
    *("RELAY_DIR", "RELAY_FAILED_TRACES_DIR", "RELAY_REPLAY_SECONDS", "RELAY_SPOOL_BYTES"),
    *("RELAY_BODY_BYTES", "RELAY_DECOMPRESSED_BYTES", "RELAY_PART_BYTES", "RELAY_PARTS"),
    *("RELAY_BODY_SECONDS", "RELAY_REDACT", "RELAY_SAMPLE_RATIO", "RELAY_SAMPLE_SLOW_SECONDS"),
    *("RELAY_RETRY_MAX_SECONDS", "RELAY_FORWARD_TIMEOUT_SECONDS", "RELAY_FAILING_SECONDS"),
)

FILE = "_FILE"
"""Behind the name of a secret: the file that holds it."""

FOREIGN_SECRETS = (
    *("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"),
    *("TAVILY_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
)
"""Read by SDKs and graphs in the environment of the process."""

SECRET_NAMES = (
    *("POSTGRES_URI", "DATABASE_URI", "REDIS_URI"),
    *("OUTRIGGER_JWT_SECRET", "OUTRIGGER_WEBHOOK_SECRET"),
    *("OUTRIGGER_SIDECAR_TOKEN", "OUTRIGGER_SIDECAR_PASSWORD", "OUTRIGGER_SIDECAR_TARGET_API_KEY"),
    *("OUTRIGGER_RELAY_KEY", "OUTRIGGER_RELAY_UPSTREAM_KEY"),
    *FOREIGN_SECRETS,
)
"""What may be given in a file, and is never shown."""

ENVIRONMENT_NAMES: frozenset[str] = frozenset(
    PREFIX + name for name in (*_SHARED, *_SERVER, *_SIDECAR, *_RELAY)
)

_KNOWN = ENVIRONMENT_NAMES | {name + FILE for name in SECRET_NAMES}

# What Kubernetes puts into every pod for a Service called outrigger or outrigger-something.
_KUBERNETES = re.compile(
    r"OUTRIGGER_(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT|PORT_\d+_(?:TCP|UDP)(?:_[A-Z]+)?)"
)


def unknown_names(environ: Iterable[str]) -> list[str]:
    """Name each OUTRIGGER_* variable that no program reads, with the likely right name.

    `environ` is a mapping of variables or just their names. The forms that Kubernetes makes
    up for a Service are not faults.
    """
    found = sorted(name for name in environ if name.startswith(PREFIX))
    return [
        _describe(name) for name in found if name not in _KNOWN and not _KUBERNETES.fullmatch(name)
    ]


def _describe(name: str) -> str:
    near = difflib.get_close_matches(name, sorted(_KNOWN), n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{name}: no such setting{hint}"
