"""Is there memory left?"""

from pathlib import Path

import psutil

from outrigger_sidecar import cgroup
from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import degraded, ok


class MemoryProbe:
    """Compares memory use with the container's limit, or with the host's memory."""

    name = "memory"
    is_critical = False

    def __init__(self, *, limit_ratio: float, root: Path = cgroup.ROOT) -> None:
        self._limit_ratio = limit_ratio
        self._root = root

    def check(self) -> Reading:
        """See `Probe.check`."""
        use = cgroup.memory_use(self._root)
        if use is not None:
            ratio, where = use.used / use.limit, "the container's limit"
        else:
            memory = psutil.virtual_memory()
            ratio, where = 1 - memory.available / memory.total, "the host's memory"
        detail = f"{ratio:.0%} of {where} in use"
        return degraded(detail) if ratio >= self._limit_ratio else ok(detail)
