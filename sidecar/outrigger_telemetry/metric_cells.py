"""Where the numbers of a process's metrics are kept: in memory, or in files others can read.

Our own in place of prometheus_client's value classes: it chooses one kind for the whole process
when it is first imported, and takes the directory from the environment. The files are the
same. What is counted is not known here.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from typing_extensions import override

from outrigger_telemetry.metric_specs import MetricSpec
from outrigger_telemetry.process_files import FILES_SUFFIX, ProcessLock
from outrigger_telemetry.value_files import ValueFile, sample_key


class Cell:
    """One number, in memory."""

    __slots__ = ("_lock", "value")

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self.value = 0.0

    def add(self, amount: float) -> None:
        """Add `amount`; never loses one when threads add at once."""
        with self._lock:
            self.value += amount

    def put(self, value: float) -> None:
        """Replace the number."""
        with self._lock:
            self.value = value


class FileCell(Cell):
    """One number, in memory and in a file."""

    __slots__ = ("_file", "_position")

    def __init__(self, lock: threading.Lock, file: ValueFile, position: int) -> None:
        super().__init__(lock)
        self._file: ValueFile | None = file
        self._position = position

    @override
    def add(self, amount: float) -> None:
        with self._lock:
            self.value += amount
            if self._file is not None:
                self._file.write(self._position, self.value)

    @override
    def put(self, value: float) -> None:
        with self._lock:
            self.value = value
            if self._file is not None:
                self._file.write(self._position, value)

    def detach(self) -> None:
        """Change only memory from now on. The lock is held by the caller."""
        self._file = None


class Cells(Protocol):
    """A place that keeps numbers."""

    def new(self, spec: MetricSpec, sample: str, labels: Mapping[str, str]) -> Cell:
        """Make the cell of one sample of `spec`, at 0."""
        ...

    def beat(self) -> None:
        """Say that the worker of this process is well."""
        ...

    def close(self) -> None:
        """Stop keeping; later changes are lost without an error. Safe to call twice."""
        ...


class MemoryCells:
    """Keeps numbers in this process only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def new(self, spec: MetricSpec, sample: str, labels: Mapping[str, str]) -> Cell:
        """Make a cell in memory."""
        del spec, sample, labels
        return Cell(self._lock)

    def beat(self) -> None:
        """Do nothing: nobody else looks into this process's memory."""

    def close(self) -> None:
        """Do nothing: memory needs no closing."""


class FileCells:
    """Keeps numbers in the multiprocess files of this process in `directory`."""

    def __init__(self, directory: Path, *, role: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._lock = threading.Lock()
        self._files: dict[str, ValueFile] = {}
        self._cells: list[FileCell] = []
        self._is_closed = False
        self._may_lose = False
        self._process = ProcessLock(directory, role=role)

    def new(self, spec: MetricSpec, sample: str, labels: Mapping[str, str]) -> Cell:
        """Make a cell in the file for metrics of this kind."""
        key = sample_key(spec.family, sample, labels, spec.help)
        with self._lock:
            if self._is_closed:
                return Cell(self._lock)
            try:
                file = self._file(spec)
                cell = FileCell(self._lock, file, file.append(key))
            except OSError:
                if not self._may_lose:
                    raise
                return Cell(self._lock)
            self._cells.append(cell)
        return cell

    def beat(self) -> None:
        """Touch this process's heartbeat; a full disk costs one beat."""
        with suppress(OSError):
            self._process.beat()

    def may_lose(self) -> None:
        """From now on keep in memory what the disk has no space for, instead of raising."""
        self._may_lose = True

    def close(self) -> None:
        """Close the files and say that this process has ended; a reader folds them later."""
        with self._lock:
            self._is_closed = True
            for cell in self._cells:
                cell.detach()
            for file in self._files.values():
                file.close()
            self._cells.clear()
            self._files.clear()
        self._process.release()

    def _file(self, spec: MetricSpec) -> ValueFile:
        prefix = f"gauge_{spec.multiprocess_mode}" if spec.kind == "gauge" else spec.kind
        if prefix not in self._files:
            name = f"{prefix}_{self._process.identifier}{FILES_SUFFIX}"
            self._files[prefix] = ValueFile(self._directory / name)
        return self._files[prefix]
