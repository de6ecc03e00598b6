"""The checker against the official development server, installed from the package index.

It is known to break promises: with its profile only what is known of it may be found, and that
as a warning; strictly, that is a failure; a node that swallows its cancellation breaks it for good.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.official import install_official, started_official
from harness.processes import PROBES, clean_environment

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

SECONDS = 60
JOBS = 10


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `langgraph dev`, serving the probe graphs as they are."""
    folder = tmp_path_factory.mktemp("official")
    install_official(folder / "venv")
    project = folder / "probe"
    shutil.copytree(PROBES.parent, project, ignore=shutil.ignore_patterns("__pycache__"))
    with started_official(project, folder / "venv", jobs=JOBS) as server:
        yield server.url


def check(url: str, output: Path, *, probe: str, profile: str) -> tuple[int, dict[str, Any]]:
    """Check the server and return exit code and verdict."""
    command = [sys.executable, "-m", "outrigger_loadtests.cli", "check", "--host", url]
    command += ["--probe", probe, "--server-profile", profile]
    command += ["--duration", str(SECONDS), "--output", str(output)]
    done = subprocess.run(
        command, env=clean_environment(), capture_output=True, timeout=SECONDS + 240, check=False
    )
    sys.stdout.write(done.stdout.decode())
    return done.returncode, json.loads((output / "verdict.json").read_bytes())


def broken(verdict: dict[str, Any]) -> set[str]:
    return {each["rule"] for each in verdict["rules"] if each["verdict"] == "FAIL"}


def test_with_its_profile_only_what_is_known_of_it_is_found(official: str, tmp_path: Path) -> None:
    code, verdict = check(official, tmp_path, probe="async", profile="official")
    assert (code, verdict["verdict"]) == (0, "WARN")
    assert all(each["reason"] for each in verdict["rules"])


def test_strictly_what_is_known_of_it_is_a_failure(official: str, tmp_path: Path) -> None:
    code, verdict = check(official, tmp_path, probe="async", profile="outrigger")
    assert code == 3
    assert broken(verdict) >= {"G8.idle_in_flight", "B1.left_interrupted"}


def test_a_node_that_swallows_its_cancellation_forks_the_history_or_loses_inputs(
    official: str, tmp_path: Path
) -> None:
    code, verdict = check(official, tmp_path, probe="swallow", profile="official")
    assert code == 3
    assert {rule.partition(".")[0] for rule in broken(verdict)} & {"G3", "G4", "G5", "G6", "G7"}
