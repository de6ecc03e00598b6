"""Alerts about runs, the queue, workers and double-texting."""

from outrigger_dashboards.boards.names import QUEUE, RUNS
from outrigger_dashboards.config import MINUTE, Limits
from outrigger_dashboards.panels import Target
from outrigger_dashboards.promql.expression import above, both, ratio, total
from outrigger_dashboards.promql.queries import gauge, increase, rate
from outrigger_dashboards.rules.model import Alert, Signal

_STUCK = "langgraph_runs_stuck"
_SLOTS = "langgraph_worker_slots"
_DEPTH = "langgraph_run_queue_depth"
_CREATED = "langgraph_runs_created_total"
_DOUBLE = "langgraph_double_text_total"
_FENCED = "langgraph_fenced_writes_total"
_EXPIRED = "langgraph_leases_expired_total"
_REJECTED = {"strategy": "reject", "result": "rejected"}


def run_alerts(limits: Limits) -> tuple[Alert, ...]:
    """Make them."""
    return (*_queue_alerts(), _storm(limits), *_loss_alerts(limits))


def _queue_alerts() -> tuple[Alert, ...]:
    waiting, lost = {"kind": "pending_with_free_slots"}, {"kind": "running_without_lease"}
    in_use = {"state": ("busy", "zombie")}
    return (
        Alert(
            name="QueueStalled",
            expression=above(gauge(_STUCK, where=waiting), 0),
            lasts=2 * MINUTE,
            severity="critical",
            component="queue",
            summary="Runs wait although slots are free",
            description="{{ $value }} runs are due and slots are free, but nobody takes them.",
            panel=Target(QUEUE, "depth"),
            signals=(Signal(_STUCK, 3, 0, waiting),),
        ),
        Alert(
            name="WorkersSaturated",
            expression=both(
                above(ratio(gauge(_SLOTS, where=in_use), gauge(_SLOTS)), 0.95),
                above(gauge(_DEPTH, where={"blocked": "false"}), 0),
            ),
            lasts=10 * MINUTE,
            severity="warning",
            component="workers",
            summary="All slots are in use and runs wait",
            description="{{ $value | humanizePercentage }} of the slots have been in use for ten "
            "minutes while runs wait for one.",
            panel=Target(QUEUE, "slots-by-state"),
            signals=(
                Signal(_SLOTS, 10, 2, {"state": "busy"}),
                Signal(_SLOTS, 0, 8, {"state": "idle"}),
                Signal(_DEPTH, 5, 0, {"blocked": "false"}),
            ),
        ),
        Alert(
            name="StuckRuns",
            expression=above(gauge(_STUCK, where=lost), 0),
            lasts=2 * MINUTE,
            severity="critical",
            component="runs",
            summary="Runs are running for nobody",
            description="{{ $value }} runs are marked as running, and no worker holds their lease.",
            panel=Target(QUEUE, "stuck-kinds"),
            signals=(Signal(_STUCK, 1, 0, lost),),
        ),
    )


def _storm(limits: Limits) -> Alert:
    over = 5 * MINUTE
    meets = rate(_DOUBLE, over=over)
    sent = total(rate(_CREATED, over=over), rate(_DOUBLE, where={"result": "rejected"}, over=over))
    created = {"assistant": "a", "multitask_strategy": "reject", "source": "api"}
    return Alert(
        name="DoubleTextStorm",
        expression=both(
            above(ratio(meets, sent), limits.double_text_share),
            above(meets, limits.double_texts_per_second),
        ),
        lasts=5 * MINUTE,
        severity="warning",
        component="runs",
        summary="Most messages meet a thread that is still busy",
        description="{{ $value | humanizePercentage }} of what is sent meets a busy thread: a "
        "client sends again and again, or answers are too slow.",
        panel=Target(RUNS, "results"),
        signals=(
            Signal(_DOUBLE, 600, 6, _REJECTED),
            Signal(_CREATED, 60, 600, created),
        ),
        window=over,
    )


def _loss_alerts(limits: Limits) -> tuple[Alert, ...]:
    return (
        Alert(
            name="FencedWrites",
            expression=above(increase(_FENCED, over=15 * MINUTE), limits.fenced_writes),
            lasts=0,
            severity="warning",
            component="runs",
            summary="Runs go on to write after they were cut",
            description="{{ $value | humanize }} writes of cut or lost runs were refused in 15 "
            "minutes. Nothing is lost, but work goes on for nobody.",
            panel=Target(RUNS, "fences"),
            signals=(Signal(_FENCED, 10, 0.1, {"kind": "checkpoint"}),),
            window=15 * MINUTE,
        ),
        Alert(
            name="LeasesExpiring",
            expression=above(increase(_EXPIRED, over=15 * MINUTE), 0),
            lasts=0,
            severity="warning",
            component="workers",
            summary="Workers vanish while they run something",
            description="{{ $value | humanize }} leases ran out in 15 minutes: a worker died, "
            "hangs or cannot reach the database.",
            panel=Target(QUEUE, "leases"),
            signals=(Signal(_EXPIRED, 1, 0, {"outcome": "requeued"}),),
            window=15 * MINUTE,
        ),
    )
