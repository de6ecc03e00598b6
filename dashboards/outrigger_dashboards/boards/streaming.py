"""Board 4: do readers see the answer as it comes?"""

from outrigger_dashboards.boards.names import QUEUE, STORES, STREAMS
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, tile
from outrigger_dashboards.promql.expression import ratio
from outrigger_dashboards.promql.queries import buckets, gauge, increase, quantile, rate, within

TILES = (
    tile("open", "Streams open", "Readers connected now.", gauge("langgraph_streams_active")),
    tile(
        "begin",
        "First event p95",
        "95 of 100 streams send their first event within this time.",
        quantile(0.95, "langgraph_stream_first_event_seconds"),
        *bad_above(1, 2),
        leads_to=Target(STREAMS, "first-event"),
    ),
    tile(
        "prompt",
        "Begin within 2 s",
        "Share of streams with a first event within 2 s, which is the objective.",
        within(2, "langgraph_stream_first_event_seconds"),
    ),
    tile(
        "lost",
        "Events lost",
        "Events that readers missed. Anything but 0 is wrong: an answer has holes.",
        increase("langgraph_stream_events_lost_total"),
        *bad_above(None, 1),
        leads_to=Target(STREAMS, "losses"),
    ),
    tile(
        "resumed",
        "Resumed",
        "Readers that came back with Last-Event-ID. Many: something between server and reader "
        "cuts connections.",
        rate("langgraph_stream_resumes_total"),
    ),
    tile(
        "broken",
        "Streams that end badly",
        "Share of streams ended by a slow reader, a fault of the server or a time limit.",
        ratio(
            rate(
                "langgraph_stream_closed_total",
                where={"reason": ("slow_reader", "server_error", "timeout")},
            ),
            rate("langgraph_stream_closed_total"),
        ),
        *bad_above(0.01, 0.05),
        leads_to=Target(STREAMS, "reasons"),
    ),
    tile(
        "events-tile",
        "Events sent",
        "Events each second to all readers.",
        rate("langgraph_stream_events_total"),
    ),
    tile(
        "bytes-tile",
        "Bytes sent",
        "Bytes each second to all readers; near the network's limit all streams get slow.",
        rate("langgraph_stream_bytes_total"),
    ),
)

ROWS = (
    Row(
        "First event",
        (
            Panel(
                "first-event",
                "First event by mode",
                "p50 hides it, p95 shows it: from the request to the first event of the graph. "
                "High with a short queue: the model is slow to begin.",
                (
                    Query(
                        quantile(0.95, "langgraph_stream_first_event_seconds", by=["mode"]),
                        "{{mode}}",
                    ),
                ),
                width=12,
                thresholds=bad_above(1, 2),
                leads_to=Target(QUEUE, "first-waits"),
            ),
            Panel(
                "first-event-map",
                "First events",
                "Streams by time to their first event. A band far up: some wait behind something.",
                (Query(buckets("langgraph_stream_first_event_seconds")),),
                kind="heatmap",
                width=12,
            ),
        ),
    ),
    Row(
        "Readers",
        (
            Panel(
                "active",
                "Open streams by mode",
                "A fall to 0 at once: a proxy or the server cut everybody.",
                (Query(gauge("langgraph_streams_active", by=["mode"]), "{{mode}}"),),
                kind="stacked",
            ),
            Panel(
                "reasons",
                "Why streams end",
                "Done is right. Client disconnect: people leave. Slow reader: the network or the "
                "client is too slow. Server error: see the log.",
                (Query(rate("langgraph_stream_closed_total", by=["reason"]), "{{reason}}"),),
                kind="stacked",
            ),
            Panel(
                "losses",
                "Events lost and readers back",
                "Lost above 0: a buffer dropped events before the reader came back, or Redis was "
                "away.",
                (
                    Query(rate("langgraph_stream_events_lost_total"), "lost"),
                    Query(rate("langgraph_stream_resumes_total"), "resumed"),
                ),
                leads_to=Target(STORES, "redis"),
            ),
            Panel(
                "events",
                "Events by mode",
                "Events each second. Falls while streams stay open: graphs hang.",
                (Query(rate("langgraph_stream_events_total", by=["mode"]), "{{mode}}"),),
            ),
            Panel(
                "bytes",
                "Bytes by mode",
                "Modes that send whole states cost most; messages cost least.",
                (Query(rate("langgraph_stream_bytes_total", by=["mode"]), "{{mode}}"),),
            ),
            Panel(
                "leaving",
                "What happens to runs whose reader left",
                "Streams that ended before their run, by what was asked for. Continue that grows: "
                "runs go on that nobody reads.",
                (
                    Query(
                        rate(
                            "langgraph_stream_closed_total",
                            by=["on_disconnect"],
                            where={"reason": ("client_disconnect", "slow_reader")},
                        ),
                        "{{on_disconnect}}",
                    ),
                ),
            ),
        ),
    ),
)

BOARD = Board(
    STREAMS,
    "Outrigger 4: streaming",
    "Do readers see the answer as it comes, whole and in time?",
    TILES,
    ROWS,
)
