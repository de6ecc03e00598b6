"""What the server's processes count, from their metric files."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from prometheus_client.metrics_core import Metric

from outrigger_sidecar.collectors.base import family
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import SIDECAR_METRIC_FILES
from outrigger_telemetry.process_files import WriterProcess

FOLD_INTERVAL_SECONDS = 2.0

log = get_logger("outrigger_sidecar.metric_files")


class MetricFilesCollector:
    """Adds up the files of all processes."""

    name = "metric_files"

    def __init__(self, files: MetricFiles) -> None:
        self._files = files
        self._damaged: frozenset[str] = frozenset()

    def collect(self) -> Iterable[Metric]:
        """See `Collector.collect`."""
        page = self._files.read()
        for name in frozenset(page.damaged) - self._damaged:
            log.warning("metric_file_damaged", file=name)
        self._damaged = frozenset(page.damaged)
        return [*page.families, family(SIDECAR_METRIC_FILES, [({}, page.files)])]


@asynccontextmanager
async def keep_folded(
    files: MetricFiles, ended: Callable[[Sequence[WriterProcess]], None]
) -> AsyncIterator[None]:
    """Fold the files of dead processes from time to time, for as long as the block lasts.

    `ended` is told which they were.
    """
    async with asyncio.TaskGroup() as group:
        folding = group.create_task(_fold_now_and_then(files, ended))
        try:
            yield
        finally:
            folding.cancel()


async def _fold_now_and_then(
    files: MetricFiles, ended: Callable[[Sequence[WriterProcess]], None]
) -> None:
    is_broken = False
    while True:
        try:
            folded = await asyncio.to_thread(files.fold)
            ended(folded)
        except Exception as error:  # noqa: BLE001  must go on: the next try may work
            if not is_broken:
                log.warning("metric_files_not_folded", error=error)
            is_broken = True
        else:
            is_broken = False
            if folded:
                log.info("metric_files_folded", processes=len(folded))
        await asyncio.sleep(FOLD_INTERVAL_SECONDS)
