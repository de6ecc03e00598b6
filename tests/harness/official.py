"""Installs and starts the official development server, `langgraph dev`."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.processes import ROOT, clean_environment, free_port, wait_until_answers

REQUIREMENT = "langgraph-cli[inmem]"
PINNED = ROOT / "requirements" / "official.txt"
KEPT = ROOT / ".official"
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class Official:
    """A started server."""

    url: str
    pid: int


def install_official(venv: Path) -> None:
    """Install its newest version from the package index into a virtual environment, made anew."""
    _make(venv)
    _uv("pip", "install", "--compile-bytecode", "--python", _python_of(venv), REQUIREMENT)


def kept_official() -> Path:
    """The virtual environment with the pinned version, made when it is not there or another one."""
    KEPT.mkdir(exist_ok=True)
    venv, made_of = KEPT / "venv", KEPT / "made-of.txt"
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_of.exists() or made_of.read_bytes() != PINNED.read_bytes():
            made_of.unlink(missing_ok=True)
            _make(venv)
            _uv(
                *("pip", "sync", "--require-hashes", "--compile-bytecode"),
                *("--python", _python_of(venv), str(PINNED)),
            )
            made_of.write_bytes(PINNED.read_bytes())
    return venv


def _make(venv: Path) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(venv))


def _python_of(venv: Path) -> str:
    return str(venv / "bin" / "python")


def _uv(*arguments: str) -> None:
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "--quiet", *arguments], check=True)


@contextmanager
def started_official(
    project: Path, venv: Path, *, jobs: int, environment: Mapping[str, str] | None = None
) -> Iterator[Official]:
    """Serve the project, which it also writes into, until the block ends."""
    programs = venv / "bin"
    port = free_port()
    command = [str(programs / "langgraph"), "dev", "--no-browser", "--no-reload"]
    command += ["--port", str(port), "--n-jobs-per-worker", str(jobs)]
    variables = clean_environment(
        PATH=f"{programs}{os.pathsep}{os.environ['PATH']}", LANGGRAPH_CLI_NO_ANALYTICS="1"
    )
    variables |= environment or {}
    log = project / "official.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=project, env=variables, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_answers(f"{url}/ok", process, log)
        yield Official(url, process.pid)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)
