"""Starts the server where it must refuse, and tells how it ended."""

import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.processes import clean_environment
from outrigger_loadtests.faults.programs import START_SECONDS, free_port

AGENT = """\
from langgraph.graph import START, MessagesState, StateGraph

builder = StateGraph(MessagesState)
builder.add_node("answer", lambda state: {})
builder.add_edge(START, "answer")
graph = builder.compile()
"""
MANIFEST = '{"graphs": {"agent": "./agent.py:graph"}}'


@dataclass(frozen=True)
class Ended:
    """A server that did not stay, and the ports it was to listen on."""

    code: int
    stdout: str
    stderr: str
    ports: tuple[int, ...]

    @property
    def listens(self) -> bool:
        """True when somebody still answers on one of the ports."""
        return any(is_taken(port) for port in self.ports)


def is_taken(port: int) -> bool:
    """True when somebody listens on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write the files of a project, which has a good graph and manifest unless told otherwise."""
    for name, text in ({"agent.py": AGENT, "langgraph.json": MANIFEST} | dict(files)).items():
        if text:
            (directory / name).write_text(text)


def refused_start(
    project: Path,
    *arguments: str,
    verb: str = "serve",
    environment: Mapping[str, str] | None = None,
    largest_file: int | None = None,
) -> Ended:
    """Run `outrigger` in the project's directory, on free ports, until it ends by itself.

    Its data is in `project`/data. With `largest_file` no file of it may grow beyond that many
    bytes, as on a disk without space.
    """
    port, sidecar_port = free_port(), free_port()
    command = [sys.executable, "-m", "outrigger_server", verb, "--data-dir", "data"]
    command += ["--port", str(port)]
    command += ["--sidecar-port", str(sidecar_port)] if verb == "up" else []
    ended = subprocess.run(
        [*command, *arguments],
        cwd=project,
        env=clean_environment(**(environment or {})),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
        preexec_fn=_limiting(largest_file),
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, (port, sidecar_port))


def _limiting(largest_file: int | None) -> Callable[[], None] | None:
    if largest_file is None:
        return None
    limits = (largest_file, resource.RLIM_INFINITY)
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
