"""Board 9: how much does it carry, and what is full first?"""

from outrigger_dashboards.boards.names import HTTP, LOAD, OVERVIEW, QUEUE, STORES
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, bad_below, tile
from outrigger_dashboards.promql.expression import PER_SECOND, RATIO, ratio
from outrigger_dashboards.promql.queries import (
    gauge,
    increase,
    observed,
    quantile,
    rate,
)

_PREFIX = "outrigger_loadtest_"
_OFFERED = rate(f"{_PREFIX}conversations_offered_total")
_ACHIEVED = rate(f"{_PREFIX}conversations_achieved_total")
_LATENCY = f"{_PREFIX}latency_seconds"
_FIRST_EVENT = {"operation": "first_event"}
_TEST = "a load test runs"
_ELSEWHERE = (
    ("target-job", "the load generator is scraped as a job of its own"),
    ("target-instance", "the load generator is no instance of the server"),
)


TILES = (
    tile(
        "offered",
        "Offered",
        "Conversations that were to begin, each second.",
        _OFFERED,
        leads_to=Target(LOAD, "rates"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "achieved",
        "Achieved of offered",
        "Share of what was offered that came to its end. Below 0.98 the server, or the generator, "
        "is full; but where a stage begins, conversations have not had the time to end.",
        ratio(_ACHIEVED, _OFFERED),
        *bad_below(0.9, 0.98),
        leads_to=Target(LOAD, "rates"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "stage",
        "Stage",
        "The stage of the test that goes on; each offers more than the one before.",
        gauge(f"{_PREFIX}stage_number", how="max"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "failed",
        "Failed requests",
        "Requests that failed, each second. A refusal of a double text (409) is none.",
        rate(f"{_PREFIX}errors_total"),
        *bad_above(0.1, 1),
        leads_to=Target(HTTP, "failing-routes"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "flight",
        "In flight",
        "Conversations begun and not ended. Grows through a stage: beyond capacity.",
        gauge(f"{_PREFIX}conversations_in_flight"),
        leads_to=Target(LOAD, "in-flight"),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "generator",
        "Send lag p99",
        "How late the generator begins what is due. Above 10 ms the test says nothing about the "
        "server.",
        gauge(f"{_PREFIX}send_lag_p99_seconds", how="max"),
        *bad_above(0.005, 0.01),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "dropped",
        "Not begun",
        "Conversations that were not begun because too many were in flight.",
        increase(f"{_PREFIX}conversations_dropped_total"),
        *bad_above(None, 1),
        quiet=_TEST,
        excluded=_ELSEWHERE,
    ),
    tile(
        "first-event",
        "First event p95",
        "What people feel at this rate: 95 of 100 see the first event within this time, from when "
        "they meant to send. Above your objective: the stage does not pass.",
        quantile(0.95, _LATENCY, where=_FIRST_EVENT),
        *bad_above(1, 2.5),
        leads_to=Target(LOAD, "felt"),
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
                "Offered and achieved",
                "The lines part where capacity ends. Compare with the latencies beside them.",
                (
                    Query(
                        gauge(f"{_PREFIX}stage_rate", by=["test"], how="max").with_unit(PER_SECOND),
                        "planned, {{test}}",
                    ),
                    Query(
                        rate(f"{_PREFIX}conversations_offered_total", by=["test"]),
                        "offered, {{test}}",
                    ),
                    Query(
                        rate(f"{_PREFIX}conversations_achieved_total", by=["test"]),
                        "achieved, {{test}}",
                    ),
                ),
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "felt",
                "What people feel at this rate, p95",
                "By operation, from when they meant to send, so that a server that stands still "
                "shows. The knee is where these rise and the achieved rate does not.",
                (
                    Query(
                        quantile(0.95, _LATENCY, by=["operation", "test"]),
                        "{{operation}}, {{test}}",
                    ),
                ),
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "by-strategy",
                "First event by strategy, p95",
                "Of all tests together. With enqueue people wait behind their own run; with the "
                "others a rise is load.",
                (Query(quantile(0.95, _LATENCY, ["strategy"], _FIRST_EVENT), "{{strategy}}"),),
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "latencies",
                "What the server measures at this rate",
                "Wait rises first: too few slots; run time first: the machine or what it calls is "
                "full. Far below what people feel: time is lost before the server.",
                (
                    Query(quantile(0.95, "langgraph_run_queue_wait_seconds"), "wait p95"),
                    Query(quantile(0.95, "langgraph_run_duration_seconds"), "run time p95"),
                    Query(
                        quantile(0.95, "langgraph_stream_first_event_seconds"), "first event p95"
                    ),
                ),
                width=12,
                leads_to=Target(OVERVIEW, "anatomy"),
            ),
            Panel(
                "in-flight",
                "In flight",
                "Conversations of the generator that go on, and requests that the server answers. "
                "Both grow through a stage: beyond capacity.",
                (
                    Query(gauge(f"{_PREFIX}conversations_in_flight"), "conversations"),
                    Query(gauge("http_server_active_requests"), "requests"),
                ),
                width=12,
                quiet=_TEST,
                excluded=_ELSEWHERE,
            ),
            Panel(
                "errors",
                "Failed requests and conversations not begun",
                "Anything but 0 ends the stage: what was achieved then counts for nothing.",
                (
                    Query(rate(f"{_PREFIX}errors_total"), "failed"),
                    Query(rate(f"{_PREFIX}conversations_dropped_total"), "not begun"),
                ),
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
                "At 100 % (one CPU) for a process first: add processes.",
                (
                    Query(
                        rate("process_cpu_seconds_total", by=["role"]).with_unit(RATIO), "{{role}}"
                    ),
                ),
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
