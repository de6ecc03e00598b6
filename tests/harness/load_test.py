"""A capacity test that goes on beside whatever a test looks at, with its own page of metrics."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.processes import clean_environment
from outrigger_loadtests.faults.programs import end, free_port, wait_until_answers

JOB = "loadtest"
TERMINATE = 15
REPORTED = {0, 1, 4}
"""It was ended before it found anything, or found that it holds, or that it does not."""
SHORT_TALKS = """\
name = "short talks"
[conversation]
runs = [1, 2]
seconds = [0.0, 0.2]
[conversation.think]
median = 0.2
sigma = 0.1
[mix]
single = 1
"""
STEADY = ("--start-rate", "3", "--max-rate", "3", "--stage", "600", "--warm-up", "0.5")
"""One stage that is longer than any test."""
CLIMBING = ("--start-rate", "1", "--stage", "12", "--warm-up", "3", "--repeats", "9")
"""Stages of a quarter of a minute, each with half as much again; and the search once more."""
_USUAL = ("--strategy", "mixed", "--closed-users", "", "--checked-share", "0", "--seed", "7")
_FORGIVING = ("--max-send-lag", "60", "--max-cpu", "1")
"""The machine is busy; nobody asks what came of it."""


@contextmanager
def started_load_test(folder: Path, url: str, *words: str) -> Iterator[str]:
    """Run `outrigger-loadtest capacity` until the block ends; give where its metrics are."""
    port, log, output = free_port(), folder / "loadtest.log", folder / "loadtest"
    profile = folder / "talks.toml"
    profile.write_text(SHORT_TALKS)
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "capacity", "--host", url]
    command += ["--output", str(output), "--profile", str(profile)]
    command += ["--metrics-address", str(port), *_USUAL, *_FORGIVING, *words]
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/metrics", process, log)
        yield f"http://127.0.0.1:{port}"
        assert process.poll() is None, log.read_text()
    finally:
        end(process, TERMINATE)
    assert process.returncode in REPORTED, log.read_text()
    assert (output / "verdict.json").exists()
