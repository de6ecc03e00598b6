"""All finished runs and all threads, counted in the database as often as that is cheap."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family, samples_by
from outrigger_sidecar.collectors.queue import IN_FLIGHT
from outrigger_sidecar.errors import DatabaseError
from outrigger_sidecar.run_database.base import Counts, RunDatabase
from outrigger_telemetry.metric_specs import RUNS, THREADS


class RunsCollector:
    """Counting reads whole tables: after it, the database rests, also when it failed.

    `clock` is monotonic, in seconds. What cannot be counted is not shown; nothing old is.
    """

    name = "runs"

    def __init__(self, database: RunDatabase, *, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._counts: Counts | None = None
        self._fault = ""
        self._due = 0.0

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        started = self._clock()
        if started >= self._due:
            self._count()
            ended = self._clock()
            self._due = ended + self._database.rest.after(
                ended - started, failed=self._counts is None
            )
        if self._counts is None:
            raise DatabaseError(self._fault)
        ended_runs = {k: v for k, v in self._counts.runs.items() if k not in IN_FLIGHT}
        return [
            family(RUNS, samples_by("status", ended_runs)),
            family(THREADS, samples_by("status", self._counts.threads)),
        ]

    def _count(self) -> None:
        self._counts = None
        try:
            self._counts = self._database.counts()
        except DatabaseError as error:
            self._fault = str(error)
