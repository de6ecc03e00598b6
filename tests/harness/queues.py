"""Starts a server whose capacity is known, and capacity tests of it."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from harness.load_command import command
from harness.processes import clean_environment

PROGRAM = Path(__file__).parent.parent / "fakes" / "queue_server.py"
# Every machine is fast enough for what is to be seen here.
SMALL = [
    *("--strategy", "enqueue", "--seed", "7", "--repeats", "1", "--checked-share", "0"),
    *("--closed-users", "", "--max-send-lag", "5", "--max-cpu", "1"),
]
EVEN = """
name = "even"
[arrivals]
process = "gamma"
shape = 100
[conversation]
runs = [1, 1]
seconds = [0.0, 0.0]
[mix]
single = 1
"""


@contextmanager
def queue_server(*words):
    """Start it and yield its URL."""
    with subprocess.Popen(
        [sys.executable, PROGRAM, *words],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    ) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()


def capacity(folder, url, *options):
    """Start a small capacity test; options given again win."""
    profile = folder.parent / "even.toml"
    profile.write_text(EVEN)
    words = ["capacity", "--host", url, "--output", str(folder), "--profile", str(profile)]
    return command(folder, *words, *SMALL, *options)


async def measured(folder, url, *options):
    """Run a small capacity test to its end."""
    async with capacity(folder, url, *options) as this:
        return await this.ended(within=240)
