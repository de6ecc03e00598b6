"""Board 1: is it well, and if not, which part is it?"""

from outrigger_dashboards.boards.names import HTTP, OVERVIEW, QUEUE, RUNS, SIDECAR, STREAMS
from outrigger_dashboards.panels import (
    Board,
    Panel,
    Query,
    Row,
    Target,
    bad_above,
    bad_below,
    tile,
)
from outrigger_dashboards.promql.expression import (
    COUNT,
    RATIO,
    SECONDS,
    Expression,
    otherwise,
    per,
    ratio,
    recorded,
    text,
    top,
    without,
)
from outrigger_dashboards.promql.queries import (
    firing,
    gauge,
    increase,
    observed,
    quantile,
    rate,
    summed,
    within,
)

_JUDGED = ("success", "error", "timeout")
_OF_ALERTS = (
    ("target-job", "alerts about a job that is gone have no job"),
    ("target-instance", "alerts are of a deployment, not of an instance"),
)


def _finished(**where: str | tuple[str, ...]) -> Expression:
    return rate("langgraph_runs_finished_total", where=where)


def _per_run(amount: Expression) -> Expression:
    return per(amount, _finished(), SECONDS)


_RUN_SECONDS = summed("langgraph_run_duration_seconds")
_MODEL_SECONDS = summed("gen_ai_client_operation_duration_seconds")
_TOOL_SECONDS = summed("gen_ai_execute_tool_duration_seconds")
_CHECKPOINT_SECONDS = summed("langgraph_checkpoint_write_seconds")

TILES = (
    tile(
        "servers",
        "Servers answering",
        "Servers whose health check passes. Fewer than you started: one is down or hangs; "
        "look at its log and at the sidecar's /health.",
        gauge("langgraph_health_status", where={"check": "server", "state": "ok"}, how="sum"),
        *bad_below(1, 1),
        leads_to=Target(SIDECAR, "health"),
    ),
    tile(
        "success",
        "Runs that succeed",
        "Share of the ended runs that did what they were asked; those that people cut are left "
        "out. Below the objective the error budget burns.",
        ratio(_finished(outcome="success"), _finished(outcome=_JUDGED)),
        *bad_below(0.95, 0.99),
        leads_to=Target(RUNS, "outcomes"),
    ),
    tile(
        "budget",
        "Error budget left",
        "Share of the period's error budget that is left. At 0 the objective is missed: stop "
        "risky changes.",
        recorded("job:langgraph_run_errors:budget_left_ratio", RATIO),
        *bad_below(0, 0.25),
        leads_to=Target(OVERVIEW, "burn"),
    ),
    tile(
        "duration",
        "Run time p95",
        "95 of 100 runs take less, the wait in the queue not counted. High: slow models, tools "
        "or nodes; see where a run's time goes.",
        quantile(0.95, "langgraph_run_duration_seconds"),
        *bad_above(30, 60),
        leads_to=Target(OVERVIEW, "anatomy"),
    ),
    tile(
        "first-event",
        "First event p95",
        "95 of 100 streams send their first event within this time. High: people look at an "
        "empty answer.",
        quantile(0.95, "langgraph_stream_first_event_seconds"),
        *bad_above(1, 2),
        leads_to=Target(STREAMS, "first-event"),
    ),
    tile(
        "pending",
        "Waiting for a slot",
        "Runs that are due and wait for a free slot. Above 0 for long: too few workers.",
        gauge("langgraph_run_queue_depth", where={"blocked": "false"}),
        *bad_above(1, 20),
        leads_to=Target(QUEUE, "depth"),
    ),
    tile(
        "oldest",
        "Oldest waits",
        "How long the oldest of them has waited. It grows while slots are free: the queue is "
        "stuck.",
        gauge("langgraph_run_queue_oldest_seconds", where={"blocked": "false"}),
        *bad_above(10, 60),
        leads_to=Target(QUEUE, "oldest"),
    ),
    tile(
        "firing",
        "Alerts firing",
        "Alerts that fire now, the Watchdog not counted. Each has a runbook.",
        otherwise(firing(), text("vector(0)", COUNT)),
        *bad_above(None, 1),
        leads_to=Target(OVERVIEW, "alerts"),
        excluded=_OF_ALERTS,
    ),
)

_BURNS = (("1h", "5m"), ("6h", "30m"), ("1d", "2h"), ("3d", "6h"))
_GOALS = (
    ("run_errors", "failed runs"),
    ("run_latency", "slow runs"),
    ("first_event", "slow starts"),
)

ROWS = (
    Row(
        "Objectives",
        (
            Panel(
                "burn",
                "Speed at which budgets burn",
                "1 uses up the error budget exactly over the period; above 14.4 over an hour a "
                "page goes out. Bad: a line that stays above 1.",
                tuple(
                    Query(recorded(f"job:langgraph_{key}:burn_rate1h", COUNT), name)
                    for key, name in _GOALS
                ),
                width=12,
                thresholds=bad_above(1, 14.4),
            ),
            Panel(
                "burn-errors",
                "Budget of failed runs, by window",
                "Short windows show what happens now, long ones what it did to the budget. All "
                "of them high: it has gone on for long.",
                tuple(
                    Query(recorded(f"job:langgraph_run_errors:burn_rate{long}", COUNT), long)
                    for long, _ in _BURNS
                ),
                width=12,
                thresholds=bad_above(1, 14.4),
            ),
        ),
    ),
    Row(
        "Where the time of a run goes",
        (
            Panel(
                "anatomy",
                "Anatomy of a run",
                "Mean seconds of one run: the wait for a worker, calls of models and tools, "
                "writing checkpoints, and the rest, which is the graph's own code. The part that "
                "grew is the one to look at. Parts that run at once count each for itself.",
                (
                    Query(_per_run(summed("langgraph_run_queue_wait_seconds")), "waiting"),
                    Query(_per_run(_MODEL_SECONDS), "model"),
                    Query(_per_run(_TOOL_SECONDS), "tools"),
                    Query(_per_run(_CHECKPOINT_SECONDS), "checkpoints"),
                    Query(
                        _per_run(
                            without(
                                _RUN_SECONDS, _MODEL_SECONDS, _TOOL_SECONDS, _CHECKPOINT_SECONDS
                            )
                        ),
                        "own code",
                    ),
                ),
                kind="stacked",
                width=12,
            ),
            Panel(
                "outcomes",
                "Runs by outcome",
                "Runs that ended each second. Red growing: look at the errors' classes on the "
                "board of runs. Grey and blue are people who changed their mind.",
                (Query(rate("langgraph_runs_finished_total", by=["outcome"]), "{{outcome}}"),),
                kind="stacked",
                width=12,
                leads_to=Target(RUNS, "errors"),
            ),
        ),
    ),
    Row(
        "What changed, and for whom",
        (
            Panel(
                "versions",
                "Sidecars by version",
                "How many sidecars run each version. A new line is a deployment: compare its time "
                "with the time at which the trouble began.",
                (
                    Query(
                        gauge("langgraph_sidecar_build_info", by=["version"], how="count"),
                        "{{version}}",
                    ),
                ),
            ),
            Panel(
                "worst",
                "Assistants with most failures",
                "Share of failed runs of the worst five assistants. One alone is high: its graph "
                "is broken, not the server.",
                (
                    Query(
                        top(
                            5,
                            ratio(
                                rate(
                                    "langgraph_runs_finished_total",
                                    by=["assistant"],
                                    where={"outcome": ("error", "timeout")},
                                ),
                                rate(
                                    "langgraph_runs_finished_total",
                                    by=["assistant"],
                                    where={"outcome": _JUDGED},
                                ),
                            ),
                        ),
                        "{{assistant}}",
                    ),
                ),
                kind="bars",
                thresholds=bad_above(0.01, 0.05),
                maximum=1,
                leads_to=Target(RUNS, "errors"),
            ),
            Panel(
                "alerts",
                "Alerts over time",
                "Which alerts fired when. Several that begin together have one cause: begin with "
                "the one that names a part, such as the database.",
                (Query(firing(["alertname"]), "{{alertname}}"),),
                quiet="an alert fires",
                excluded=_OF_ALERTS,
            ),
        ),
    ),
    Row(
        "Promises in numbers",
        (
            Panel(
                "fast-runs",
                "Runs within a minute",
                "Share of successful runs that took a minute at most. Falls before people "
                "complain.",
                (
                    Query(
                        within(60, "langgraph_run_duration_seconds", where={"outcome": "success"}),
                        "runs",
                    ),
                ),
                maximum=1,
            ),
            Panel(
                "fast-starts",
                "Streams that begin within 2 s",
                "Share of streams with a first event within 2 s. Low with a short queue: the "
                "graph or its model is slow to begin.",
                (Query(within(2, "langgraph_stream_first_event_seconds"), "streams"),),
                maximum=1,
                leads_to=Target(STREAMS, "first-event"),
            ),
            Panel(
                "answers",
                "Answers by class",
                "Answers each second. 5xx above 0: the server itself fails.",
                (
                    Query(
                        observed("http_server_request_duration_seconds", by=["status_class"]),
                        "{{status_class}}",
                    ),
                ),
                kind="stacked",
                leads_to=Target(HTTP, "status"),
            ),
            Panel(
                "recovered",
                "Runs taken over",
                "Runs in the last minutes that another worker took over because theirs vanished. "
                "Above 0: a worker died or hung.",
                (Query(increase("langgraph_runs_recovered_total", by=["outcome"]), "{{outcome}}"),),
                leads_to=Target(QUEUE, "leases"),
            ),
        ),
        folded=True,
    ),
)

BOARD = Board(
    OVERVIEW,
    "Outrigger 1: overview and objectives",
    "Is it well? If not, which part is it, since when, and for whom?",
    TILES,
    ROWS,
)
