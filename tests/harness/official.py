"""Installs and starts the official development server, `langgraph dev`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.processes import clean_environment, free_port, wait_until_answers

REQUIREMENT = "langgraph-cli[inmem]"
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Official:
    """A started server."""

    url: str
    pid: int


def install_official(venv: Path) -> None:
    """Install its newest version from the package index into a virtual environment, made anew."""
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run(
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(venv)], check=True
    )
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--compile-bytecode",
        "--python",
        str(venv / "bin" / "python"),
    ]
    subprocess.run([*install, REQUIREMENT], check=True)


@contextmanager
def started_official(project: Path, venv: Path, *, jobs: int) -> Iterator[Official]:
    """Serve the project, which it also writes into, until the block ends."""
    programs = venv / "bin"
    port = free_port()
    command = [str(programs / "langgraph"), "dev", "--no-browser", "--no-reload"]
    command += ["--port", str(port), "--n-jobs-per-worker", str(jobs)]
    environment = clean_environment(
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", LANGGRAPH_CLI_NO_ANALYTICS="1"
    )
    log = project / "official.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=project, env=environment, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_answers(f"{url}/ok", process, log)
        yield Official(url, process.pid)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
