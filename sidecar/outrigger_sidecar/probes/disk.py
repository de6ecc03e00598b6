"""Is there room for data?"""

import shutil
from pathlib import Path

from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import degraded, ok

_GIBI = 1024**3


class DiskProbe:
    """Looks at the free space where the server keeps its data."""

    name = "disk"
    is_critical = False

    def __init__(self, directory: Path, *, free_ratio: float) -> None:
        self._directory = directory
        self._free_ratio = free_ratio

    def check(self) -> Reading:
        """See `Probe.check`."""
        directory = self._directory.absolute()
        while not directory.exists():  # the server makes it; its disk is known before
            directory = directory.parent
        usage = shutil.disk_usage(directory)
        ratio = usage.free / usage.total
        detail = f"{ratio:.0%} ({usage.free / _GIBI:.1f} GiB) free"
        return degraded(detail) if ratio < self._free_ratio else ok(detail)
