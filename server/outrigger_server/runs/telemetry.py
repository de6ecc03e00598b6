"""What runs count, measure and log: one place, so that metrics and log lines agree."""

from outrigger_server.domain.assistant import system_assistant_id
from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.multitask import Decision, DoubleTextResult
from outrigger_server.domain.run import Run, RunOutcome, RunRequest
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import Metrics

log = get_logger("outrigger.runs")


def assistant_label(assistant_id: str, graph_id: str) -> str:
    """The `assistant` of metrics: the graph's name for its system assistant, else the id."""
    return graph_id if assistant_id == system_assistant_id(graph_id) else assistant_id


class RunTelemetry:
    """Counts, measures and logs the lives of runs."""

    def __init__(self, metrics: Metrics, *, backend: str = "sqlite") -> None:
        self.metrics = metrics
        self._backend = backend

    def created(self, run: Run, decision: Decision, queue_length: int) -> None:
        """A run was accepted."""
        label = assistant_label(run.assistant_id, run.graph_id)
        self.metrics.increment(
            specs.RUNS_CREATED_TOTAL,
            assistant=label,
            multitask_strategy=run.multitask_strategy,
            source=run.source,
        )
        if decision.result is DoubleTextResult.ENQUEUED:
            self.metrics.observe(specs.THREAD_QUEUE_LENGTH, queue_length)
        self._double_text(run.multitask_strategy, decision)
        log.info(
            "run_created",
            run_id=run.run_id,
            thread_id=run.thread_id,
            assistant_id=run.assistant_id,
            graph_id=run.graph_id,
            multitask_strategy=run.multitask_strategy,
            double_text=decision.result,
            cut=len(decision.cut),
            dropped=len(decision.drop),
        )

    def events_lost(self, count: int) -> None:
        """Events of streams were dropped on their way to the readers."""
        self.metrics.increment(specs.STREAM_EVENTS_LOST_TOTAL, count)

    def rejected(self, thread_id: str, request: RunRequest, decision: Decision) -> None:
        """A run was refused because the thread is busy."""
        self._double_text(request.multitask_strategy, decision)
        log.info("run_rejected", thread_id=thread_id, graph_id=request.graph_id)

    def _double_text(self, strategy: str, decision: Decision) -> None:
        if decision.result is not None:
            self.metrics.increment(
                specs.DOUBLE_TEXT_TOTAL, strategy=strategy, result=decision.result.value
            )

    def dropped(self, run: Run, outcome: RunOutcome) -> None:
        """A run ended before it started."""
        self.metrics.increment(
            specs.RUNS_FINISHED_TOTAL,
            assistant=assistant_label(run.assistant_id, run.graph_id),
            multitask_strategy=run.multitask_strategy,
            outcome=outcome.value,
        )
        ended = run.ended_at or run.created_at
        waited = max(0, ended - run.created_at) / MICROSECONDS
        self._line(run, outcome, waited, 0.0, None)

    def started(self, run: Run, *, recovered: bool) -> None:
        """An attempt begins."""
        label = assistant_label(run.assistant_id, run.graph_id)
        waited = max(0, (run.started_at or run.created_at) - run.created_at) / MICROSECONDS
        first = run.attempt == 1
        self.metrics.observe(
            specs.RUN_QUEUE_WAIT_SECONDS,
            waited,
            assistant=label,
            attempt="first" if first else "retry",
        )
        reason = "first" if first else "recovered" if recovered else "retry"
        self.metrics.increment(specs.RUN_ATTEMPTS_TOTAL, assistant=label, reason=reason)

    def finished(self, run: Run, outcome: RunOutcome, now: int, error: str | None = None) -> None:
        """A run ended; writes its one canonical line."""
        label = assistant_label(run.assistant_id, run.graph_id)
        started = run.started_at or run.created_at
        seconds = max(0, now - started) / MICROSECONDS
        waited = max(0, started - run.created_at) / MICROSECONDS
        labels = {"assistant": label, "multitask_strategy": run.multitask_strategy}
        self.metrics.increment(specs.RUNS_FINISHED_TOTAL, **labels, outcome=outcome.value)
        self.metrics.observe(specs.RUN_DURATION_SECONDS, seconds, **labels, outcome=outcome.value)
        if error is not None:
            self.metrics.increment(specs.RUN_ERRORS_TOTAL, assistant=label, error_class=error)
        if run.superseded_by is not None and outcome not in (RunOutcome.SUCCESS, RunOutcome.ERROR):
            self._cut(run, outcome, seconds, now)
        self._line(run, outcome, waited, seconds, error)

    def _line(
        self, run: Run, outcome: RunOutcome, waited: float, seconds: float, error: str | None
    ) -> None:
        log.info(
            "run_finished",
            run_id=run.run_id,
            thread_id=run.thread_id,
            assistant_id=run.assistant_id,
            graph_id=run.graph_id,
            attempt=run.attempt,
            multitask_strategy=run.multitask_strategy,
            outcome=outcome.value,
            wait_seconds=round(waited, 3),
            exec_seconds=round(seconds, 3),
            superseded_by=run.superseded_by,
            error_class=error,
            request_id=run.request_id,
        )

    def _cut(self, run: Run, outcome: RunOutcome, seconds: float, now: int) -> None:
        strategy = "rollback" if outcome is RunOutcome.ROLLED_BACK else "interrupt"
        requested = run.cancel_requested_at or now
        self.metrics.observe(
            specs.DOUBLE_TEXT_CUT_SECONDS,
            max(0, now - requested) / MICROSECONDS,
            strategy=strategy,
        )
        self.metrics.increment(specs.DOUBLE_TEXT_WASTED_SECONDS_TOTAL, seconds, strategy=strategy)

    def lease_expired(self, outcome: str, run: Run) -> None:
        """A run's worker went away; `outcome` is requeued or exhausted."""
        self.metrics.increment(specs.LEASES_EXPIRED_TOTAL, outcome=outcome)
        self.metrics.increment(specs.RUNS_RECOVERED_TOTAL, outcome=outcome)
        log.warning("run_recovered", run_id=run.run_id, attempt=run.attempt, recovery=outcome)

    def worker_well(self) -> None:
        """The worker of this process lives, and keeps its leases."""
        self.metrics.beat()

    def slots(self, *, busy: int, idle: int, zombie: int) -> None:
        """How the worker's slots are used now."""
        self.metrics.set(specs.WORKER_SLOTS, busy, state="busy")
        self.metrics.set(specs.WORKER_SLOTS, idle, state="idle")
        self.metrics.set(specs.WORKER_SLOTS, zombie, state="zombie")

    def checkpoint_written(self, seconds: float, size: int) -> None:
        """See `WriteObserver.checkpoint_written`."""
        self.metrics.observe(specs.CHECKPOINT_WRITE_SECONDS, seconds, backend=self._backend)
        self.metrics.observe(specs.CHECKPOINT_BYTES, size, backend=self._backend)

    def write_refused(self, kind: str) -> None:
        """See `WriteObserver.write_refused`."""
        self.metrics.increment(specs.FENCED_WRITES_TOTAL, kind=kind)
        log.warning("write_fenced", kind=kind)

    def graph_built(self, graph_id: str, seconds: float) -> None:
        """A graph was made ready for an attempt."""
        self.metrics.observe(specs.GRAPH_BUILD_SECONDS, seconds, graph=graph_id)
