"""Finds the programs of a target, starts them, waits for them and ends them."""

import http.client
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from outrigger_loadtests.errors import TargetNotStarted

START_SECONDS = 90.0
"""Four programs that start at once on a busy machine take longer than one."""
STOP_SECONDS = 20.0
DEBIAN_FOLDERS = "usr/lib/postgresql/*/bin"
_LOG_CHARACTERS = 3000
_OK = 200


def found_program(name: str) -> str | None:
    """Return where a program lies: on the path, or the newest in Debian's folders of PostgreSQL."""
    found = shutil.which(name)
    if found is not None:
        return found
    folders = Path("/").glob(DEBIAN_FOLDERS)
    for folder in sorted(folders, key=lambda each: int(each.parent.name), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    return None


def program(name: str) -> str:
    """Return where a program lies.

    Raises:
        TargetNotStarted: It is not installed.
    """
    found = found_program(name)
    if found is None:
        raise TargetNotStarted(f"{name} is not installed; in a clone of the sources: make servers")
    return found


def free_port() -> int:
    """Return a loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `answers()`.

    Raises:
        TargetNotStarted: The process ended or takes too long; shows the end of its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None:
            raise TargetNotStarted(f"ended with {process.returncode}:\n{_end_of(log)}")
        if time.monotonic() > deadline:
            raise TargetNotStarted(f"does not answer:\n{_end_of(log)}")
        time.sleep(0.02)


def wait_until_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `url` answers 200.

    Raises:
        TargetNotStarted: The process ended or takes too long; shows the end of its log.
    """
    parts = urlsplit(url)

    def answers() -> bool:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    wait_until(answers, process, log)


def end(process: subprocess.Popen[bytes], signal_number: int) -> None:
    """Send the signal and reap the process, killing it when it does not heed; twice is fine."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-_LOG_CHARACTERS:]
