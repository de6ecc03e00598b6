"""Requests over HTTP."""

from outrigger_telemetry.metric_specs.kinds import HTTP_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import METHOD, ROUTE, STATUS, STATUS_CLASS

HTTP_SERVER_REQUEST_DURATION_SECONDS = histogram(
    "http_server_request_duration_seconds",
    "Time to answer a request, to the last byte; streams and waits last as long as their run.",
    HTTP_BUCKETS,
    METHOD,
    ROUTE,
    STATUS_CLASS,
)
HTTP_SERVER_REQUESTS_TOTAL = counter(
    "http_server_requests_total",
    "Requests answered, by status; counted only for the lg_api_ page (OUTRIGGER_LG_API_METRICS).",
    METHOD,
    ROUTE,
    STATUS,
)
HTTP_SERVER_ACTIVE_REQUESTS = gauge(
    "http_server_active_requests", "Requests being answered now.", METHOD
)
