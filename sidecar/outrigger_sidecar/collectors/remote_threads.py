"""How many threads a server has that is seen by its API alone."""

from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family, samples_by
from outrigger_sidecar.errors import RemoteError
from outrigger_sidecar.remote_server import RemoteServer
from outrigger_sidecar.run_database.base import Rest
from outrigger_telemetry.metric_specs import THREADS


class RemoteThreadsCollector:
    """Counting may read all threads: after it, the server rests, also when it failed.

    `clock` is monotonic, in seconds. What cannot be counted is not shown; nothing old is.
    """

    name = "remote_threads"

    def __init__(
        self,
        server: RemoteServer,
        *,
        clock: Callable[[], float],
        rest: Rest = Rest(least_seconds=15.0, share=0.02),  # noqa: B008  a frozen value
    ) -> None:
        self._server = server
        self._clock = clock
        self._rest = rest
        self._threads: dict[str, int] | None = None
        self._fault = ""
        self._due = 0.0

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        started = self._clock()
        if started >= self._due:
            self._count()
            ended = self._clock()
            self._due = ended + self._rest.after(ended - started, failed=self._threads is None)
        if self._threads is None:
            raise RemoteError(self._fault)
        return [family(THREADS, samples_by("status", self._threads))]

    def _count(self) -> None:
        self._threads = None
        try:
            self._threads = self._server.threads()
        except RemoteError as error:
            self._fault = str(error)
