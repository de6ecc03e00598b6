"""Streams of events, from the side of their readers."""

from outrigger_telemetry.metric_specs.kinds import TTFT_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import (
    ASSISTANT,
    CLOSE_REASON,
    ON_DISCONNECT,
    STREAM_MODE,
)

STREAM_FIRST_EVENT_SECONDS = histogram(
    "langgraph_stream_first_event_seconds",
    "Time from the request until the first event of the graph was sent.",
    TTFT_BUCKETS,
    ASSISTANT,
    STREAM_MODE,
)
STREAMS_ACTIVE = gauge("langgraph_streams_active", "Streams open now.", STREAM_MODE)
STREAM_EVENTS_TOTAL = counter(
    "langgraph_stream_events_total", "Events sent to readers of streams.", STREAM_MODE
)
STREAM_BYTES_TOTAL = counter(
    "langgraph_stream_bytes_total", "Bytes sent to readers of streams.", STREAM_MODE
)
STREAM_CLOSED_TOTAL = counter(
    "langgraph_stream_closed_total",
    "Streams that ended, by why, and by what the run does when its reader leaves.",
    CLOSE_REASON,
    ON_DISCONNECT,
)
STREAM_RESUMES_TOTAL = counter(
    "langgraph_stream_resumes_total", "Readers that came back with Last-Event-ID."
)
STREAM_EVENTS_LOST_TOTAL = counter(
    "langgraph_stream_events_lost_total",
    "Events that readers missed: a buffer had dropped them, or Redis was away.",
)
