"""Runs `outrigger-loadtest` in a process of its own, since it patches the one it is in."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT

from harness.processes import clean_environment

FILES = [
    "history.jsonl",
    "junit.xml",
    "measures.json",
    "report.html",
    "summary.md",
    "verdict.json",
]
SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and what it left in its output directory."""

    code: int
    stdout: str
    stderr: str
    folder: Path

    @property
    def files(self):
        return sorted(each.name for each in self.folder.iterdir()) if self.folder.is_dir() else []

    def words(self):
        """Everything it said and wrote, as one text."""
        written = [path.read_text(errors="replace") for path in self.folder.iterdir()]
        return "\n".join([self.stdout, self.stderr, *written])

    def must_have_refused(self):
        """Say what it said in the one line in which a refusal comes; nothing else came."""
        assert self.code == 2, (self.code, self.stderr)
        assert self.stdout == ""
        assert self.stderr.startswith("outrigger-loadtest: "), self.stderr
        assert self.stderr.endswith("\n")
        assert self.stderr.count("\n") == 1, self.stderr
        return self.stderr.removeprefix("outrigger-loadtest: ").rstrip("\n")

    def must_have_reported(self, *codes):
        """It ended by its verdict with all its files and not one word on stderr."""
        assert self.stderr == ""
        assert self.code in codes, (self.code, self.stdout)
        assert self.files == FILES


class Command:
    """A command on its way."""

    def __init__(self, process, folder):
        self._process = process
        self._folder = folder
        self._talk = asyncio.create_task(process.communicate())

    @property
    def pid(self):
        return self._process.pid

    def signal(self, number=SIGINT):
        with suppress(ProcessLookupError):  # it ended a moment ago
            os.kill(self._process.pid, number)  # send_signal would take the exit code from asyncio

    async def signal_twice(self, first=SIGINT, second=SIGINT):
        self.signal(first)
        await asyncio.sleep(0.2)  # two signals at the same moment may arrive as one
        self.signal(second)

    async def until(self, happened):
        """Return when something has happened; fails when the command ends before that."""
        while not happened():
            assert self._process.returncode is None, await self.ended()
            await asyncio.sleep(0.05)

    async def ended(self, within=SECONDS):
        stdout, stderr = await asyncio.wait_for(asyncio.shield(self._talk), within)
        code = self._process.returncode
        return Ended(code, stdout.decode(), stderr.decode(), self._folder)

    async def end(self):
        if self._process.returncode is None:
            self._process.kill()
        await self._talk


def _hear_ctrl_c():
    """Take Ctrl-C as in a terminal, also when the tests were started in the background."""
    signal.signal(SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def command(folder, *words, **environment):
    """Start the command with these words; its working directory is the folder's parent."""
    variables = clean_environment(**environment)
    if "LANGGRAPH_API_KEY" not in environment:
        variables.pop("LANGGRAPH_API_KEY", None)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "outrigger_loadtests.cli",
        *words,
        cwd=folder.parent,
        env=variables,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        preexec_fn=_hear_ctrl_c,
    )
    this = Command(process, folder)
    try:
        yield this
    finally:
        await this.end()


def check(folder, url, *options, **environment):
    """Start a small check of the server at `url`; options given again win."""
    small = ["--duration", "1", "--threads", "3", "--seed", "7", "--probe", "async"]
    words = ["check", "--host", url, "--output", str(folder), *small, *options]
    return command(folder, *words, **environment)


async def checked(folder, url, *options, **environment):
    """Run a small check to its end."""
    async with check(folder, url, *options, **environment) as this:
        return await this.ended()
