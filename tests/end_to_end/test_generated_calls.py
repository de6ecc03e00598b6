"""Thousands of calls made up from the OpenAPI document: none breaks the server or surprises."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph_sdk import get_sync_client

from harness.known_things import KnownThings
from harness.processes import ROOT, TEST_GRAPHS, Server, clean_environment, started_server

pytestmark = pytest.mark.end_to_end

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance"
LEAST_CALLS = 2000
MOST_SECONDS = 240
"""A stuck one ends; on an idle machine it takes a fraction."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("generated_calls") / "data"
    with started_server(data_dir, config=TEST_GRAPHS) as server:
        yield server


@pytest.fixture(scope="module")
def known(server: Server) -> dict[str, str]:
    with get_sync_client(url=server.url, api_key=None) as client:
        return {**KnownThings(client, "chat").all(), "graph": "chat"}


def test_no_generated_call_breaks_the_server_or_is_answered_in_an_undocumented_way(
    server: Server, known: dict[str, str], tmp_path: Path
) -> None:
    environment = clean_environment(
        KNOWN_IDS=json.dumps(known),
        SERVER_URL=server.url,
        SCHEMATHESIS_HOOKS="harness.generated_calls",
        PYTHONPATH=os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]),
    )
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
    command += ["--checks", CHECKS, "--phases", "coverage,fuzzing", "--max-examples", "30"]
    command += ["--seed", "7", "--workers", "1"]
    command += ["--generation-database", "none", "--request-timeout", "30", "--no-shrink"]
    command += ["--warnings", "off", "--no-color", "--continue-on-failure"]
    ended = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    (calls,) = re.findall(r"^\s*(\d+) generated, \1 passed", ended.stdout, re.MULTILINE)
    assert int(calls) >= LEAST_CALLS
    assert '"request_failed"' not in server.log.read_text()
    server.wait_until_ready()
