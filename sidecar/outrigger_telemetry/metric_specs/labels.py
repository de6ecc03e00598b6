"""The labels that metrics have, and the closed sets of their values."""

from outrigger_telemetry import gen_ai_names as gen_ai
from outrigger_telemetry.metric_specs.kinds import Label

ASSISTANT = Label("assistant")
GRAPH = Label("graph")
ERROR_CLASS = Label("error_class")
ROUTE = Label("route")
STATUS = Label("status")
ROLE = Label("role")
WORKER = Label("worker")
LOGGER_GROUP = Label("logger_group")
COLLECTOR = Label("collector")
METRIC = Label("metric")
VERSION = Label("version")
LANGGRAPH_VERSION = Label("langgraph_version")
NODE = Label("node")
TOOL = Label(gen_ai.TOOL)
PROVIDER = Label(gen_ai.PROVIDER)
MODEL = Label(gen_ai.MODEL)
ERROR_TYPE = Label(gen_ai.ERROR_TYPE)

STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
MULTITASK_STRATEGY = Label("multitask_strategy", STRATEGIES)
STRATEGY = Label("strategy", STRATEGIES)
RUN_SOURCE = Label("source", ("api", "cron", "resume"))
CRON_RESULT = Label("result", ("created", "rejected", "invalid", "ended", "failed"))
RUN_OUTCOME = Label(
    "outcome", ("success", "error", "timeout", "interrupted", "cancelled", "rolled_back")
)
RUN_STATUS = Label("status", ("pending", "running", "success", "error", "timeout", "interrupted"))
THREAD_STATUS = Label("status", ("idle", "busy", "interrupted", "error"))
BLOCKED = Label("blocked", ("false", "true", "unknown"))
ATTEMPT = Label("attempt", ("first", "retry"))
ATTEMPT_REASON = Label("reason", ("first", "retry", "recovered"))
STUCK_KIND = Label("kind", ("pending_with_free_slots", "running_without_lease"))
DOUBLE_TEXT_RESULT = Label("result", ("rejected", "enqueued", "interrupted", "rolled_back"))
FENCED_KIND = Label("kind", ("checkpoint", "status", "store"))
STREAM_MODE = Label(
    "mode",
    (
        *("values", "updates", "messages", "messages-tuple", "custom", "events", "debug"),
        *("tasks", "checkpoints", "other"),
    ),
    fallback="other",
)
CLOSE_REASON = Label(
    "reason",
    ("done", "superseded", "client_disconnect", "slow_reader", "server_error", "timeout"),
)
ON_DISCONNECT = Label("on_disconnect", ("cancel", "continue"))
SLOT_STATE = Label("state", ("busy", "idle", "zombie"))
LEASE_OUTCOME = Label("outcome", ("requeued", "exhausted"))
BACKEND = Label("backend", ("sqlite", "postgres", "memory"))
METHOD = Label(
    "method",
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "_OTHER"),
    fallback="_OTHER",
)
WEBHOOK_OUTCOME = Label("outcome", ("delivered", "failed", "given_up"))
STATUS_CLASS = Label("status_class", ("1xx", "2xx", "3xx", "4xx", "5xx"))
ROUTE_CLASS = Label("route_class", ("runs", "holding", "plain"))
"""What a request costs: it creates runs, follows one for as long as it takes, or neither."""
AUTH_REASON = Label("reason", ("missing", "invalid", "expired", "denied", "hidden", "failed"))
LOOP_ROLE = Label("role", ("api", "worker"))
LOG_LEVEL = Label("level", ("debug", "info", "warning", "error", "critical"), fallback="info")
PROBE_RESULT = Label("result", ("ok", "error"))
CHECK = Label(
    "check",
    ("database", "redis", "memory", "cpu", "server", "workers", "queue", "disk", "relay"),
)
CHECK_STATE = Label("state", ("ok", "degraded", "failed", "unknown", "off"))
POOL = Label("pool", ("writer", "reader", "graph_reader", "redis"))
POOL_STATE = Label("state", ("busy", "idle"))
REFUSAL = Label("reason", ("credentials", "method", "too_large", "slow", "busy"))
"""Why the sidecar refused a request: wrong credentials, a method it has not, and so on."""
CANARY_RESULT = Label("result", ("ok", "error", "timeout"))
STEP_OUTCOME = Label("outcome", ("success", "error", "interrupted", "cancelled"))
FORGOTTEN_REASON = Label("reason", ("expired", "crowded"))
SKIPPED_REASON = Label("reason", ("duplicate", "copy", "unreadable"))
TOKEN_TYPE = Label(gen_ai.TOKEN_TYPE, gen_ai.TOKEN_TYPES)
PRICED = Label("priced", ("true", "false"))
RELAY_KIND = Label("kind", ("post", "patch", "feedback"))
RELAY_FORWARD_RESULT = Label("result", ("ok", "retry", "denied", "refused"))
RELAY_DROP_REASON = Label(
    "reason", ("spool_full", "upstream_refused", "damaged", "redaction_failed")
)
RELAY_REPLAY_RESULT = Label("result", ("ok", "refused"))
RELAY_REFUSAL = Label(
    "reason",
    (
        *("body_too_large", "decompressed_too_large", "part_too_large", "too_many_parts"),
        *("slow_sender", "unknown_part", "unknown_encoding", "malformed", "wrong_key"),
        *("busy", "spool_unavailable", "no_upstream", "upstream_unreachable"),
    ),
)
