"""Is there CPU time left?"""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import psutil

from outrigger_sidecar import cgroup
from outrigger_sidecar.health import Reading
from outrigger_sidecar.probes.base import degraded, ok

WINDOW_SECONDS = 30.0
_FEWEST = 2


class CpuProbe:
    """Compares CPU use over the last 30 s with the container's limit, or with the host's CPUs."""

    name = "cpu"
    is_critical = False

    def __init__(
        self, *, limit_ratio: float, clock: Callable[[], float], root: Path = cgroup.ROOT
    ) -> None:
        self._limit_ratio = limit_ratio
        self._clock = clock
        self._root = root
        self._seen: deque[tuple[float, float]] = deque()

    def check(self) -> Reading:
        """See `Probe.check`. The first look has nothing to compare with and is ok."""
        use = cgroup.cpu_use(self._root)
        where = "the container's limit" if use else "the host's CPUs"
        used, limit = (use.seconds, use.limit) if use else _host_use()
        now = self._clock()
        self._seen.append((now, used))
        while len(self._seen) > _FEWEST and now - self._seen[0][0] > WINDOW_SECONDS:
            self._seen.popleft()
        then, used_then = self._seen[0]
        if now <= then:
            return ok("measuring")
        ratio = max(0.0, used - used_then) / (now - then) / limit
        detail = f"{ratio:.0%} of {where} in use"
        return degraded(detail) if ratio >= self._limit_ratio else ok(detail)


def _host_use() -> tuple[float, float]:
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # guest time is part of user time already
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - idle - guest, float(psutil.cpu_count() or 1)
