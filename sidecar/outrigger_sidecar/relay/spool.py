"""The operations that are not upstream yet, on disk.

What `append` took survives a kill of this process. Safe to use from several threads.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from outrigger_sidecar.errors import ConfigurationError, SpoolUnavailable
from outrigger_sidecar.relay.records import BOUNDARY_LENGTH, Head, NewRecord
from outrigger_sidecar.relay.sampling import Decision, TailSampler
from outrigger_sidecar.relay.segment import SUFFIX, Segment, remove_lone_journals
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.metric_specs import RELAY_DROPPED_RUNS_TOTAL, RELAY_SAMPLED_OUT_TOTAL
from outrigger_telemetry.metrics import Metrics

MAX_SEGMENT_BYTES = 8 * 1024 * 1024
SEGMENTS = 16
"""The oldest of so many files goes when the spool is full."""

_PRIVATE = 0o700

log = get_logger("outrigger_sidecar.relay")


@dataclass(slots=True)
class Batch:
    """Records taken out to be sent; they are in the spool until `Spool.finish`."""

    segment: Segment
    indexes: list[int]
    heads: list[Head]
    contents: list[bytes]

    def half(self) -> "tuple[Batch, Batch]":
        """Return the first and the second half."""
        middle = len(self.indexes) // 2
        cuts = (slice(middle), slice(middle, None))
        first, second = (
            Batch(self.segment, self.indexes[cut], self.heads[cut], self.contents[cut])
            for cut in cuts
        )
        return first, second


class Spool:
    """A queue on disk with a cap: when it is full the oldest go, and are counted.

    Made by `open_spool`.
    """

    def __init__(
        self,
        directory: Path,
        max_bytes: int,
        sampler: TailSampler | None,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = min(MAX_SEGMENT_BYTES, max_bytes // SEGMENTS)
        self._sampler = sampler
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._boundary = secrets.token_hex(BOUNDARY_LENGTH // 2).encode()
        self._in_flight: Batch | None = None
        self.is_unsynced = False
        """True while something is written that `sync` has not brought to the disk."""
        remove_lone_journals(directory)
        self._segments = list(self._load())
        self._active: Segment | None = None  # the last of the segments, while it is written to
        self._number = max((int(each.path.stem) for each in self._segments), default=0)

    def _load(self) -> Iterator[Segment]:
        for path in sorted(self._directory.glob(f"*{SUFFIX}")):
            segment = Segment.load(path) if path.stem.isdigit() else None
            if segment is None:
                log.warning("relay_file_ignored", file=path.name)
                continue
            if segment.cut_bytes:
                log.warning("relay_file_cut", file=path.name, bytes=segment.cut_bytes)
            if segment.pending == 0:
                segment.remove()
            else:
                self._recall(segment)
                yield segment

    def _recall(self, segment: Segment) -> None:
        log.info("relay_spool_found", operations=segment.pending)
        if self._sampler is not None:
            for index in segment.pending_indexes():
                head = segment.head(index)
                self._sampler.note(head.trace, head.facts, head.seconds)

    @property
    def max_bytes(self) -> int:
        """The cap."""
        return self._max_bytes

    def size(self) -> int:
        """Bytes on disk."""
        with self._lock:
            return self._size()

    def _size(self) -> int:
        return sum(segment.size for segment in self._segments)

    def pending(self) -> int:
        """How many operations are not upstream yet."""
        with self._lock:
            return sum(segment.pending for segment in self._segments)

    def oldest_seconds(self) -> float:
        """The age of the oldest of them; 0 when there is none."""
        with self._lock:
            found = (segment.oldest_received() for segment in self._segments)
            oldest = next((received for received in found if received is not None), None)
        return 0.0 if oldest is None else max(0.0, self._clock() - oldest)

    def append(self, records: Sequence[NewRecord]) -> None:
        """Keep all of `records`, or none.

        Raises:
            SpoolUnavailable: The disk is full or not to be written.
        """
        with self._lock:
            segment = self._active
            if segment is None or segment.size >= self._segment_bytes:
                segment = self._start_segment()
            segment.append(records, self._clock())
            self.is_unsynced = True
            if self._sampler is not None:
                for record in records:
                    self._sampler.note(record.trace, record.facts, record.seconds)
            self._make_room()

    def _start_segment(self) -> Segment:
        self._number += 1
        path = self._directory / f"{self._number:012}{SUFFIX}"
        self._active = Segment.create(path, self._boundary)
        self._segments.append(self._active)
        return self._active

    def _make_room(self) -> None:
        while self._size() > self._max_bytes and len(self._segments) > 1:
            oldest = self._segments.pop(0)
            flying = self._in_flight
            sent = len(flying.indexes) if flying and flying.segment is oldest else 0
            self._count_dropped(oldest.pending - sent, "spool_full")
            oldest.remove()

    def next_batch(self, max_operations: int, max_bytes: int) -> Batch | None:
        """Give the oldest operations that may go now; None when there are none.

        One batch is out at a time: `finish` it, or ask again for the same.
        """
        with self._lock:
            for segment in tuple(self._segments):
                batch = self._collect(segment, max_operations, max_bytes)
                if batch.indexes:
                    self._in_flight = batch
                    return batch
        return None

    def _collect(self, segment: Segment, max_operations: int, max_bytes: int) -> Batch:
        batch = Batch(segment, [], [], [])
        dropped: list[int] = []
        damaged: list[int] = []
        size = 0
        for index in segment.pending_indexes():
            head = segment.head(index)
            match self._decision(head):
                case Decision.WAIT:
                    continue
                case Decision.DROP:
                    dropped.append(index)
                    continue
                case Decision.KEEP:
                    pass
            is_alone = head.facts.is_single
            if batch.indexes and (is_alone or size + head.length > max_bytes):
                break
            content = segment.content(index, head)
            if content is None:
                damaged.append(index)
                continue
            size += head.length
            batch.indexes.append(index)
            batch.heads.append(head)
            batch.contents.append(content)
            if is_alone or len(batch.indexes) >= max_operations:
                break
        self._metrics.increment(RELAY_SAMPLED_OUT_TOTAL, len(dropped))
        self._count_dropped(len(damaged), "damaged")
        self._finish(segment, dropped + damaged)
        return batch

    def _decision(self, head: Head) -> Decision:
        if self._sampler is None:
            return Decision.KEEP
        return self._sampler.decide(head.trace, head.received)

    def finish(self, batch: Batch, *, refused: bool = False) -> None:
        """Take a batch out for good: it is upstream, or the upstream does not want it."""
        with self._lock:
            self._in_flight = None
            if refused:
                self._count_dropped(len(batch.indexes), "upstream_refused")
            self._finish(batch.segment, batch.indexes)

    def abandon(self, batch: Batch) -> None:
        """Count a batch as lost whose records were dropped while it was being sent."""
        with self._lock:
            self._in_flight = None
            self._count_dropped(len(batch.indexes), "spool_full")

    def _finish(self, segment: Segment, indexes: Sequence[int]) -> None:
        if segment.is_dropped:
            return
        if indexes:
            with suppress(SpoolUnavailable):
                segment.finish(indexes)
        if segment.pending == 0:
            # Also the one that is written to: nothing stays on disk without need.
            if segment is self._active:
                self._active = None
            self._segments.remove(segment)
            segment.remove()

    def _count_dropped(self, count: int, reason: str) -> None:
        if count > 0:
            self._metrics.increment(RELAY_DROPPED_RUNS_TOTAL, count, reason=reason)
            log.warning("relay_operations_dropped", count=count, reason=reason)

    def sync(self) -> None:
        """Bring what was written to the disk itself, so that it survives the host's fall."""
        with self._lock:
            if not self.is_unsynced or self._active is None:
                return
            self.is_unsynced = False
            file = self._active.duplicate_file()
        try:
            os.fdatasync(file)
        finally:
            os.close(file)

    def close(self) -> None:
        """Close all files; what is pending is found at the next start."""
        with self._lock:
            for segment in self._segments:
                segment.close()
            self._segments.clear()


@contextmanager
def private_directory(directory: Path) -> Iterator[None]:
    """Make `directory`, closed to others, and hold it for this process alone.

    Raises:
        ConfigurationError: It cannot be made or closed, or another process has it.
    """
    try:
        directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        directory.chmod(_PRIVATE)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = (error.strerror or "unusable").lower()
        raise ConfigurationError([f"OUTRIGGER_RELAY_DIR {directory}: {reason}"]) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            fault = f"OUTRIGGER_RELAY_DIR {directory}: another sidecar uses it; give each its own"
            raise ConfigurationError([fault]) from error
        yield
    finally:
        os.close(lock)
