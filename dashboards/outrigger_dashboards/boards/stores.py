"""Board 7: the databases, and what grows in them."""

from outrigger_dashboards.boards.names import QUEUE, RUNS, STORES
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, bad_below, tile
from outrigger_dashboards.promql.expression import BYTES, ratio, times
from outrigger_dashboards.promql.queries import (
    buckets,
    forecast,
    gauge,
    mean,
    observed,
    quantile,
    summed,
)

_DAY = 86400.0
_REDIS = "there is a Redis"
_THREADS = "langgraph_threads"


TILES = (
    tile(
        "database",
        "Database",
        "1: it answers the sidecar's question. 0: nothing is stored and nothing is read.",
        gauge("langgraph_health_status", where={"check": "database", "state": "ok"}, how="max"),
        *bad_below(1, 1),
        leads_to=Target(STORES, "probes"),
    ),
    tile(
        "redis-tile",
        "Redis",
        "1: it answers, or there is none because one process needs none. 0: streams lose events "
        "and wake-ups come late; runs go on.",
        gauge(
            "langgraph_health_status", where={"check": "redis", "state": ("ok", "off")}, how="max"
        ),
        *bad_below(1, 1),
        leads_to=Target(STORES, "redis"),
    ),
    tile(
        "probe",
        "Database probe p95",
        "Time the database takes to answer one small question. High: it is overloaded.",
        quantile(0.95, "langgraph_db_probe_seconds", where={"result": "ok"}),
        *bad_above(0.1, 0.5),
        leads_to=Target(STORES, "probes"),
    ),
    tile(
        "write",
        "Checkpoint write p95",
        "Time to store a checkpoint with the wait for the writer; every step of every run waits "
        "for it.",
        quantile(0.95, "langgraph_checkpoint_write_seconds"),
        *bad_above(0.1, 1),
        leads_to=Target(STORES, "writes"),
    ),
    tile(
        "size",
        "Checkpoint size p95",
        "Large checkpoints make every step slow: states should not hold files.",
        quantile(0.95, "langgraph_checkpoint_bytes"),
        *bad_above(262144, 1048576),
        leads_to=Target(STORES, "sizes"),
    ),
    tile(
        "growth",
        "Checkpoints per day",
        "Bytes a day at the present rate, before the database's own compression.",
        times(summed("langgraph_checkpoint_bytes"), _DAY, BYTES),
        *bad_above(10e9, 50e9),
        leads_to=Target(STORES, "rate"),
    ),
    tile(
        "pool",
        "Pool in use",
        "Share of connections in use. At 1 requests wait for one another.",
        ratio(
            gauge("langgraph_db_pool_connections", where={"state": "busy"}),
            gauge("langgraph_db_pool_connections"),
        ),
        *bad_above(0.8, 1),
        leads_to=Target(STORES, "pools"),
    ),
    tile(
        "disk",
        "Disk",
        "1: enough is free. 0: below the limit; SQLite stops to write when it is full.",
        gauge("langgraph_health_status", where={"check": "disk", "state": "ok"}, how="max"),
        *bad_below(1, 1),
    ),
)

ROWS = (
    Row(
        "Databases",
        (
            Panel(
                "probes",
                "Probe of the database",
                "Answer time of one small question by result. Errors: it is away, see the runbook.",
                (Query(quantile(0.95, "langgraph_db_probe_seconds", by=["result"]), "{{result}}"),),
                thresholds=bad_above(0.1, 0.5),
            ),
            Panel(
                "probe-rate",
                "Probes by result",
                "Probes each second. Any error is worth a look at the database's log.",
                (Query(observed("langgraph_db_probe_seconds", by=["result"]), "{{result}}"),),
                kind="stacked",
            ),
            Panel(
                "redis",
                "Probe of Redis",
                "Answer time of a PING. High: a slow command or a full network; errors: it is "
                "away.",
                (
                    Query(
                        quantile(0.95, "langgraph_redis_probe_seconds", by=["result"]),
                        "{{result}}",
                    ),
                ),
                thresholds=bad_above(0.01, 0.1),
                quiet=_REDIS,
            ),
            Panel(
                "pools",
                "Connections by state",
                "Busy at the top for long: more connections, or slow statements.",
                (
                    Query(
                        gauge("langgraph_db_pool_connections", by=["pool", "state"]),
                        "{{pool}}: {{state}}",
                    ),
                ),
            ),
            Panel(
                "pool-waiting",
                "Callers that wait for a connection",
                "Above 0 for long: the pool is too small for the load.",
                (Query(gauge("langgraph_db_pool_waiting", by=["pool"]), "{{pool}}"),),
                thresholds=bad_above(1, 10),
            ),
            Panel(
                "acquire",
                "Wait for a connection p95",
                "Part of every request that touches the database.",
                (
                    Query(
                        quantile(0.95, "langgraph_db_pool_acquire_seconds", by=["pool"]),
                        "{{pool}}",
                    ),
                ),
                thresholds=bad_above(0.05, 0.5),
            ),
        ),
    ),
    Row(
        "Checkpoints",
        (
            Panel(
                "writes",
                "Checkpoint writes",
                "How long writes take. Moves up with the load: the disk or the database is the "
                "limit.",
                (Query(buckets("langgraph_checkpoint_write_seconds")),),
                kind="heatmap",
            ),
            Panel(
                "sizes",
                "Checkpoint sizes",
                "Moves up over days: states grow with every turn; cut histories.",
                (Query(buckets("langgraph_checkpoint_bytes")),),
                kind="heatmap",
            ),
            Panel(
                "rate",
                "Bytes of checkpoints",
                "Bytes stored each second, by database.",
                (Query(summed("langgraph_checkpoint_bytes", by=["backend"]), "{{backend}}"),),
            ),
            Panel(
                "mean-write",
                "Mean write by database",
                "Compare with the load: growing without more runs means growing checkpoints.",
                (Query(mean("langgraph_checkpoint_write_seconds", by=["backend"]), "{{backend}}"),),
                leads_to=Target(QUEUE, "flow"),
            ),
            Panel(
                "threads-soon",
                "Threads in a week",
                "Threads now, and in seven days if they grow as in the last hour. Without a time "
                "to live they stay for ever.",
                (
                    Query(gauge(_THREADS, by=["status"]), "now: {{status}}"),
                    Query(forecast(_THREADS, 7 * _DAY, by=["status"]), "in a week: {{status}}"),
                ),
                leads_to=Target(RUNS, "threads"),
            ),
        ),
    ),
)

BOARD = Board(
    STORES,
    "Outrigger 7: data stores",
    "Do the databases keep up, and when are they full?",
    TILES,
    ROWS,
)
