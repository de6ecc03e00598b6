"""Reads the metric files of all processes as one page, and folds those of dead processes.

Counters and histograms of a dead process move into an archive, its gauges vanish, so that a
counter never goes backwards and files do not pile up.

    archive.json                 {"generation": n, "folded": [identifiers]}
    counter_archive-n.db         the sums; files of another generation do not count
    counter_<identifier>.db      counts unless <identifier> is in "folded"

One rename of archive.json moves everything at once: a crash before it changes nothing, and
after it only leaves files behind that no longer count. Readers take no lock; they start anew
when the archive changed while they read.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from prometheus_client.metrics_core import Metric

from outrigger_telemetry.process_files import (
    FILES_SUFFIX,
    HEARTBEAT_SUFFIX,
    LOCK_SUFFIX,
    WriterProcess,
    identifier_of,
    list_processes,
    try_exclusively,
)
from outrigger_telemetry.value_files import DamagedFileError, ValueFile, read_values, sample_key

ARCHIVE = "archive.json"
MUTEX = "compactor.mutex"
_ARCHIVE_PREFIX = "archive-"
_CUMULATIVE = ("counter", "histogram")
_READ_ATTEMPTS = 10
_MAX_CACHED_KEYS = 200_000

Labels = tuple[tuple[str, str], ...]
Totals = dict[str, dict[bytes, float]]


class ArchiveBusyError(Exception):
    """The archive changed each time it was read."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What archive.json says."""

    generation: int = 0
    folded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MetricPage:
    """What all processes together have counted, and where it was read from."""

    families: list[Metric]
    processes: list[WriterProcess]
    files: int
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of a metric file, taken apart; `bound` is the bucket's, None without."""

    family: str
    sample: str
    labels: Labels
    help: str
    bound: str | None


class MetricFiles:
    """The metric files of one directory. Safe to use from several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._keys: dict[bytes, _Key] = {}
        self._last: Totals = {}

    def read(self) -> MetricPage:
        """Add up the files of all processes: counters of dead and living, gauges of the living.

        Safe while processes start, write and die. A directory that is missing is empty.

        Raises:
            ArchiveBusyError: Another process folds files without a pause.
        """
        page, totals = self._consistent((*_CUMULATIVE, "gauge"))
        _never_backwards(totals, self._last)
        self._last = totals
        families = self._families(totals)
        return MetricPage(families, page.processes, page.files, page.damaged)

    def gauge(self, name: str) -> dict[Labels, float]:
        """Read one gauge of the living processes, by its labels; cheaper than `read`."""
        _, totals = self._consistent(("gauge",))
        found = {}
        for values in totals.values():
            for raw, value in values.items():
                key = self._key(raw)
                if key.sample == name:
                    found[key.labels] = value
        return found

    def processes(self) -> list[WriterProcess]:
        """List the processes that have files here, living and not yet folded."""
        return list_processes(self._directory)

    def fold(self) -> list[WriterProcess]:
        """Move what dead processes counted into the archive; return those that were folded.

        Does nothing when another process is at it, or when there is no directory.
        """
        if not self._directory.is_dir():
            return []
        with try_exclusively(self._directory / MUTEX) as is_mine:
            if not is_mine:
                return []
            archive = self._archive()
            self._sweep(archive)
            dead = [process for process in self.processes() if not process.is_alive]
            if dead:
                folded = [process.identifier for process in dead]
                self._sweep(self._archive_with(archive, folded))
            return dead

    def _consistent(self, kinds: Sequence[str]) -> tuple[MetricPage, Totals]:
        for _ in range(_READ_ATTEMPTS):
            before = self._archive()
            # Files first: a process has its lock before it has any other file.
            paths = sorted(self._directory.glob(f"*{FILES_SUFFIX}"))
            processes = self.processes()
            alive = {process.identifier for process in processes if process.is_alive}
            chosen = [path for path in paths if _counts(path, before, alive, kinds)]
            try:
                totals, damaged = _add_up(chosen)
            except FileNotFoundError:
                continue  # folded meanwhile
            if self._archive() == before:
                return MetricPage([], processes, len(chosen), damaged), totals
        raise ArchiveBusyError

    def _archive(self) -> Archive:
        try:
            found = orjson.loads((self._directory / ARCHIVE).read_bytes())
        except FileNotFoundError:
            return Archive()
        return Archive(int(found["generation"]), frozenset(found["folded"]))

    def _archive_with(self, archive: Archive, dead: Iterable[str]) -> Archive:
        """Write the next generation and make it the one that counts."""
        following = Archive(archive.generation + 1, frozenset(dead))
        sources = {*following.folded, f"{_ARCHIVE_PREFIX}{archive.generation}"}
        paths = [
            path
            for path in sorted(self._directory.glob(f"*{FILES_SUFFIX}"))
            if identifier_of(path) in sources and _kind(path) in _CUMULATIVE
        ]
        totals, _ = _add_up(paths)
        for kind, values in totals.items():
            self._write_archive(kind, following.generation, values)
        fresh = self._directory / f"{ARCHIVE}.new"
        fresh.write_bytes(
            orjson.dumps({"generation": following.generation, "folded": sorted(following.folded)})
        )
        fresh.rename(self._directory / ARCHIVE)
        return following

    def _write_archive(self, kind: str, generation: int, values: dict[bytes, float]) -> None:
        # Under its newest help text each sample is one, also after an upgrade changed the text.
        merged: dict[tuple[str, str, Labels], tuple[_Key, float]] = {}
        for raw, value in values.items():
            key = self._key(raw)
            name = (key.sample, key.bound or "", key.labels)
            merged[name] = (key, value + merged[name][1] if name in merged else value)
        path = self._directory / f"{kind}_{_ARCHIVE_PREFIX}{generation}{FILES_SUFFIX}"
        file = ValueFile(path)
        for key, value in merged.values():
            labels = dict(key.labels) | ({"le": key.bound} if key.bound else {})
            file.append(sample_key(key.family, key.sample, labels, key.help), value)
        file.close()

    def _sweep(self, archive: Archive) -> None:
        """Remove the files that no longer count."""
        for path in list(self._directory.glob(f"*{FILES_SUFFIX}")):
            if identifier_of(path) in archive.folded or _is_old_archive(path, archive):
                path.unlink(missing_ok=True)
        # Last: as long as its lock file is there, a process is known, and folded.
        for identifier in archive.folded:
            for suffix in (HEARTBEAT_SUFFIX, LOCK_SUFFIX):
                (self._directory / f"{identifier}{suffix}").unlink(missing_ok=True)

    def _families(self, totals: Totals) -> list[Metric]:
        families: dict[str, Metric] = {}
        # Equal samples may come under two keys: an upgrade changed the help text.
        plain: defaultdict[tuple[str, Labels], float] = defaultdict(float)
        owner: dict[str, str] = {}
        buckets: dict[tuple[str, Labels], dict[float, tuple[str, float]]] = {}
        for prefix, values in totals.items():
            kind = prefix.partition("_")[0]
            for raw, value in values.items():
                key = self._key(raw)
                if key.family not in families:
                    families[key.family] = Metric(key.family, key.help, kind)
                if key.bound is None:
                    plain[key.sample, key.labels] += value
                    owner[key.sample] = key.family
                else:
                    edges = buckets.setdefault((key.family, key.labels), {})
                    before = edges.get(float(key.bound), (key.bound, 0.0))[1]
                    edges[float(key.bound)] = (key.bound, before + value)
        for family, labels in [key for key in buckets if not _is_whole(key, buckets, plain)]:
            # Its writer met a full disk: half a histogram would spoil the page.
            del buckets[family, labels]
            plain.pop((f"{family}_sum", labels), None)
        for (family, labels), edges in buckets.items():
            total = plain.pop((f"{family}_sum", labels))
            _add_buckets(families[family], labels, edges, total)
        for (sample, labels), value in plain.items():
            families[owner[sample]].add_sample(sample, dict(labels), value)
        return list(families.values())

    def _key(self, raw: bytes) -> _Key:
        key = self._keys.get(raw)
        if key is None:
            if len(self._keys) >= _MAX_CACHED_KEYS:
                self._keys.clear()
            key = self._keys[raw] = _parse(raw)
        return key


def _counts(path: Path, archive: Archive, alive: set[str], kinds: Sequence[str]) -> bool:
    identifier, kind = identifier_of(path), _kind(path)
    if kind not in kinds or identifier in archive.folded or _is_old_archive(path, archive):
        return False
    return kind != "gauge" or identifier in alive


def _is_old_archive(path: Path, archive: Archive) -> bool:
    identifier = identifier_of(path)
    is_archive = identifier.startswith(_ARCHIVE_PREFIX)
    return is_archive and identifier != f"{_ARCHIVE_PREFIX}{archive.generation}"


def _kind(path: Path) -> str:
    return path.name.partition("_")[0]


def _add_up(paths: Iterable[Path]) -> tuple[Totals, tuple[str, ...]]:
    totals: Totals = {}
    damaged = []
    for path in paths:
        try:
            found = read_values(path)
        except DamagedFileError:
            damaged.append(path.name)
            continue
        prefix = path.stem.rpartition("_")[0]
        values = totals.setdefault(prefix, {})
        takes_maximum = prefix == "gauge_livemax"
        for key, value in found:
            if key not in values:
                values[key] = value
            elif takes_maximum:
                values[key] = max(values[key], value)
            else:
                values[key] += value
    return totals, tuple(damaged)


def _never_backwards(totals: Totals, last: Totals) -> None:
    """Undo rounding: the same numbers added in another order may give a little less.

    Prometheus would take that for a restart and count everything again.
    """
    for kind in _CUMULATIVE:
        before = last.get(kind, {})
        for key, value in totals.get(kind, {}).items():
            earlier = before.get(key, value)
            if value < earlier and math.isclose(value, earlier, rel_tol=1e-9):
                totals[kind][key] = earlier


def _parse(raw: bytes) -> _Key:
    family, sample, labels, text = json.loads(raw)
    bound = labels.pop("le", None)
    return _Key(family, sample, tuple(sorted(labels.items())), text, bound)


def _is_whole(
    key: tuple[str, Labels],
    buckets: Mapping[tuple[str, Labels], Mapping[float, object]],
    plain: Mapping[tuple[str, Labels], float],
) -> bool:
    family, labels = key
    return math.inf in buckets[key] and (f"{family}_sum", labels) in plain


def _add_buckets(
    family: Metric, labels: Labels, edges: dict[float, tuple[str, float]], added_up: float
) -> None:
    """Add all samples of one histogram, one after the other, as OpenMetrics demands."""
    total = 0.0
    own = dict(labels)
    for _, (bound, value) in sorted(edges.items()):
        total += value
        family.add_sample(f"{family.name}_bucket", {**own, "le": bound}, total)
    family.add_sample(f"{family.name}_count", own, total)
    family.add_sample(f"{family.name}_sum", own, added_up)
