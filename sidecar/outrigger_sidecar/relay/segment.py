"""One file of the spool, and beside it the journal of which of its records are done with.

Only the process that made a file writes to it. Not safe for threads; the spool has a lock.
"""

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from outrigger_sidecar.errors import SpoolUnavailable
from outrigger_sidecar.relay.records import (
    FILE_HEAD_LENGTH,
    HEAD_LENGTH,
    Head,
    NewRecord,
    file_head,
    read_file_head,
    unpack_head,
)

SUFFIX = ".spool"
_JOURNAL_SUFFIX = ".done"
_INDEX_BYTES = 4
_OWNER_ONLY = 0o600
_DONE = 1


class Segment:
    """Records in the order in which they came. Made by `create` and `load`."""

    def __init__(self, path: Path, boundary: bytes, file: int, journal: int) -> None:
        self.path = path
        self.boundary = boundary
        self.size = FILE_HEAD_LENGTH
        self.pending = 0
        self.is_dropped = False
        self.cut_bytes = 0
        """What is left at the end of a file that was being written when its process died."""
        self._file = file
        self._journal = journal
        self._offsets = array("Q")
        self._done = bytearray()
        self._first = 0  # no record before it is pending

    @classmethod
    def create(cls, path: Path, boundary: bytes) -> Self:
        """Make a new file.

        Raises:
            SpoolUnavailable: The disk is full or not to be written.
        """
        try:
            file = _open(path, os.O_CREAT | os.O_EXCL)
            try:
                _write(file, file_head(boundary))
                journal = _open(_journal_path(path), os.O_CREAT)
            except OSError:
                os.close(file)
                path.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise SpoolUnavailable from error
        return cls(path, boundary, file, journal)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Take up a file of an earlier process; None when it is none of ours.

        What was being written when that process died is not there: it was never promised.
        """
        file = _open(path, 0)
        boundary = read_file_head(os.pread(file, FILE_HEAD_LENGTH, 0))
        if boundary is None:
            if os.fstat(file).st_size < FILE_HEAD_LENGTH:  # its process died as it made it
                path.unlink()
            os.close(file)
            return None
        segment = cls(path, boundary, file, _open(_journal_path(path), os.O_CREAT))
        segment._scan(os.fstat(file).st_size)
        return segment

    def _scan(self, length: int) -> None:
        while self.size + HEAD_LENGTH <= length:
            head = unpack_head(os.pread(self._file, HEAD_LENGTH, self.size))
            end = self.size + HEAD_LENGTH + head.length
            if end > length:
                break
            self._offsets.append(self.size)
            self.size = end
        self.cut_bytes = length - self.size
        self._done = bytearray(len(self._offsets))
        self.pending = len(self._offsets)
        written = os.pread(self._journal, os.fstat(self._journal).st_size, 0)
        whole = written[: len(written) // _INDEX_BYTES * _INDEX_BYTES]
        done = array("I", whole)
        self._mark(index for index in done if index < len(self._offsets))

    def append(self, records: Sequence[NewRecord], received: float) -> None:
        """Write all of `records`, or none.

        Raises:
            SpoolUnavailable: The disk is full or not to be written.
        """
        packed = [record.packed(self.boundary, received) for record in records]
        try:
            _write(self._file, b"".join(packed))
        except OSError as error:
            os.ftruncate(self._file, self.size)
            raise SpoolUnavailable from error
        for each in packed:
            self._offsets.append(self.size)
            self.size += len(each)
        self._done.extend(bytes(len(packed)))
        self.pending += len(packed)

    def pending_indexes(self) -> Iterator[int]:
        """Give the numbers of the records that are not done with, oldest first."""
        index = self._first
        while (index := self._done.find(0, index)) >= 0:
            yield index
            index += 1

    def head(self, index: int) -> Head:
        """Read the head of a record."""
        return unpack_head(os.pread(self._file, HEAD_LENGTH, self._offsets[index]))

    def content(self, index: int, head: Head) -> bytes | None:
        """Read the content of a record; None when it is not what was written."""
        data = os.pread(self._file, head.length, self._offsets[index] + HEAD_LENGTH)
        return data if head.fits(data) else None

    def finish(self, indexes: Iterable[int]) -> None:
        """Note in the journal that these records are done with."""
        done = array("I", indexes)
        self._mark(done)
        try:
            _write(self._journal, done.tobytes())
        except OSError as error:  # a full disk: they are sent again after a restart
            raise SpoolUnavailable from error

    def _mark(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            if self._done[index] != _DONE:
                self._done[index] = _DONE
                self.pending -= 1
        first = self._done.find(0, self._first)
        self._first = len(self._done) if first < 0 else first

    def oldest_received(self) -> float | None:
        """When the oldest record came that is not done with."""
        index = next(self.pending_indexes(), None)
        return None if index is None else self.head(index).received

    def duplicate_file(self) -> int:
        """Return a descriptor of the file that stays good when this is closed."""
        return os.dup(self._file)

    def close(self) -> None:
        """Close the files and leave them on disk."""
        os.close(self._file)
        os.close(self._journal)

    def remove(self) -> None:
        """Close the files and delete them. The records go first: a journal alone is harmless."""
        self.is_dropped = True
        self.close()
        self.path.unlink(missing_ok=True)
        _journal_path(self.path).unlink(missing_ok=True)


def _journal_path(path: Path) -> Path:
    return path.with_suffix(_JOURNAL_SUFFIX)


def remove_lone_journals(directory: Path) -> None:
    """Delete the journals whose records are gone."""
    for journal in directory.glob(f"*{_JOURNAL_SUFFIX}"):
        if not journal.with_suffix(SUFFIX).exists():
            journal.unlink(missing_ok=True)


def _open(path: Path, flags: int) -> int:
    return os.open(
        path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | flags, _OWNER_ONLY
    )


def _write(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
