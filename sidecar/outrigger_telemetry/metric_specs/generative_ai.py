"""Models and tools, under the names of OpenTelemetry's conventions, which still change."""

from outrigger_telemetry import gen_ai_names as gen_ai
from outrigger_telemetry.metric_specs.kinds import LLM_BUCKETS, TTFT_BUCKETS, counter, histogram
from outrigger_telemetry.metric_specs.labels import (
    ERROR_TYPE,
    MODEL,
    PROVIDER,
    STEP_OUTCOME,
    TOKEN_TYPE,
    TOOL,
)

GEN_AI_CLIENT_OPERATION_DURATION_SECONDS = histogram(
    gen_ai.CLIENT_OPERATION_DURATION,
    "Time each call of a model took, to its last chunk; error_type is empty when it worked.",
    LLM_BUCKETS,
    PROVIDER,
    MODEL,
    ERROR_TYPE,
    source="relay",
)
GEN_AI_CLIENT_TIME_TO_FIRST_CHUNK_SECONDS = histogram(
    gen_ai.CLIENT_TIME_TO_FIRST_CHUNK,
    "Time until the first chunk of a streamed answer of a model.",
    TTFT_BUCKETS,
    PROVIDER,
    MODEL,
    source="relay",
)
GEN_AI_CLIENT_TOKENS_TOTAL = counter(
    gen_ai.CLIENT_TOKENS,
    "Tokens that models took and gave; cache_read is a part of input, reasoning one of output.",
    PROVIDER,
    MODEL,
    TOKEN_TYPE,
    source="relay",
)
GEN_AI_EXECUTE_TOOL_DURATION_SECONDS = histogram(
    gen_ai.EXECUTE_TOOL_DURATION,
    "Time each call of a tool took; an error counts although the graph may hide it.",
    LLM_BUCKETS,
    TOOL,
    STEP_OUTCOME,
    source="relay",
)
