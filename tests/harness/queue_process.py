"""Starts the server whose capacity is known (`fakes/queue_server.py`) as a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.processes import clean_environment

PROGRAM = Path(__file__).parent.parent / "fakes" / "queue_server.py"


@contextmanager
def queue_server(*words: str) -> Iterator[str]:
    """Start it with these words and yield its URL."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), *words],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
