"""Which processes write metrics into a directory, and which of them still live.

Each writer holds a lock on a file of its own, `<identifier>.lock`; the kernel lets go of it
when the process ends, however it ends, and this is seen across containers on one host, where
a process id says nothing. A worker says that it is well by touching `<identifier>.heartbeat`,
and takes that with it when it leaves. What the metric files hold is not known here.
"""

import fcntl
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

LOCK_SUFFIX = ".lock"
FILES_SUFFIX = ".db"
HEARTBEAT_SUFFIX = ".heartbeat"
_NEW_SUFFIX = ".new"
_IDENTIFIER = re.compile(r"[A-Za-z0-9.\-]+")


@dataclass(frozen=True, slots=True)
class WriterProcess:
    """A process that writes metrics, or wrote them before it ended.

    `pid` means something only in the process namespace `namespace` of `host`. `heartbeat_at` is
    None for one that is no worker, or has left as it should.
    """

    identifier: str
    pid: int
    role: str
    started_at: float
    host: str
    namespace: str
    is_alive: bool
    heartbeat_at: float | None = None

    @property
    def is_local(self) -> bool:
        """True when `pid` names a process in the caller's own process namespace."""
        return self.namespace == process_namespace()


class ProcessLock:
    """Says that this process writes metrics, for as long as it lives or until `release`."""

    def __init__(self, directory: Path, *, role: str) -> None:
        self.identifier = new_identifier()
        self._path = directory / f"{self.identifier}{LOCK_SUFFIX}"
        self._heartbeat = self._path.with_suffix(HEARTBEAT_SUFFIX)
        # Locked under another name first: nobody may ever see this file without its lock.
        fresh = self._path.with_suffix(_NEW_SUFFIX)
        self._descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        os.write(self._descriptor, _description(role))
        fresh.rename(self._path)

    def beat(self) -> None:
        """Say that this process is a worker, and is well.

        Raises:
            OSError: The directory cannot be written to.
        """
        if self._descriptor >= 0:
            self._heartbeat.touch(mode=0o600)

    def release(self) -> None:
        """Let others see this process as ended; safe to call twice."""
        if self._descriptor >= 0:
            self._heartbeat.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = -1


def new_identifier() -> str:
    """Make an identifier no other process on any host has; free of `_`, which parts file names."""
    host = re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())[:40]
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"


def process_namespace() -> str:
    """Name the process namespace of the caller, so that a pid can be trusted or not."""
    try:
        return f"{_boot_id()}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux: one namespace per host
        return socket.gethostname()


def list_processes(directory: Path) -> list[WriterProcess]:
    """List the processes that have metric files in `directory`, oldest first.

    Safe while processes start and end. A lock file that cannot be read is left out.
    """
    found = (_read_lock(path) for path in directory.glob(f"*{LOCK_SUFFIX}"))
    return sorted((process for process in found if process), key=lambda one: one.started_at)


def identifier_of(path: Path) -> str:
    """Return the identifier of the process that wrote the metric file `path`."""
    return path.stem.rpartition("_")[2]


@contextmanager
def try_exclusively(path: Path) -> Iterator[bool]:
    """Give True to one caller at a time among all processes, False to the others at once."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield _try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _read_lock(path: Path) -> WriterProcess | None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:  # removed meanwhile
        return None
    try:
        # Shared, so that two readers never take each other for the living writer.
        is_alive = not _try_lock(descriptor, fcntl.LOCK_SH)
        found = _parse(path.stem, os.read(descriptor, 4096), is_alive=is_alive)
        return found and replace(found, heartbeat_at=_heartbeat_of(path))
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _heartbeat_of(lock: Path) -> float | None:
    try:
        return lock.with_suffix(HEARTBEAT_SUFFIX).stat().st_mtime
    except OSError:
        return None


def _parse(identifier: str, text: bytes, *, is_alive: bool) -> WriterProcess | None:
    if not _IDENTIFIER.fullmatch(identifier):
        return None
    try:
        found = orjson.loads(text)
        return WriterProcess(
            identifier=identifier,
            pid=int(found["pid"]),
            role=str(found["role"]),
            started_at=float(found["started_at"]),
            host=str(found["host"]),
            namespace=str(found["namespace"]),
            is_alive=is_alive,
        )
    except (ValueError, KeyError, TypeError):
        return None


def _description(role: str) -> bytes:
    return orjson.dumps(
        {
            "pid": os.getpid(),
            "role": role,
            "started_at": time.time(),
            "host": socket.gethostname(),
            "namespace": process_namespace(),
        }
    )


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
