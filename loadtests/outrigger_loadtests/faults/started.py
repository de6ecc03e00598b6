"""A target in a process beside the load, and what the load tells it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.host import HARM, REST

STOP_SECONDS = 120.0


class Started:
    """A target that works, until its block ends. `url` is its address."""

    def __init__(self, told: IO[str], said: IO[str]) -> None:
        self._input = told
        self._output = said
        self.url = self._answer()["url"]

    def begin(self, seconds: float) -> None:
        """Let harm be done, for so long at most."""
        self._tell(f"{HARM} {seconds}")

    def rest(self) -> None:
        """Return when the last fault is over, and in the log.

        Raises:
            TargetNotStarted: A fault could not be injected, or the target did not come back.
        """
        self._tell(REST)

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # what it said before it ended is read below
            self._input.write(f"{line}\n")
            self._input.flush()
        self._answer()

    def _answer(self) -> dict[str, str]:
        line = self._output.readline()
        if not line:
            raise TargetNotStarted("the server that was started for the test ended by itself")
        told: dict[str, str] = json.loads(line)
        if "error" in told:
            raise TargetNotStarted(told["error"])
        return told


@contextmanager
def started(
    config: Path, environment: Mapping[str, str], faults: Sequence[str], log: Path
) -> Iterator[Started]:
    """Start a target in a process of its own; it ends with the block, or with this process.

    Raises:
        TargetNotStarted: Something it needs is not installed, or it did not start.
    """
    if find_spec("outrigger_server") is None:
        raise TargetNotStarted(
            "the server is not installed; pip install 'langgraph-outrigger[all]'"
        )
    command = [sys.executable, "-m", "outrigger_loadtests.faults.host"]
    command += [str(config), str(log), ",".join(faults)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # the terminal's Ctrl-C is for this process
    ) as process:
        told, said = process.stdin, process.stdout
        if told is None or said is None:
            raise TargetNotStarted("the server's process has no pipes")
        try:
            told.write(json.dumps(dict(environment)) + "\n")
            told.flush()
            yield Started(told, said)
        finally:
            with suppress(BrokenPipeError):
                told.close()
            _reap(process)


def _reap(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
