"""The checker against the real server, strict: all five probes, all strategies and mixed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.processes import Server, clean_environment, started_server

pytestmark = pytest.mark.end_to_end

SECONDS = 60
LONG_SECONDS = 600
LABELS = {"reject", "enqueue", "interrupt", "rollback", "mixed"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started_server(tmp_path_factory.mktemp("check") / "data") as server:
        yield server


def verdict_of(server: Server, output: Path, seconds: int) -> dict[str, Any]:
    """Check the server and return the verdict; fails with the summary unless it is a pass."""
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "check", "--host", server.url]
    command += ["--duration", str(seconds), "--output", str(output)]
    done = subprocess.run(
        command,
        env=clean_environment(),
        capture_output=True,
        timeout=seconds + 240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout.decode()}{done.stderr.decode()}"
    verdict: dict[str, Any] = json.loads((output / "verdict.json").read_bytes())
    return verdict


def assert_passed(verdict: dict[str, Any]) -> None:
    assert verdict["verdict"] == "PASS"
    untested = [each["name"] for each in verdict["invariants"] if each["verdict"] is None]
    assert len(untested) < 5, f"{untested} were not put to the test"


def test_our_server_keeps_every_promise(server: Server, tmp_path: Path) -> None:
    assert_passed(verdict_of(server, tmp_path, SECONDS))


@pytest.mark.long
def test_our_server_keeps_every_promise_for_ten_minutes(server: Server, tmp_path: Path) -> None:
    assert_passed(verdict_of(server, tmp_path, LONG_SECONDS))
