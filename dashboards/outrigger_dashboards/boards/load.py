"""Board 9: how much does it carry, and what is full first?"""

from outrigger_dashboards.boards.names import LOAD, OVERVIEW, QUEUE, STORES
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, bad_below, tile
from outrigger_dashboards.promql.expression import ratio
from outrigger_dashboards.promql.queries import (
    buckets,
    gauge,
    increase,
    observed,
    quantile,
    rate,
)

_OFFERED = "outrigger_loadtest_offered_total"
_REQUESTS = "outrigger_loadtest_requests_total"
_LATENCY = "outrigger_loadtest_latency_seconds"
_LAG = "outrigger_loadtest_send_lag_seconds"
_FLIGHT = "outrigger_loadtest_in_flight"
_DROPPED = "outrigger_loadtest_dropped_total"
_FINDINGS = "outrigger_loadtest_findings_total"
_TEST = "a load test runs"
_ELSEWHERE = (
    ("target-job", "the load generator is scraped as a job of its own"),
    ("target-instance", "the load generator is no instance of the server"),
)


TILES = (
    tile(
        "offered",
        "Offered",
        "Arrivals that were due, each second.",
        rate(_OFFERED),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "achieved",
        "Achieved of offered",
        "Share of what was due that was answered. Below 0.98 the server, or the generator, is "
        "full.",
        ratio(rate(_REQUESTS, where={"result": "ok"}), rate(_OFFERED)),
        *bad_below(0.9, 0.98),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "latency",
        "Latency p95",
        "From the intended send to the answer: what people would have felt.",
        quantile(0.95, _LATENCY),
        *bad_above(5, 30),
        leads_to=Target(LOAD, "latencies"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "failed",
        "Failed",
        "Share of operations that failed or whose outcome is unknown.",
        ratio(rate(_REQUESTS, where={"result": ("fail", "unknown")}), rate(_REQUESTS)),
        *bad_above(0.01, 0.05),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "flight",
        "In flight",
        "Operations begun and not ended. Grows without end: beyond capacity.",
        gauge(_FLIGHT),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "generator",
        "Send lag p95",
        "How late the generator sends. Above 10 ms the test says nothing about the server.",
        quantile(0.95, _LAG),
        *bad_above(0.05, 0.1),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "dropped",
        "Not sent",
        "Arrivals that were not sent because too many were in flight.",
        increase(_DROPPED),
        *bad_above(None, 1),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "broken",
        "Broken promises",
        "What the checker found. Anything but 0: the strategy does not hold under load.",
        increase(_FINDINGS),
        *bad_above(None, 1),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
)

ROWS = (
    Row(
        "Load",
        (
            Panel(
                "rates",
                "Offered and achieved, by test",
                "The lines part where capacity ends.",
                (
                    Query(rate(_OFFERED, by=["test_id"]), "{{test_id}} offered"),
                    Query(
                        rate(_REQUESTS, by=["test_id"], where={"result": "ok"}),
                        "{{test_id}} achieved",
                    ),
                ),
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "latencies",
                "Latency p95 by operation",
                "Compare with the rate: the knee is where latency rises and the rate does not.",
                (Query(quantile(0.95, _LATENCY, by=["operation"]), "{{operation}}"),),
                width=12,
                leads_to=Target(OVERVIEW, "anatomy"),
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "latency-map",
                "Latencies",
                "Operations by latency. A second band: some wait in the queue.",
                (Query(buckets(_LATENCY)),),
                kind="heatmap",
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "ends",
                "Operations by result",
                "Unknown: the answer was lost; the checker finds out later what happened.",
                (Query(rate(_REQUESTS, by=["result"]), "{{result}}"),),
                kind="stacked",
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
        ),
    ),
    Row(
        "What is full first",
        (
            Panel(
                "slots",
                "Slots in use",
                "At 1 first: add slots or workers.",
                (
                    Query(
                        ratio(
                            gauge("langgraph_worker_slots", where={"state": ("busy", "zombie")}),
                            gauge("langgraph_worker_slots"),
                        ),
                        "slots",
                    ),
                ),
                maximum=1,
                leads_to=Target(QUEUE, "slots-by-state"),
            ),
            Panel(
                "cpu",
                "CPU by role",
                "At one CPU for a process first: add processes.",
                (Query(rate("process_cpu_seconds_total", by=["role"]), "{{role}}"),),
                leads_to=Target(QUEUE, "cpu"),
            ),
            Panel(
                "writer",
                "Checkpoint write p95",
                "Rises first: the database is the limit.",
                (Query(quantile(0.95, "langgraph_checkpoint_write_seconds"), "p95"),),
                leads_to=Target(STORES, "writes"),
            ),
            Panel(
                "loops",
                "Event loop lag p95",
                "Rises first: a loop is full; graphs with synchronous code fill theirs.",
                (
                    Query(
                        quantile(0.95, "langgraph_event_loop_lag_seconds", by=["role"]), "{{role}}"
                    ),
                ),
                leads_to=Target(QUEUE, "lag"),
            ),
            Panel(
                "server-rate",
                "What the server sees",
                "Requests each second. Lower than achieved: the generator and the server measure "
                "different things.",
                (Query(observed("http_server_request_duration_seconds"), "requests"),),
            ),
            Panel(
                "queue",
                "Waiting runs",
                "Grows through a stage: it is above capacity.",
                (
                    Query(
                        gauge("langgraph_run_queue_depth", by=["blocked"]),
                        "behind their thread: {{blocked}}",
                    ),
                ),
                leads_to=Target(QUEUE, "depth"),
            ),
        ),
    ),
)

BOARD = Board(
    LOAD,
    "Outrigger 9: load and capacity",
    "How much does it carry under the objectives, and what is full first?",
    TILES,
    ROWS,
)
