"""Models and tools, under the names of OpenTelemetry's conventions, which still change."""

from outrigger_telemetry.metric_specs.kinds import LLM_BUCKETS, TTFT_BUCKETS, counter, histogram
from outrigger_telemetry.metric_specs.labels import (
    ERROR_TYPE,
    MODEL,
    PROVIDER,
    TOKEN_TYPE,
    TOOL,
    TOOL_OUTCOME,
)

GEN_AI_CLIENT_OPERATION_DURATION_SECONDS = histogram(
    "gen_ai_client_operation_duration_seconds",
    "Time a call of a model took; error_type is empty when it worked.",
    LLM_BUCKETS,
    PROVIDER,
    MODEL,
    ERROR_TYPE,
    source="relay",
)
GEN_AI_CLIENT_TIME_TO_FIRST_CHUNK_SECONDS = histogram(
    "gen_ai_client_time_to_first_chunk_seconds",
    "Time until a streaming model sent its first piece.",
    TTFT_BUCKETS,
    PROVIDER,
    MODEL,
    source="relay",
)
GEN_AI_CLIENT_TOKENS_TOTAL = counter(
    "gen_ai_client_tokens_total",
    "Tokens that models read and wrote.",
    PROVIDER,
    MODEL,
    TOKEN_TYPE,
    source="relay",
)
GEN_AI_EXECUTE_TOOL_DURATION_SECONDS = histogram(
    "gen_ai_execute_tool_duration_seconds",
    "Time a call of a tool took.",
    LLM_BUCKETS,
    TOOL,
    TOOL_OUTCOME,
    source="relay",
)
