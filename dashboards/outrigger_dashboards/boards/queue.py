"""Board 3: is there enough to work the queue off, and does it move?"""

from outrigger_dashboards.boards.names import QUEUE, RUNS, SIDECAR
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, tile
from outrigger_dashboards.promql.expression import RATIO, SECONDS, per, ratio, top
from outrigger_dashboards.promql.queries import (
    buckets,
    gauge,
    increase,
    quantile,
    rate,
)

_FREE = gauge("langgraph_worker_slots", where={"state": "idle"})
_BUSY = gauge("langgraph_worker_slots", where={"state": ("busy", "zombie")})
_ALL = gauge("langgraph_worker_slots")
_DEPTH = gauge("langgraph_run_queue_depth", where={"blocked": "false"})

TILES = (
    tile(
        "waiting",
        "Waiting for a slot",
        "Runs that are due, whose thread is free, and that no worker has taken. Above 0 while "
        "slots are free: the queue is stuck.",
        _DEPTH,
        *bad_above(1, 20),
        leads_to=Target(QUEUE, "depth"),
    ),
    tile(
        "slots",
        "Free slots",
        "Slots that could take a run now. 0 for long: add workers.",
        _FREE,
    ),
    tile(
        "used",
        "Slots in use",
        "Share of slots that hold a run. Near 1: the next run waits.",
        ratio(_BUSY, _ALL),
        *bad_above(0.8, 0.95),
        leads_to=Target(QUEUE, "slots-by-state"),
    ),
    tile(
        "wait",
        "Wait p95",
        "95 of 100 runs start within this time after they were due.",
        quantile(0.95, "langgraph_run_queue_wait_seconds"),
        *bad_above(1, 10),
        leads_to=Target(QUEUE, "first-waits"),
    ),
    tile(
        "drain",
        "Time to empty the queue",
        "Waiting runs divided by the runs that end each second. Growing: more comes than goes.",
        per(_DEPTH, rate("langgraph_runs_finished_total"), SECONDS),
        *bad_above(60, 600),
        leads_to=Target(QUEUE, "flow"),
    ),
    tile(
        "stuck",
        "Stuck runs",
        "Runs that ought to move and do not. Above 0 is always wrong.",
        gauge("langgraph_runs_stuck", how="max"),
        *bad_above(None, 1),
        leads_to=Target(QUEUE, "stuck-kinds"),
    ),
    tile(
        "zombies",
        "Zombie slots",
        "Slots held by runs that were cut and will not stop. They come back only with a restart.",
        gauge("langgraph_worker_slots", where={"state": "zombie"}),
        *bad_above(None, 1),
        leads_to=Target(RUNS, "fences"),
    ),
    tile(
        "lost",
        "Leases run out",
        "Leases that ended because their worker died or hung.",
        increase("langgraph_leases_expired_total"),
        *bad_above(None, 1),
        leads_to=Target(QUEUE, "leases"),
    ),
)

ROWS = (
    Row(
        "Queue",
        (
            Panel(
                "depth",
                "Waiting runs and free slots",
                "Waiting above 0 while free slots are above 0: nobody takes runs. Waiting grows "
                "with 0 free: too few workers.",
                (Query(_DEPTH, "waiting"), Query(_FREE, "free slots")),
            ),
            Panel(
                "oldest",
                "Oldest waiting run",
                "How long the oldest run has been due. A straight line upwards: it is stuck.",
                (
                    Query(
                        gauge("langgraph_run_queue_oldest_seconds", by=["blocked"]),
                        "behind its thread: {{blocked}}",
                    ),
                ),
                leads_to=Target(RUNS, "waits"),
            ),
            Panel(
                "flow",
                "Arrivals and completions",
                "Runs that come and that end each second. Arrivals above completions for long: "
                "the queue grows.",
                (
                    Query(rate("langgraph_runs_created_total"), "arrive"),
                    Query(rate("langgraph_runs_finished_total"), "end"),
                ),
            ),
            Panel(
                "first-waits",
                "Waits of first attempts",
                "Runs by how long they waited. Dark fields move up: people wait longer.",
                (Query(buckets("langgraph_run_queue_wait_seconds", where={"attempt": "first"})),),
                kind="heatmap",
                width=12,
            ),
            Panel(
                "retry-waits",
                "Waits of later attempts",
                "Attempts after a fault, by how long they waited: the lease has to run out first. "
                "Above 30 s: leases are too long or no worker is there.",
                (Query(buckets("langgraph_run_queue_wait_seconds", where={"attempt": "retry"})),),
                kind="heatmap",
                width=12,
                quiet="a run is attempted again",
            ),
        ),
    ),
    Row(
        "Workers",
        (
            Panel(
                "slots-by-state",
                "Slots by state",
                "Busy near the top: full. Red (zombie): runs that were cut and will not stop.",
                (Query(gauge("langgraph_worker_slots", by=["state"]), "{{state}}"),),
                kind="stacked",
            ),
            Panel(
                "imbalance",
                "Slots in use by instance",
                "Share of each instance's slots that hold a run. Far apart while runs wait: one "
                "does not take work.",
                (
                    Query(
                        ratio(
                            gauge(
                                "langgraph_worker_slots",
                                by=["instance"],
                                where={"state": ("busy", "zombie")},
                            ),
                            gauge("langgraph_worker_slots", by=["instance"]),
                        ),
                        "{{instance}}",
                    ),
                ),
                maximum=1,
            ),
            Panel(
                "leases",
                "Leases lost and runs recovered",
                "Leases that ran out, by what became of their run. Exhausted: the run ended in "
                "error after its last attempt.",
                (
                    Query(
                        rate("langgraph_leases_expired_total", by=["outcome"]), "lost: {{outcome}}"
                    ),
                    Query(
                        rate("langgraph_runs_recovered_total", by=["outcome"]),
                        "taken over: {{outcome}}",
                    ),
                ),
            ),
            Panel(
                "stuck-kinds",
                "Stuck runs by kind",
                "Pending although slots are free: wake-ups are lost. Running without a lease: "
                "nobody will ever end it.",
                (Query(gauge("langgraph_runs_stuck", by=["kind"]), "{{kind}}"),),
            ),
            Panel(
                "heartbeats",
                "Age of the last heartbeat",
                "Time since each worker's last sign of life. Above the lease (15 s): its runs go "
                "to others.",
                (
                    Query(
                        gauge("langgraph_worker_heartbeat_age_seconds", by=["worker"]),
                        "{{worker}}",
                    ),
                ),
            ),
            Panel(
                "workers",
                "Workers alive",
                "1 for each worker whose heart beats. 0: it is gone or hangs.",
                (Query(gauge("langgraph_worker_up", by=["worker"]), "{{worker}}"),),
            ),
        ),
    ),
    Row(
        "Processes",
        (
            Panel(
                "lag",
                "Lag of event loops p95",
                "How late timers fire. High on worker: a graph blocks its loop with synchronous "
                "code.",
                (
                    Query(
                        quantile(0.95, "langgraph_event_loop_lag_seconds", by=["role"]), "{{role}}"
                    ),
                ),
                thresholds=bad_above(0.1, 1),
            ),
            Panel(
                "cpu",
                "CPU by role",
                "100 % is one CPU. At the number of CPUs: the machine is full.",
                (
                    Query(
                        rate("process_cpu_seconds_total", by=["role"]).with_unit(RATIO), "{{role}}"
                    ),
                ),
                leads_to=Target(SIDECAR, "health"),
            ),
            Panel(
                "memory",
                "Memory by role",
                "Resident memory. Steady growth over days: a leak, most often in a graph.",
                (Query(gauge("process_resident_memory_bytes", by=["role"]), "{{role}}"),),
            ),
            Panel(
                "builds",
                "Time of graph factories p95",
                "A factory that is slow delays every run of its graph.",
                (
                    Query(
                        quantile(0.95, "langgraph_graph_build_seconds", by=["graph"]), "{{graph}}"
                    ),
                ),
            ),
            Panel(
                "container",
                "Container: memory and CPU of what is allowed",
                "Share of the limits that the sidecar's control group has. Memory near 1: the "
                "kernel will kill; CPU near 1: everything gets slow at once.",
                (
                    Query(
                        top(
                            5,
                            ratio(
                                gauge("langgraph_container_memory_bytes", by=["instance"]),
                                gauge("langgraph_container_memory_limit_bytes", by=["instance"]),
                            ),
                        ),
                        "{{instance}} memory",
                    ),
                    Query(
                        top(
                            5,
                            per(
                                rate("langgraph_container_cpu_seconds_total", by=["instance"]),
                                gauge("langgraph_container_cpu_limit", by=["instance"]),
                                RATIO,
                            ),
                        ),
                        "{{instance}} CPU",
                    ),
                ),
                thresholds=bad_above(0.8, 0.95),
                quiet="the control group has limits",
            ),
            Panel(
                "files",
                "Open files and threads",
                "Growth without end: something is not closed.",
                (
                    Query(gauge("process_open_fds", by=["role"]), "{{role}} files"),
                    Query(gauge("process_threads", by=["role"]), "{{role}} threads"),
                ),
            ),
        ),
        folded=True,
    ),
)

BOARD = Board(
    QUEUE,
    "Outrigger 3: queue and workers",
    "Are there enough workers, and does the queue move?",
    TILES,
    ROWS,
)
