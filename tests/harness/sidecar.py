"""Starts a sidecar by itself, as beside a server that somebody else has started."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.processes import clean_environment, free_port, wait_until_answers

QUICK = {
    "OUTRIGGER_SIDECAR_INTERVAL_SECONDS": "0.1",
    "OUTRIGGER_SIDECAR_PROBE_TIMEOUT_SECONDS": "2",
}
"""Settings of one that looks often, and forgives a busy machine."""


@contextmanager
def started_sidecar(
    folder: Path, *arguments: str, port: int | None = None, **environment: str
) -> Iterator[str]:
    """Run one in `folder` until the block ends, which it must do cleanly; give its URL."""
    port = port or free_port()
    command = [sys.executable, "-m", "outrigger_sidecar", "--port", str(port), *arguments]
    log = folder / "sidecar.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment(**QUICK, **environment),
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/startupz", process, log)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
