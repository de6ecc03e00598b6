"""Reads the limits and the use of the control group (container) we run in, version 1 or 2.

Each function returns None where there is no limit: then the host's figures count.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
# Version 1 writes "no limit" as a number near 2**63.
_NO_LIMIT = 1 << 60
_MICROSECONDS = 1_000_000
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes in use that cannot be given back at once, and the limit."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class CpuUse:
    """CPU seconds used so far, and how many CPUs may be used."""

    seconds: float
    limit: float


def memory_use(root: Path = ROOT) -> MemoryUse | None:
    """Read memory use and limit, without the page cache that can be dropped."""
    for limit, used, statistics, inactive in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ):
        most, now = _number(root / limit), _number(root / used)
        if most is not None and now is not None and most < _NO_LIMIT:
            droppable = _statistic(root / statistics, inactive) or 0
            return MemoryUse(max(0, now - droppable), most)
    return None


def cpu_use(root: Path = ROOT) -> CpuUse | None:
    """Read CPU use and limit."""
    quota, _, period = (_text(root / "cpu.max") or "").partition(" ")
    used = _statistic(root / "cpu.stat", "usage_usec")
    if quota.isdigit() and period.isdigit() and used is not None:
        return CpuUse(used / _MICROSECONDS, int(quota) / int(period))
    old_quota = _number(root / "cpu/cpu.cfs_quota_us")
    old_period = _number(root / "cpu/cpu.cfs_period_us")
    old_used = _number(root / "cpuacct/cpuacct.usage")
    if old_quota and old_quota > 0 and old_period and old_used is not None:
        return CpuUse(old_used / _NANOSECONDS, old_quota / old_period)
    return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text and text.lstrip("-").isdigit() else None


def _statistic(path: Path, name: str) -> int | None:
    for line in (_text(path) or "").splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return None
