"""Can the database be read?"""

import time

from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import failed, ok
from outrigger_sidecar.run_database.base import RunDatabase
from outrigger_telemetry.metric_specs import DB_PROBE_SECONDS
from outrigger_telemetry.metrics import Metrics


class DatabaseProbe:
    """Reads a row of the server's database and measures how long that takes."""

    name = "database"
    is_critical = True

    def __init__(self, database: RunDatabase, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    def check(self) -> Reading:
        """See `Probe.check`."""
        started = time.perf_counter()
        try:
            self._database.ping()
        except DatabaseError as error:
            self._measure(started, "error")
            return failed(str(error))
        self._measure(started, "ok")
        return ok("can be read")

    def _measure(self, started: float, result: str) -> None:
        self._metrics.observe(DB_PROBE_SECONDS, time.perf_counter() - started, result=result)
