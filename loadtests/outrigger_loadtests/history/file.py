"""The history on disk: one operation per line of JSON, in the order they completed."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

import msgspec

from outrigger_loadtests.errors import UnreadableHistory
from outrigger_loadtests.history.operations import AnyOperation, Faulted, Operation

HISTORY = "history.jsonl"
_decoder = msgspec.json.Decoder(AnyOperation)
_encoder = msgspec.json.Encoder()
_THREAD = b'"thread":"'


class HistoryFile:
    """Appends operations to a file; a line is whole or not there, also after a crash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.operations = 0

    def record(self, operation: Operation) -> None:
        """Append one operation."""
        self._file.write(_encoder.encode(operation) + b"\n")
        self.operations += 1


@contextmanager
def history_file(path: Path) -> Iterator[HistoryFile]:
    """Open a new history at `path`, in place of any that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        yield HistoryFile(file)


def append(path: Path, operations: Iterable[Operation]) -> None:
    """Add operations to a history that is there."""
    with path.open("ab") as file:
        file.write(encode(operations))


def encode(operations: Iterable[Operation]) -> bytes:
    """The lines of a history file."""
    return b"".join(_encoder.encode(operation) + b"\n" for operation in operations)


@dataclass(frozen=True)
class Share:
    """One of so many equal parts of a history's threads; what is of no thread is in every one."""

    number: int = 0
    of: int = 1

    def has(self, thread: bytes) -> bool:
        """Whether the thread is in this share."""
        return not thread or crc32(thread) % self.of == self.number


WHOLE = Share()


def lines_by_thread(lines: Iterable[bytes], share: Share = WHOLE) -> dict[bytes, list[bytes]]:
    """Group the lines of a history by thread, without decoding them.

    Threads come in the order of their first line, lines in the order of the file. This is what
    keeps a large history small: only one thread is decoded at a time.

    Raises:
        UnreadableHistory: A line is not an operation.
    """
    found: dict[bytes, list[bytes]] = {}
    for number, line in enumerate(lines, 1):
        start = line.find(_THREAD) + len(_THREAD)
        end = line.find(b'"', start)
        if start < len(_THREAD) or end < 0:
            raise UnreadableHistory(number, "it names no thread")
        thread = line[start:end]
        known = found.get(thread)
        if known is not None:
            known.append(line)
        elif share.has(thread):
            found[thread] = [line]
    return found


def operations_of(lines: Iterable[bytes]) -> list[AnyOperation]:
    """Decode lines of a history.

    Raises:
        UnreadableHistory: A line is not an operation; says which one of `lines` and why.
    """
    operations: list[AnyOperation] = []
    for number, line in enumerate(lines, 1):
        try:
            operations.append(_decoder.decode(line))
        except msgspec.DecodeError as error:
            raise UnreadableHistory(number, str(error)) from error
    return operations


def threads_of(path: Path, share: Share = WHOLE) -> Iterator[list[AnyOperation]]:
    """Read a history thread by thread; first, if there is any, what belongs to no thread.

    Raises:
        UnreadableHistory: A line is not an operation.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        grouped = lines_by_thread(file, share)
    if general := grouped.pop(b"", None):
        yield operations_of(general)
    for thread in list(grouped):
        yield operations_of(grouped.pop(thread))


def operations_of_threads(
    path: Path, wanted: Collection[str]
) -> Iterator[tuple[str, list[AnyOperation]]]:
    """Yield the operations of the wanted threads and the faults between them; decode no others."""
    if not wanted:
        return
    with path.open("rb") as file:
        grouped = lines_by_thread(file)
    general = operations_of(grouped.get(b"", ()))
    faults = [each for each in general if isinstance(each, Faulted)]
    for name in wanted:
        own = operations_of(grouped[name.encode()])
        begin = min(each.invoked for each in own)
        end = max(each.completed or each.invoked for each in own)
        yield name, [*own, *(each for each in faults if begin <= each.invoked <= end)]
