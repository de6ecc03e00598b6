"""The names of OpenTelemetry's conventions for generative AI, which still change.

All of them stand here: what series, labels and values are called, and under which keys traces
carry what they count.
"""

CLIENT_OPERATION_DURATION = "gen_ai_client_operation_duration_seconds"
CLIENT_TIME_TO_FIRST_CHUNK = "gen_ai_client_time_to_first_chunk_seconds"
CLIENT_TOKENS = "gen_ai_client_tokens_total"
EXECUTE_TOOL_DURATION = "gen_ai_execute_tool_duration_seconds"

PROVIDER = "provider"
MODEL = "model"
ERROR_TYPE = "error_type"
TOKEN_TYPE = "token_type"  # noqa: S105  a label, no secret
TOOL = "tool"

INPUT = "input"
OUTPUT = "output"
CACHE_READ = "cache_read"
REASONING = "reasoning"
TOKEN_TYPES = (INPUT, OUTPUT, CACHE_READ, REASONING)

NO_ERROR = ""
"""The error type of what worked: for Prometheus an empty label is none."""
OTHER_ERROR = "_OTHER"
"""The error type when the class of the error is not known."""

# In the metadata of a trace
TRACE_PROVIDER = "ls_provider"
TRACE_MODEL = "ls_model_name"
TRACE_USAGE = "usage_metadata"
TRACE_FIRST_CHUNK_EVENT = "new_token"
