"""What traces tell of graphs: their nodes, tools and interrupts."""

from outrigger_telemetry.metric_specs.kinds import (
    RUN_BUCKETS,
    counter,
    gauge,
    histogram,
)
from outrigger_telemetry.metric_specs.labels import (
    GRAPH,
    MODEL,
    NODE,
    NODE_OUTCOME,
    PRICED,
    PROVIDER,
)

NODE_DURATION_SECONDS = histogram(
    "langgraph_node_duration_seconds",
    "Time one attempt of a node took.",
    RUN_BUCKETS,
    GRAPH,
    NODE,
    NODE_OUTCOME,
    source="relay",
)
NODE_RETRIES_TOTAL = counter(
    "langgraph_node_retries_total",
    "Attempts of nodes beyond their first.",
    GRAPH,
    NODE,
    source="relay",
)
INTERRUPTS_TOTAL = counter(
    "langgraph_interrupts_total",
    "Nodes that stopped to ask a person.",
    GRAPH,
    NODE,
    source="relay",
)
GRAPH_RECURSION_ERRORS_TOTAL = counter(
    "langgraph_graph_recursion_errors_total",
    "Graphs that reached their recursion limit.",
    GRAPH,
    NODE,
    source="relay",
)
LLM_COST_USD_TOTAL = counter(
    "langgraph_llm_cost_usd_total",
    "Estimated cost of models in dollars; priced=false counts calls without a known price at 0.",
    PROVIDER,
    MODEL,
    PRICED,
    source="relay",
)
TRACES_OPEN = gauge(
    "langgraph_traces_open", "Traces that have begun and not ended.", source="relay"
)
TRACE_AGE_MAX_SECONDS = gauge(
    "langgraph_trace_age_max_seconds", "Age of the oldest open trace; 0 for none.", source="relay"
)
