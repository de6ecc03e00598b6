"""Is there anyone who can take a run?"""

from outrigger_sidecar.health import CheckState, Reading
from outrigger_sidecar.probes.base import degraded, ok
from outrigger_telemetry.metric_files import MetricFiles
from outrigger_telemetry.metric_specs import WORKER_SLOTS


class WorkersProbe:
    """Looks at the slots that the living processes report.

    `elsewhere` says that runs may be worked off by processes that report to other sidecars.
    """

    name = "workers"
    is_critical = False

    def __init__(self, files: MetricFiles, *, elsewhere: bool = False) -> None:
        self._files = files
        self._elsewhere = elsewhere

    def check(self) -> Reading:
        """See `Probe.check`."""
        slots = self._files.gauge(WORKER_SLOTS.name)
        by_state = {dict(labels)["state"]: int(value) for labels, value in slots.items()}
        total = sum(by_state.values())
        zombies = by_state.get("zombie", 0)
        if total == 0 and self._elsewhere:
            return Reading(CheckState.OFF, "no process here has slots; workers are elsewhere")
        if total == 0:
            return degraded("no process has slots for runs")
        if zombies == total:
            return degraded(f"all {total} slots hold runs that were cut and will not stop")
        return ok(f"{by_state.get('busy', 0)} of {total} slots busy, {zombies} lost to zombies")
