"""Board 2: what became of runs, and of people who sent a second message."""

from outrigger_dashboards.boards.names import MODELS, QUEUE, RUNS
from outrigger_dashboards.panels import Board, Panel, Query, Row, Target, bad_above, tile
from outrigger_dashboards.promql.expression import ratio, top, total
from outrigger_dashboards.promql.queries import buckets, gauge, increase, mean, quantile, rate

_CREATED = rate("langgraph_runs_created_total")
_REJECTED = rate("langgraph_double_text_total", where={"result": "rejected"})
_SENT = total(_CREATED, _REJECTED)

TILES = (
    tile(
        "started",
        "Runs sent",
        "Runs accepted each second. A sudden fall: clients cannot reach the server.",
        _CREATED,
    ),
    tile(
        "share",
        "Double texts",
        "Share of what people send that meets a thread still busy. High: answers are too slow for "
        "them, or a client sends twice.",
        ratio(rate("langgraph_double_text_total"), _SENT),
        *bad_above(0.2, 0.5),
        leads_to=Target(RUNS, "results"),
    ),
    tile(
        "cut",
        "Cut p95",
        "Time from the new message until the old run had stopped. Near the grace (2 s) or above: "
        "nodes do not stop when asked.",
        quantile(0.95, "langgraph_double_text_cut_seconds"),
        *bad_above(1, 2.5),
        leads_to=Target(RUNS, "cut-latency"),
        quiet="a run is cut by a newer one",
    ),
    tile(
        "wasted",
        "Run time thrown away",
        "Seconds of work lost each second because a newer message replaced it. High: money for "
        "answers that nobody reads.",
        rate("langgraph_double_text_wasted_seconds_total"),
        *bad_above(1, 5),
        leads_to=Target(MODELS, "cost"),
    ),
    tile(
        "behind",
        "Waiting behind their thread",
        "Runs that are due and wait for an earlier run of their own thread. More workers do not "
        "help these.",
        gauge("langgraph_run_queue_depth", where={"blocked": "true"}),
        *bad_above(20, 100),
        leads_to=Target(RUNS, "thread-queue"),
    ),
    tile(
        "fenced",
        "Fenced writes",
        "Writes refused because their run had been cut or taken over. Nothing is lost; growth "
        "means work goes on after the cut, in threads that nobody can stop.",
        increase("langgraph_fenced_writes_total"),
        *bad_above(1, 10),
        leads_to=Target(RUNS, "fences"),
    ),
    tile(
        "human",
        "Threads that wait for a person",
        "Threads interrupted with a question. Growth: nobody answers.",
        gauge("langgraph_threads", where={"status": "interrupted"}),
    ),
    tile(
        "failing",
        "Runs that fail",
        "Share of judged runs that ended in an error or ran out of time.",
        ratio(
            rate("langgraph_runs_finished_total", where={"outcome": ("error", "timeout")}),
            rate(
                "langgraph_runs_finished_total", where={"outcome": ("success", "error", "timeout")}
            ),
        ),
        *bad_above(0.01, 0.05),
        leads_to=Target(RUNS, "errors"),
    ),
)

ROWS = (
    Row(
        "Double-texting",
        (
            Panel(
                "mix",
                "Strategies in use",
                "Runs by the strategy they were sent with. A change here is a change in a client.",
                (
                    Query(
                        rate("langgraph_runs_created_total", by=["multitask_strategy"]),
                        "{{multitask_strategy}}",
                    ),
                ),
                kind="stacked",
            ),
            Panel(
                "results",
                "Double texts by strategy and result",
                "What became of messages to a busy thread. Many rejected: people see errors; many "
                "enqueued: they wait.",
                (
                    Query(
                        rate("langgraph_double_text_total", by=["strategy", "result"]),
                        "{{strategy}}: {{result}}",
                    ),
                ),
            ),
            Panel(
                "cut-latency",
                "How long a cut takes",
                "p95 from the new message to the old run's end, by strategy. Above 2.5 s: a node "
                "swallows the cancellation or blocks.",
                (
                    Query(
                        quantile(0.95, "langgraph_double_text_cut_seconds", by=["strategy"]),
                        "{{strategy}}",
                    ),
                ),
                thresholds=bad_above(1, 2.5),
                quiet="a run is cut by a newer one",
            ),
            Panel(
                "waste",
                "Work thrown away",
                "Seconds of run time lost each second, by strategy. Compare with the cost of "
                "models on their board.",
                (
                    Query(
                        rate("langgraph_double_text_wasted_seconds_total", by=["strategy"]),
                        "{{strategy}}",
                    ),
                ),
                kind="stacked",
                leads_to=Target(MODELS, "cost"),
            ),
            Panel(
                "waits",
                "Behind the own thread, or for a worker",
                "How long the oldest run has waited, by what for. The thread's line is high: long "
                "runs and impatient people; the worker's: too few slots.",
                (
                    Query(
                        gauge("langgraph_run_queue_oldest_seconds", where={"blocked": "true"}),
                        "for its thread",
                    ),
                    Query(
                        gauge("langgraph_run_queue_oldest_seconds", where={"blocked": "false"}),
                        "for a worker",
                    ),
                ),
                leads_to=Target(QUEUE, "oldest"),
            ),
            Panel(
                "thread-queue",
                "Runs already in flight on the thread",
                "How many runs a new one finds before it on its thread. Dark fields far up: one "
                "thread is used as a queue.",
                (Query(buckets("langgraph_thread_queue_length")),),
                kind="heatmap",
            ),
        ),
    ),
    Row(
        "Runs",
        (
            Panel(
                "outcomes",
                "How runs end",
                "Ended runs each second by outcome. Red is the server's or the graph's fault; "
                "grey, blue and purple are people's decisions.",
                (Query(rate("langgraph_runs_finished_total", by=["outcome"]), "{{outcome}}"),),
                kind="stacked",
            ),
            Panel(
                "durations",
                "How long runs take",
                "Ended runs by duration. A second dark band: some runs hang on something.",
                (Query(buckets("langgraph_run_duration_seconds")),),
                kind="heatmap",
            ),
            Panel(
                "errors",
                "Errors by class",
                "The five classes of exceptions that end most runs. One alone that grows names "
                "the cause.",
                (
                    Query(
                        top(5, rate("langgraph_run_errors_total", by=["error_class"])),
                        "{{error_class}}",
                    ),
                ),
                quiet="a graph raises",
            ),
            Panel(
                "attempts",
                "Attempts",
                "Attempts started, by why. Recovered above 0: workers vanish.",
                (Query(rate("langgraph_run_attempts_total", by=["reason"]), "{{reason}}"),),
                kind="stacked",
            ),
        ),
    ),
    Row(
        "People in the loop, fences, crons",
        (
            Panel(
                "interrupts",
                "Questions to people",
                "Interrupts each second by node. More than people can answer: threads pile up.",
                (
                    Query(
                        rate("langgraph_interrupts_total", by=["graph", "node"]),
                        "{{graph}} {{node}}",
                    ),
                ),
                quiet="a traced node asks a person",
            ),
            Panel(
                "threads",
                "Threads by status",
                "Interrupted grows: nobody answers. Error grows: see errors by class.",
                (Query(gauge("langgraph_threads", by=["status"]), "{{status}}"),),
            ),
            Panel(
                "fences",
                "Fenced writes by kind",
                "Refused writes of cut or lost attempts. A burst after a cut is right; a constant "
                "stream means nodes that do not stop.",
                (Query(rate("langgraph_fenced_writes_total", by=["kind"]), "{{kind}}"),),
            ),
            Panel(
                "statuses",
                "Runs in the database",
                "All runs by status. Pending that only grows: nothing works them off.",
                (Query(gauge("langgraph_runs", by=["status"]), "{{status}}"),),
            ),
            Panel(
                "retries",
                "Nodes called again",
                "Second and later calls of a node in one step. High: what the node talks to is "
                "flaky.",
                (
                    Query(
                        rate("langgraph_node_retries_total", by=["graph", "node"]),
                        "{{graph}} {{node}}",
                    ),
                ),
                quiet="a traced node is retried",
            ),
            Panel(
                "crons",
                "Crons",
                "Times that a cron was due, by what came of it. Failed or invalid: its run cannot "
                "be made; the log says why.",
                (Query(rate("langgraph_cron_fires_total", by=["result"]), "{{result}}"),),
            ),
            Panel(
                "cron-lag",
                "Lag of crons",
                "Mean time from when a cron was due to its run. High: the server was down or "
                "overloaded then.",
                (Query(mean("langgraph_cron_lag_seconds"), "lag"),),
                quiet="a cron is due",
            ),
            Panel(
                "webhooks",
                "Webhooks",
                "Calls of webhooks by how they ended. Given up: the receiver was away for a day.",
                (Query(rate("langgraph_webhook_deliveries_total", by=["outcome"]), "{{outcome}}"),),
            ),
            Panel(
                "webhook-delay",
                "Delay of webhooks p95",
                "Time from the end of a run until its webhook was delivered, and of one call. High "
                "alone: the receiver refuses; both: it is slow.",
                (
                    Query(quantile(0.95, "langgraph_webhook_delay_seconds"), "delay"),
                    Query(quantile(0.95, "langgraph_webhook_call_seconds"), "one call"),
                ),
                quiet="a run with a webhook ends",
            ),
        ),
        folded=True,
    ),
)

BOARD = Board(
    RUNS,
    "Outrigger 2: runs and double-texting",
    "What became of runs, and of people who sent another message before the first was answered?",
    TILES,
    ROWS,
)
