"""A PostgreSQL of the tests' own: on a free port, with data that go with it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
from psycopg import sql

from harness.processes import free_port
from harness.programs import STOP_SECONDS, end, program, wait_until

USER = "postgres"
FAST_SHUTDOWN = signal.SIGINT


class PostgresServer:
    """A `postgres` with the superuser `postgres`, and no password unless one is given.

    A kill is a crash of the server, not of the machine: only with `fsync` are data promised
    to outlive the latter, which no test can bring about.
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
        """The address of the maintenance database; tests want `fresh_database`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """The address of one of its databases."""
        user = USER if self._password is None else f"{USER}:{self._password}"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

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
        assert made.returncode == 0, made.stderr

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

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url, connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

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

    def run(self, statement: sql.Composed | str, database: str = "postgres") -> None:
        """Carry out one statement outside a transaction."""
        with psycopg.connect(self.url_of(database), autocommit=True) as connection:
            connection.execute(statement)

    def create_database(self, template: str = "template0") -> str:
        """Make a database as a copy of `template` and return its name; takes about 20 ms.

        Nobody may be connected to `template` meanwhile.
        """
        name = f"test_{uuid4().hex}"
        self.run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, cutting its connections."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def fresh_database(self, template: str = "template0") -> Iterator[str]:
        """The address of a new copy of `template` that is removed after the block."""
        name = self.create_database(template)
        try:
            yield self.url_of(name)
        finally:
            self.start()
            self.drop_database(name)


def _not_as_root(command: list[str]) -> list[str]:
    """The command as it must be started: PostgreSQL refuses to run as root."""
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


@contextmanager
def started_postgres(
    *, fsync: bool = False, password: str | None = None, programs: Path | None = None
) -> Iterator[PostgresServer]:
    """Run a PostgreSQL until the block ends: the machine's, or the one with these programs."""
    with tempfile.TemporaryDirectory(prefix="outrigger-postgres-") as folder:
        server = PostgresServer(Path(folder), fsync=fsync, password=password, programs=programs)
        try:
            server.start()
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The PostgreSQL that a test process shares; whoever stops it starts it again."""
    with started_postgres() as server:
        yield server
