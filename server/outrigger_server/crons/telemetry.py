"""What crons count and log."""

from outrigger_server.domain.clock import MICROSECONDS
from outrigger_server.domain.cron import Cron
from outrigger_server.domain.run import Run
from outrigger_telemetry import metric_specs as specs
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metrics import Metrics

log = get_logger("outrigger.crons")


class CronTelemetry:
    """Counts and logs what came of each time that was due."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def fired(self, cron: Cron, run: Run, now: int) -> None:
        """A run was created."""
        self._count("created")
        late = max(0, now - (cron.next_run_at or now)) / MICROSECONDS
        self._metrics.observe(specs.CRON_LAG_SECONDS, late)
        log.info("cron_fired", cron_id=cron.cron_id, run_id=run.run_id, late_seconds=round(late, 3))

    def busy(self, cron: Cron) -> None:
        """The thread was busy and the strategy is reject."""
        self._count("rejected")
        log.info("cron_rejected", cron_id=cron.cron_id, thread_id=cron.thread_id)

    def ended(self, cron: Cron) -> None:
        """Its end came before it could fire."""
        self._count("ended")
        log.info("cron_ended", cron_id=cron.cron_id)

    def invalid(self, cron: Cron, reason: str) -> None:
        """The run could not be created as things stand."""
        self._count("invalid")
        log.warning("cron_invalid", cron_id=cron.cron_id, reason=reason)

    def failed(self) -> None:
        """A fault of ours, which is logged where it was caught."""
        self._count("failed")

    def _count(self, result: str) -> None:
        self._metrics.increment(specs.CRON_FIRES_TOTAL, result=result)
