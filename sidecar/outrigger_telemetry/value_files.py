"""The file format of prometheus_client's multiprocess mode: named numbers in a mapped file.

    int32 bytes used, 4 bytes padding, then per number:
    int32 length of the key, the key in UTF-8, spaces up to a multiple of 8, double, double

Each value is changed in place, so that it survives a kill -9 of its writer and can be read
while the writer is frozen. What the keys mean is not known here, see `sample_key`.
"""

import json
import mmap
import os
import struct
from collections.abc import Mapping
from pathlib import Path

_FIRST_SIZE = 1 << 16
_USED = struct.Struct("i")
_PAIR = struct.Struct("dd")
_HEADER_BYTES = 8


class DamagedFileError(Exception):
    """The file does not hold what a writer of ours would have left."""


class ValueFile:
    """Writes named numbers. Not safe for threads; the caller holds a lock."""

    def __init__(self, path: Path) -> None:
        """Make the file at `path`, which must not exist yet.

        Raises:
            OSError: It cannot be made, or the disk has no space for it.
        """
        self._descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        _allocate(self._descriptor, _FIRST_SIZE)
        self._map = mmap.mmap(self._descriptor, _FIRST_SIZE)
        self._used = _HEADER_BYTES
        self._map[0:4] = _USED.pack(self._used)

    def append(self, key: str, value: float = 0.0) -> int:
        """Add a number under `key` and return where it stands, for `write`.

        Raises:
            OSError: The disk has no space for a longer file; nothing changed.
        """
        encoded = key.encode()
        encoded_padded = encoded + b" " * (8 - (len(encoded) + 4) % 8)
        entry = _USED.pack(len(encoded)) + encoded_padded + _PAIR.pack(value, 0.0)
        end = self._used + len(entry)
        if end > len(self._map):
            self._grow(end)
        self._map[self._used : end] = entry
        # Readers go by this number: it moves only once the entry is whole.
        self._map[0:4] = _USED.pack(end)
        self._used = end
        return end - _PAIR.size

    def write(self, position: int, value: float) -> None:
        """Replace the number at `position`."""
        # One assignment: pack_into would let a reader see a zero in between.
        self._map[position : position + _PAIR.size] = _PAIR.pack(value, 0.0)

    def close(self) -> None:
        """Close the file; what was written stays."""
        self._map.close()
        os.close(self._descriptor)

    def _grow(self, needed: int) -> None:
        size = len(self._map)
        while size < needed:
            size *= 2
        _allocate(self._descriptor, size)
        self._map.close()
        self._map = mmap.mmap(self._descriptor, size)


def _allocate(descriptor: int, size: int) -> None:
    # Not ftruncate: writing to a mapped page that the disk has no space for kills the process.
    os.posix_fallocate(descriptor, 0, size)


def read_values(path: Path) -> list[tuple[bytes, float]]:
    """Read all keys and numbers, while the writer may go on writing.

    Raises:
        OSError: The file is gone or cannot be read.
        DamagedFileError: It is cut short or was never a file of numbers.
    """
    with path.open("rb") as file:
        data = file.read(mmap.PAGESIZE)
        if not data:
            return []  # its writer has only just made it
        if len(data) < _HEADER_BYTES:
            raise DamagedFileError(path.name)
        used = _USED.unpack_from(data)[0]
        if used > len(data):
            data += file.read(used - len(data))
    if used > len(data):
        raise DamagedFileError(path.name)
    return _split(data, used, path.name)


def _split(data: bytes, used: int, name: str) -> list[tuple[bytes, float]]:
    found = []
    position = _HEADER_BYTES
    while position < used:
        length = _USED.unpack_from(data, position)[0]
        start = position + 4
        end_of_key = start + length
        value_at = end_of_key + 8 - (length + 4) % 8
        if length < 0 or value_at + _PAIR.size > used:
            raise DamagedFileError(name)
        found.append((data[start:end_of_key], _PAIR.unpack_from(data, value_at)[0]))
        position = value_at + _PAIR.size
    return found


def sample_key(family: str, sample: str, labels: Mapping[str, str], text: str) -> str:
    """Make the key of a sample; equal samples have equal keys in all processes."""
    return json.dumps([family, sample, dict(labels), text], sort_keys=True)
