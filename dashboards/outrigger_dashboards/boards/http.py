"""Board 5: what the API answers. Requests that hold a run never share a quantile with others."""

from outrigger_dashboards.boards.names import HTTP, OVERVIEW, QUEUE
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, tile
from outrigger_dashboards.promql.expression import ratio, top
from outrigger_dashboards.promql.queries import buckets, gauge, mean, observed, quantile, rate
from outrigger_dashboards.promql.selector import Pattern, Where

_REQUESTS = "http_server_request_duration_seconds"
_HOLDS = ".*(/wait|/stream|/join)"
HOLDING: Where = {"route": Pattern(_HOLDS)}
PLAIN: Where = {"route": Pattern(_HOLDS, matches=False)}


def _answers(*classes: str) -> Where:
    return {"status_class": classes}


TILES = (
    tile(
        "requests",
        "Requests",
        "Answers each second.",
        observed(_REQUESTS),
        leads_to=Target(HTTP, "status"),
    ),
    tile(
        "failing",
        "Answers 5xx",
        "Share of answers that are the server's fault. Above 5 % an alert fires.",
        ratio(observed(_REQUESTS, where=_answers("5xx")), observed(_REQUESTS)),
        *bad_above(0.01, 0.05),
        leads_to=Target(HTTP, "failing-routes"),
    ),
    tile(
        "refused",
        "Answers 4xx",
        "Share of answers that are the client's fault; 409 of rejected double texts count here.",
        ratio(observed(_REQUESTS, where=_answers("4xx")), observed(_REQUESTS)),
        *bad_above(0.25, 0.5),
        leads_to=Target(HTTP, "refused-routes"),
    ),
    tile(
        "quick",
        "Plain requests p95",
        "Requests that hold no run: they only read and write the database.",
        quantile(0.95, _REQUESTS, where=PLAIN),
        *bad_above(0.25, 1),
        leads_to=Target(HTTP, "plain"),
    ),
    tile(
        "active",
        "Being answered",
        "Requests in work now; streams count for as long as they last.",
        gauge("http_server_active_requests"),
        leads_to=Target(HTTP, "in-work"),
    ),
    tile(
        "lag",
        "API loop lag p95",
        "How late timers fire on the API's loop. High: the process is out of CPU.",
        quantile(0.95, "langgraph_event_loop_lag_seconds", where={"role": "api"}),
        *bad_above(0.1, 1),
        leads_to=Target(QUEUE, "lag"),
    ),
    tile(
        "strangers",
        "Refused credentials",
        "Requests refused for who sent them, each second.",
        rate("langgraph_auth_failures_total"),
        *bad_above(1, 10),
        leads_to=Target(HTTP, "auth"),
    ),
    tile(
        "keys",
        "Broken key files",
        "Changed files of keys that could not be read. Above 0: new keys do not count.",
        rate("langgraph_auth_files_broken_total"),
        *bad_above(None, 0.001),
        leads_to=Target(HTTP, "auth"),
    ),
)

ROWS = (
    Row(
        "Rate, errors, durations",
        (
            Panel(
                "status",
                "Answers by class",
                "5xx is the server's fault, 4xx the client's. A wall of 5xx: the database is away.",
                (Query(observed(_REQUESTS, by=["status_class"]), "{{status_class}}"),),
                kind="stacked",
            ),
            Panel(
                "plain",
                "Duration of plain requests",
                "Requests that hold no run. All quantiles up: the database or the CPU; p99 alone: "
                "a few big threads.",
                tuple(
                    Query(quantile(share, _REQUESTS, where=PLAIN), name)
                    for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
                ),
                thresholds=bad_above(0.25, 1),
                leads_to=Target(QUEUE, "lag"),
            ),
            Panel(
                "holding",
                "Duration of requests that hold a run",
                "Streams, waits and joins: as long as their runs. Compare with run time; more "
                "than that is the wait in the queue.",
                tuple(
                    Query(quantile(share, _REQUESTS, where=HOLDING), name)
                    for share, name in ((0.5, "p50"), (0.95, "p95"))
                ),
                leads_to=Target(OVERVIEW, "anatomy"),
            ),
            Panel(
                "slowest",
                "Slowest plain routes",
                "Mean duration of the slowest ten routes that hold no run.",
                (
                    Query(
                        top(10, mean(_REQUESTS, by=["route"], where=PLAIN)),
                        "{{route}}",
                    ),
                ),
                kind="bars",
                thresholds=bad_above(0.25, 1),
            ),
            Panel(
                "failing-routes",
                "Routes that fail",
                "Answers 5xx each second by route. One route: a bug; all: a part is down.",
                (
                    Query(
                        top(10, observed(_REQUESTS, by=["route"], where=_answers("5xx"))),
                        "{{route}}",
                    ),
                ),
                quiet="the server answers with 5xx",
            ),
            Panel(
                "refused-routes",
                "Routes that refuse",
                "Answers 4xx each second by route. Runs: rejected double texts; threads: clients "
                "that ask for what is gone.",
                (
                    Query(
                        top(10, observed(_REQUESTS, by=["route"], where=_answers("4xx"))),
                        "{{route}}",
                    ),
                ),
                quiet="a client is refused",
            ),
        ),
    ),
    Row(
        "Clients",
        (
            Panel(
                "in-work",
                "Requests in work by method",
                "Grows without end: clients wait for runs that do not end.",
                (Query(gauge("http_server_active_requests", by=["method"]), "{{method}}"),),
            ),
            Panel(
                "auth",
                "Refused credentials by reason",
                "Expired: a client does not renew its token. Invalid, many: somebody tries keys. "
                "Failed: the authentication itself is broken.",
                (Query(rate("langgraph_auth_failures_total", by=["reason"]), "{{reason}}"),),
            ),
            Panel(
                "limited",
                "Callers over their limit",
                "Requests answered 429 each second, by what they would have cost. Runs: a client "
                "in a loop, or a limit that is too low (OUTRIGGER_RATE_LIMIT_RUNS).",
                (
                    Query(
                        rate("langgraph_rate_limited_total", by=["route_class"]), "{{route_class}}"
                    ),
                ),
            ),
            Panel(
                "map",
                "All plain requests",
                "Plain requests by duration. A second band: some wait for a lock or a connection.",
                (Query(buckets(_REQUESTS, where=PLAIN)),),
                kind="heatmap",
            ),
        ),
    ),
)

BOARD = Board(
    HTTP,
    "Outrigger 5: HTTP API",
    "Does the API answer, how fast, and whom does it refuse?",
    TILES,
    ROWS,
)
