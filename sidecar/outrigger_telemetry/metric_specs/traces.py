"""What traces tell of graphs: their nodes, retries, interrupts, and what their models cost."""

from outrigger_telemetry.metric_specs.kinds import RUN_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import (
    FORGOTTEN_REASON,
    GRAPH,
    MODEL,
    NODE,
    PRICED,
    PROVIDER,
    SKIPPED_REASON,
    STEP_OUTCOME,
)

NODE_DURATION_SECONDS = histogram(
    "langgraph_node_duration_seconds",
    "Time each call of a node took; a retry is a call of its own. A node that holds a subgraph "
    "includes it.",
    RUN_BUCKETS,
    GRAPH,
    NODE,
    STEP_OUTCOME,
    source="relay",
)
NODE_RETRIES_TOTAL = counter(
    "langgraph_node_retries_total",
    "Calls of a node after its first one in the same step.",
    GRAPH,
    NODE,
    source="relay",
)
INTERRUPTS_TOTAL = counter(
    "langgraph_interrupts_total",
    "Questions to a person that a node stopped for, counted at the innermost node.",
    GRAPH,
    NODE,
    source="relay",
)
GRAPH_RECURSION_ERRORS_TOTAL = counter(
    "langgraph_graph_recursion_errors_total",
    "Graphs that ran into their recursion limit; the node that holds the subgraph, or __root__.",
    GRAPH,
    NODE,
    source="relay",
)
LLM_COST_USD_TOTAL = counter(
    "langgraph_llm_cost_usd_total",
    "Cost of models by the price table; priced=false is a guess at the fallback price.",
    PROVIDER,
    MODEL,
    PRICED,
    source="relay",
)
TRACES_OPEN = gauge(
    "langgraph_traces_open", "Traces that have begun and not ended yet.", source="relay"
)
TRACE_AGE_MAX_SECONDS = gauge(
    "langgraph_trace_age_max_seconds",
    "Time since the first sign of the oldest open trace; 0 when none is open.",
    source="relay",
)
TRACES_FORGOTTEN_TOTAL = counter(
    "langgraph_traces_forgotten_total",
    "Open traces given up: silent for too long, or too many at once.",
    FORGOTTEN_REASON,
    source="relay",
)
TRACE_OPERATIONS_SKIPPED_TOTAL = counter(
    "langgraph_trace_operations_skipped_total",
    "Operations of traces that no series counts: sent again, for a second project, or unreadable.",
    SKIPPED_REASON,
    source="relay",
)
