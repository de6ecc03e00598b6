"""A process that is told to stop over and over ends in order all the same.

A terminal's Ctrl-C reaches a whole group of processes, and a supervisor tells each of them once
more; the second signal may come at any moment of the end.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.processes import clean_environment, started_server
from outrigger_loadtests.faults.cluster import Program
from outrigger_loadtests.faults.programs import free_port, wait_until_answers

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT]),
]

BETWEEN_SECONDS = 0.002


def test_a_server_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with started_server(tmp_path / "data") as server:
        assert told_until_it_ends(server.process, number) == 0


def test_a_sidecar_ends_in_order(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    command = [sys.executable, "-m", "outrigger_sidecar", "--port", str(port)]
    environment = clean_environment(OUTRIGGER_DATA_DIR=str(tmp_path))
    sidecar = Program(command, environment, tmp_path / "log")
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/livez", sidecar.process, sidecar.log)
        assert told_until_it_ends(sidecar.process, number) == 0
    finally:
        sidecar.stop()


def told_until_it_ends(process: subprocess.Popen[bytes], number: signal.Signals) -> int:
    """Its exit code."""
    while process.poll() is None:
        process.send_signal(number)
        time.sleep(BETWEEN_SECONDS)
    return process.returncode
