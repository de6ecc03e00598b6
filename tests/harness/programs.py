"""Finds the servers that tests start and waits for them; a missing one fails the test."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

START_SECONDS = 90.0
STOP_SECONDS = 20.0
DEBIAN_FOLDERS = "/usr/lib/postgresql/*/bin"


def program(name: str) -> str:
    """Where the program lies: on the path, or the newest in Debian's folders of PostgreSQL."""
    found = shutil.which(name)
    if found is not None:
        return found
    folders = Path("/").glob(DEBIAN_FOLDERS.lstrip("/"))
    for folder in sorted(folders, key=lambda each: int(each.parent.name), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    raise AssertionError(f"{name} is not installed, and these tests need it; run: make servers")


def wait_until(answers: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when `answers()`; fail with the log when the process ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode}:\n{log.read_text()}")
        if time.monotonic() > deadline:
            raise AssertionError(f"does not answer:\n{log.read_text()}")
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], signal_number: int) -> None:
    """Send the signal and reap the process, killing it when it does not heed; twice is fine."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS)
