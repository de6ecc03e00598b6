"""A PostgreSQL of one's own: on a free port, with data that go with it."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psutil

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.programs import STOP_SECONDS, end, free_port, program, wait_until

USER = "postgres"
FAST_SHUTDOWN = signal.SIGINT


class Postgres:
    """A `postgres` with the superuser `postgres`, and no password unless one is given.

    A kill is a crash of the server, not of the machine: only with `fsync` are data promised
    to outlive the latter.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fsync: bool = False,
        password: str | None = None,
        programs: Path | None = None,
    ) -> None:
        self._programs = programs
        self.port = free_port()
        self._folder = folder
        self._data = folder / "data"
        self._log = folder / "postgres.log"
        self._fsync = "on" if fsync else "off"
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the address of one of its databases."""
        user = USER
        if self._password is not None:
            user += ":" + quote(self._password, safe="")
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """The number of its first process; it must run."""
        return self._running.pid

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise TargetNotStarted("PostgreSQL does not run")
        return self._process

    def start(self) -> None:
        """Listen on the same port as ever, with the same data; does nothing when it runs."""
        if self._process is not None:
            return
        if not (self._data / "PG_VERSION").exists():
            self._make_data()
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self._data),
            "fsync": self._fsync,
            "max_connections": "200",
        }
        command = [self._program("postgres"), "-D", str(self._data), "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(_not_as_root(command), stdout=log, stderr=log, cwd="/")
        wait_until(self._answers, self._process, self._log)

    def stop(self) -> None:
        """End it at once but in order, cutting its connections; safe to call twice."""
        self._end(FAST_SHUTDOWN)

    def kill(self) -> None:
        """End it as a crash would; safe to call twice."""
        backends = psutil.Process(self.pid).children() if self._process is not None else []
        self._end(signal.SIGKILL)
        # They hold the shared memory: a new server refuses to start before they have left.
        for backend in backends:
            _wait_until_gone(backend)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, number)
            self._process = None

    def _program(self, name: str) -> str:
        return program(name) if self._programs is None else str(self._programs / name)

    def _make_data(self) -> None:
        if os.geteuid() == 0:
            self._folder.chmod(0o755)
            self._data.mkdir(mode=0o700)
            shutil.chown(self._data, USER, USER)
        options = ["-U", USER, "-E", "UTF8", "--no-locale", "--no-sync"]
        if self._password is None:
            options += ["-A", "trust"]
        else:
            secret = self._folder / "password"
            secret.write_text(self._password)
            options += ["-A", "scram-sha-256", "--pwfile", str(secret)]
        command = [self._program("initdb"), "-D", str(self._data), *options]
        made = subprocess.run(
            _not_as_root(command), capture_output=True, text=True, check=False, cwd="/"
        )
        if made.returncode:
            raise TargetNotStarted(f"PostgreSQL made no data: {made.stderr}")

    def _answers(self) -> bool:
        asked = [
            self._program("pg_isready"),
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-t",
            "2",
        ]
        return subprocess.run(asked, check=False).returncode == 0


def _not_as_root(command: list[str]) -> list[str]:
    """Return the command as it must be started: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return command
    return [
        program("setpriv"),
        f"--reuid={USER}",
        f"--regid={USER}",
        "--init-groups",
        "--",
        *command,
    ]


def _wait_until_gone(process: psutil.Process) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)
