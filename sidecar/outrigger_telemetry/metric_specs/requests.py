"""Requests over HTTP."""

from outrigger_telemetry.metric_specs.kinds import HTTP_BUCKETS, counter, gauge, histogram
from outrigger_telemetry.metric_specs.labels import (
    AUTH_REASON,
    METHOD,
    ROUTE,
    ROUTE_CLASS,
    STATUS,
    STATUS_CLASS,
)

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
AUTH_FAILURES_TOTAL = counter(
    "langgraph_auth_failures_total",
    "Requests refused for who sent them: no credentials, wrong ones, outlived ones, denied or "
    "hidden by a rule, or because the authentication itself failed.",
    AUTH_REASON,
)
RATE_LIMITED_TOTAL = counter(
    "langgraph_rate_limited_total",
    "Requests refused because their caller asked too often, by what they would have cost.",
    ROUTE_CLASS,
)
AUTH_FILES_BROKEN_TOTAL = counter(
    "langgraph_auth_files_broken_total",
    "Changed files of keys that could not be read; the keys from before still count.",
)
