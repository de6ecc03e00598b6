"""Board 8: can these boards be trusted?"""

from outrigger_dashboards.boards.names import QUEUE, SIDECAR
from outrigger_dashboards.palette import GREEN, ORANGE, RED, YELLOW
from outrigger_dashboards.panels import (
    Board,
    Panel,
    Query,
    Row,
    Target,
    Threshold,
    bad_above,
    bad_below,
    tile,
)
from outrigger_dashboards.promql.expression import COUNT, Expression, combined, times
from outrigger_dashboards.promql.queries import gauge, increase, observed, quantile, rate

_RELAY = "the relay of traces is used"

_STATES = (("degraded", 1.0, YELLOW), ("unknown", 2.0, ORANGE), ("failed", 3.0, RED))


def _worst_state() -> Expression:
    """One number for each check: that of its state, and 0 for ok and off."""
    degraded, unknown, failed = (
        times(
            gauge("langgraph_health_status", by=["check"], where={"state": state}, how="max"),
            weight,
            COUNT,
        )
        for state, weight, _ in _STATES
    )
    return combined(degraded, "+", combined(unknown, "+", failed))


TILES = (
    tile(
        "scraped",
        "Sidecars scraped",
        "Sidecars whose last scrape worked. Fewer than you started: boards miss what they tell.",
        gauge("up"),
        *bad_below(1, 1),
        leads_to=Target(SIDECAR, "scrapes"),
    ),
    tile(
        "scrape",
        "Slowest scrape",
        "Time of the slowest scrape. Near the limit (10 s) series begin to miss points.",
        gauge("scrape_duration_seconds", how="max"),
        *bad_above(1, 5),
        leads_to=Target(SIDECAR, "scrapes"),
    ),
    tile(
        "collectors-tile",
        "Collectors that fail",
        "Collectors that failed for the last scrape; their metrics are missing on every board.",
        combined(
            gauge("langgraph_sidecar_collector_success", how="count"),
            "-",
            gauge("langgraph_sidecar_collector_success"),
        ),
        *bad_above(None, 1),
        leads_to=Target(SIDECAR, "collectors"),
    ),
    tile(
        "unwell",
        "Checks not ok",
        "Health checks that are degraded, failed or unknown.",
        gauge("langgraph_health_status", where={"state": ("degraded", "failed", "unknown")}),
        *bad_above(1, 3),
        leads_to=Target(SIDECAR, "health"),
    ),
    tile(
        "overflow",
        "Observations put together",
        "Observations under __other__ because a label had too many values. Above 0: somebody "
        "makes labels from ids.",
        increase("langgraph_label_overflow_total"),
        *bad_above(None, 1),
        leads_to=Target(SIDECAR, "overflows"),
        quiet="a label has more than 100 values",
    ),
    tile(
        "samples",
        "Samples",
        "Samples of all scrapes together. A jump: a label got many values.",
        gauge("scrape_samples_scraped"),
        *bad_above(20000, 50000),
    ),
    tile(
        "files",
        "Metric files",
        "Files of processes, alive and folded. Grows without end: dead ones are not folded.",
        gauge("langgraph_sidecar_metric_files"),
        *bad_above(100, 500),
    ),
    tile(
        "backlog",
        "Oldest in the relay",
        "Age of the oldest trace that is not upstream. Grows: the upstream refuses or is away.",
        gauge("langgraph_relay_spool_oldest_seconds", how="max"),
        *bad_above(60, 300),
        leads_to=Target(SIDECAR, "spool"),
        quiet=_RELAY,
    ),
)

ROWS = (
    Row(
        "Health",
        (
            Panel(
                "health",
                "State of checks",
                "Green: ok, or off. Yellow: degraded. Orange: unknown, its result is too old, the "
                "check itself hangs. Red: failed.",
                (Query(_worst_state(), "{{check}}"),),
                kind="states",
                width=16,
                thresholds=(
                    Threshold(None, GREEN),
                    *(Threshold(weight, colour) for _, weight, colour in _STATES),
                ),
                leads_to=Target(QUEUE, "depth"),
            ),
            Panel(
                "check-times",
                "Duration of checks p95",
                "Near a check's time limit (1 s): it will turn unknown.",
                (
                    Query(
                        quantile(0.95, "langgraph_health_check_seconds", by=["check"]), "{{check}}"
                    ),
                ),
                thresholds=bad_above(0.5, 1),
            ),
            Panel(
                "check-ages",
                "Age of results",
                "Time since each check's last result. A straight line upwards: it hangs.",
                (
                    Query(
                        gauge("langgraph_health_check_age_seconds", by=["check"], how="max"),
                        "{{check}}",
                    ),
                ),
            ),
            Panel(
                "transitions",
                "Changes of state",
                "Changes by check. Many: it flaps; look at the machine before the check.",
                (Query(rate("langgraph_health_transitions_total", by=["check"]), "{{check}}"),),
            ),
            Panel(
                "canary",
                "Canary p95 by result",
                "A run that the sidecar makes itself. Errors: people's runs fail as well.",
                (Query(quantile(0.95, "langgraph_canary_seconds", by=["result"]), "{{result}}"),),
                quiet="the canary is on",
            ),
        ),
    ),
    Row(
        "Scrapes and collectors",
        (
            Panel(
                "scrapes",
                "Duration of scrapes",
                "By instance. Grows with the number of series and of processes.",
                (
                    Query(
                        gauge("scrape_duration_seconds", by=["instance"], how="max"), "{{instance}}"
                    ),
                ),
                thresholds=bad_above(1, 5),
            ),
            Panel(
                "collectors",
                "Collectors that worked",
                "1: it worked for the last scrape. 0: its metrics are missing on every board.",
                (
                    Query(
                        gauge("langgraph_sidecar_collector_success", by=["collector"], how="min"),
                        "{{collector}}",
                    ),
                ),
                maximum=1,
            ),
            Panel(
                "collector-times",
                "Duration of collectors",
                "The slowest one makes the scrape slow; the one of the database waits for it.",
                (
                    Query(
                        gauge(
                            "langgraph_sidecar_collector_duration_seconds",
                            by=["collector"],
                            how="max",
                        ),
                        "{{collector}}",
                    ),
                ),
            ),
            Panel(
                "overflows",
                "Overflowing labels",
                "Metrics of which a label has too many values; their series are no longer apart.",
                (Query(rate("langgraph_label_overflow_total", by=["metric"]), "{{metric}}"),),
                quiet="a label has more than 100 values",
            ),
            Panel(
                "log",
                "Lines logged",
                "By level, of all programs. Errors that grow: read them.",
                (Query(rate("langgraph_log_lines_total", by=["level"]), "{{level}}"),),
            ),
            Panel(
                "skipped",
                "Traces not counted",
                "Operations of traces that no series counts, and traces given up. Unreadable: a "
                "sender of another version.",
                (
                    Query(
                        rate("langgraph_trace_operations_skipped_total", by=["reason"]),
                        "skipped: {{reason}}",
                    ),
                    Query(
                        rate("langgraph_traces_forgotten_total", by=["reason"]),
                        "given up: {{reason}}",
                    ),
                ),
            ),
            Panel(
                "trace-age",
                "Oldest open trace",
                "Time since the first sign of the oldest open trace; at an hour it is given up.",
                (Query(gauge("langgraph_trace_age_max_seconds", how="max"), "oldest"),),
            ),
        ),
    ),
    Row(
        "Relay and refusals",
        (
            Panel(
                "relayed",
                "Run operations taken in and dropped",
                "Dropped above 0: traces are lost upstream; these boards still count them.",
                (
                    Query(rate("langgraph_relay_ingested_runs_total", by=["kind"]), "in: {{kind}}"),
                    Query(
                        rate("langgraph_relay_dropped_runs_total", by=["reason"]),
                        "dropped: {{reason}}",
                    ),
                ),
                quiet=_RELAY,
            ),
            Panel(
                "spool",
                "Spool",
                "Bytes that wait on disk. At its cap the oldest are dropped.",
                (Query(gauge("langgraph_relay_spool_bytes"), "waiting"),),
                quiet=_RELAY,
            ),
            Panel(
                "forwarded",
                "Batches sent upstream",
                "By result. Retries that grow: the upstream is slow or limits the rate.",
                (
                    Query(
                        rate("langgraph_relay_forwarded_batches_total", by=["result"]),
                        "{{result}}",
                    ),
                ),
                quiet=_RELAY,
            ),
            Panel(
                "forward-time",
                "Answer time upstream p95",
                "Time for one batch.",
                (Query(quantile(0.95, "langgraph_relay_forward_seconds"), "p95"),),
                quiet=_RELAY,
            ),
            Panel(
                "turned-away",
                "Traces that the relay refused",
                "Requests by what was wrong with them. Too large: lower the sender's batches; "
                "wrong key: its key is not the relay's.",
                (
                    Query(
                        rate("langgraph_relay_refused_requests_total", by=["reason"]), "{{reason}}"
                    ),
                ),
            ),
            Panel(
                "sampled",
                "Left out and found later",
                "Operations that sampling left out, and files that the SDK could not send and the "
                "relay found. Files that grow: the relay is away at times.",
                (
                    Query(rate("langgraph_relay_sampled_out_total"), "left out"),
                    Query(
                        rate("langgraph_relay_replayed_files_total", by=["result"]),
                        "files: {{result}}",
                    ),
                ),
            ),
            Panel(
                "refusals",
                "Requests that the sidecar refused",
                "By why. Credentials: a scraper has no token, or somebody tries. Slow or busy: "
                "connections that send nothing.",
                (Query(rate("langgraph_sidecar_refused_total", by=["reason"]), "{{reason}}"),),
            ),
            Panel(
                "collector-ages",
                "Age of what collectors tell",
                "Time since each last worked. Above 0 for long: its metrics are missing or old.",
                (
                    Query(
                        gauge(
                            "langgraph_sidecar_collector_age_seconds", by=["collector"], how="max"
                        ),
                        "{{collector}}",
                    ),
                ),
            ),
            Panel(
                "targets",
                "Servers seen from outside",
                "Servers of which the sidecar sees the API alone, by their versions. A change here "
                "is a deployment.",
                (
                    Query(
                        gauge(
                            "langgraph_target_info",
                            by=["version", "langgraph_version"],
                            how="count",
                        ),
                        "{{version}} on LangGraph {{langgraph_version}}",
                    ),
                ),
                quiet="the sidecar watches a server by its address alone",
            ),
            Panel(
                "check-rate",
                "Checks done",
                "Health checks each second, by check. 0: the sidecar's loop hangs.",
                (Query(observed("langgraph_health_check_seconds", by=["check"]), "{{check}}"),),
            ),
        ),
        folded=True,
    ),
)

BOARD = Board(
    SIDECAR,
    "Outrigger 8: sidecar",
    "Can these boards be trusted: is everything measured, scraped and passed on?",
    TILES,
    ROWS,
)
