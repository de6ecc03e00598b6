"""A start that cannot work says why, in one line a fault, and leaves nothing behind."""

import re
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.processes import Server, started_server
from harness.slots import logged
from harness.starts import Ended, refused_start, write_files
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

pytestmark = pytest.mark.end_to_end

ADVICE = "Give --data-dir a folder that can be written and has free space."


@dataclass(frozen=True)
class BadStart:
    """A project with one mistake in it; `{here}` in `says` is its directory."""

    name: str
    says: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


def with_agent(text: str) -> dict[str, str]:
    return {"agent.py": text}


def with_manifest(text: str) -> dict[str, str]:
    return {"langgraph.json": text}


GRAPHS = '"graphs": {"agent": "./agent.py:graph"}'
BAD_STARTS = (
    BadStart(
        "no_manifest",
        ("langgraph.json: no such file (looked for {here}/langgraph.json); give --config",),
        files=with_manifest(""),
    ),
    BadStart(
        "broken_json",
        ("langgraph.json: not JSON: Expecting value (line 2, column 12)",),
        files=with_manifest('{"graphs": {\n  "agent": }}'),
    ),
    BadStart(
        "not_an_object",
        ("langgraph.json: must be a JSON object, is a list",),
        files=with_manifest("[]"),
    ),
    BadStart(
        "no_graphs",
        (
            (
                "langgraph.json: graphs: missing; name at least one, such as "
                '{{"agent": "./agent.py:graph"}}'
            ),
        ),
        files=with_manifest("{}"),
    ),
    BadStart(
        "graph_file_missing",
        ('langgraph.json: graphs.agent: "./agent.py" does not exist (looked for {here}/agent.py)',),
        files=with_agent(""),
    ),
    BadStart(
        "attribute_missing",
        ("graph 'agent': ./agent.py has no 'graph'; it has make",),
        files=with_agent("def make():\n    pass\n"),
    ),
    BadStart(
        "import_raises",
        (
            (
                "graph 'agent': importing ./agent.py raised RuntimeError: the key is missing "
                "(agent.py, line 2)"
            ),
        ),
        files=with_agent("\nraise RuntimeError('the key\\nis missing')\n"),
    ),
    BadStart(
        "not_a_graph",
        (
            (
                "graph 'agent': ./agent.py:graph is int, not a graph, a StateGraph or a function "
                "that makes one"
            ),
        ),
        files=with_agent("graph = 3\n"),
    ),
    BadStart(
        "environment_file_missing",
        ('langgraph.json: env: ".env" does not exist (looked for {here}/.env)',),
        files=with_manifest(f'{{{GRAPHS}, "env": ".env"}}'),
    ),
    BadStart(
        "undefined_variable",
        (
            (
                "langgraph.json: env.KEY: ${{NOT_SET_HERE}} is not set; set it, or write "
                "${{NOT_SET_HERE:-default}}"
            ),
        ),
        files=with_manifest(f'{{{GRAPHS}, "env": {{"KEY": "${{NOT_SET_HERE}}"}}}}'),
    ),
    BadStart(
        "missing_dependency",
        (
            (
                "langgraph.json: dependencies[0]: no-such-package is not installed; "
                "run: pip install no-such-package"
            ),
        ),
        files=with_manifest(f'{{{GRAPHS}, "dependencies": ["no-such-package"]}}'),
    ),
    BadStart(
        "several_wrong_settings",
        (
            (
                "POSTGRES_URI is wrong (a secret, not shown): "
                "give a URI such as postgresql://user:password@host:5432/database"
            ),
            "OUTRIGGER_WORKER_SLOTS is 'many': give a whole number from 1 to 1000",
            "OUTRIGGER_LEASE_SECONDS is '0': give a number from 1 to 3600",
            "OUTRIGGER_LOG_LEVEL is 'loud': give one of debug, info, warning, error, critical",
            "OUTRIGGER_WORKER_SLOT: no such setting; did you mean OUTRIGGER_WORKER_SLOTS?",
        ),
        environment={
            "POSTGRES_URI": "mysql://user:hidden@host/database",
            "OUTRIGGER_WORKER_SLOTS": "many",
            "OUTRIGGER_LEASE_SECONDS": "0",
            "OUTRIGGER_LOG_LEVEL": "loud",
            "OUTRIGGER_WORKER_SLOT": "3",
        },
    ),
)


def assert_refused(ended: Ended, *says: str) -> None:
    """Fail unless stderr holds exactly these lines, and the server is gone."""
    assert ended.stderr.splitlines() == [f"outrigger: {line}" for line in says]
    assert_gone(ended)


def assert_refused_like(ended: Ended, pattern: str) -> None:
    """Fail unless stderr is one line of this form, and the server is gone."""
    assert "Traceback" not in ended.stderr, ended.stderr[-300:]
    assert re.fullmatch(f"outrigger: {pattern}\n", ended.stderr), ended.stderr
    assert_gone(ended)


def assert_gone(ended: Ended) -> None:
    assert ended.code == 1
    assert "Traceback" not in ended.stdout
    assert not ended.listens


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_files(tmp_path, {})
    return tmp_path


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A good server, though with keys in its manifest that mean nothing to it."""
    here = tmp_path_factory.mktemp("running")
    odd = '"auth": {"openapi": {"security": []}}, "colour": "red"'
    write_files(here, with_manifest(f"{{{GRAPHS}, {odd}}}"))
    with started_server(here / "data", config=here / "langgraph.json") as server:
        yield server


@pytest.mark.parametrize("case", BAD_STARTS, ids=lambda case: case.name)
def test_a_bad_start_names_every_fault_and_leaves_nothing_behind(
    tmp_path: Path, case: BadStart
) -> None:
    write_files(tmp_path, case.files)
    ended = refused_start(tmp_path, environment=case.environment)
    assert_refused(ended, *(line.format(here=tmp_path) for line in case.says))
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_named_with_the_way_out(project: Path, taken_port: str) -> None:
    ended = refused_start(project, "--port", taken_port)
    assert_refused(
        ended,
        f"OUTRIGGER_PORT: 127.0.0.1:{taken_port} is in use. "
        "Stop what listens there, or give --port another one.",
    )
    assert not (project / "data").exists()


def test_a_sidecar_port_in_use_is_named_with_the_way_out(project: Path, taken_port: str) -> None:
    ended = refused_start(project, "--sidecar-port", taken_port, verb="up")
    assert_refused(
        ended,
        f"OUTRIGGER_SIDECAR_PORT: 127.0.0.1:{taken_port} is in use. "
        "Stop what listens there, or give --sidecar-port another one.",
    )
    assert not (project / "data").exists()


def test_a_data_directory_that_is_a_file_is_named(project: Path) -> None:
    file = project / "file"
    file.write_text("keep me")
    ended = refused_start(project, "--data-dir", "file")
    assert_refused_like(ended, r"OUTRIGGER_DATA_DIR: .*file.*")
    assert file.read_text() == "keep me"


def test_a_metrics_directory_that_is_a_file_is_named(project: Path) -> None:
    (project / "file").write_text("keep me")
    ended = refused_start(project, environment={"OUTRIGGER_METRICS_DIR": "file"})
    assert_refused_like(ended, r"OUTRIGGER_METRICS_DIR: .*file.*")
    assert (project / "file").read_text() == "keep me"


def test_a_data_directory_in_use_by_another_server_is_left_to_it(
    project: Path, running: Server
) -> None:
    ended = refused_start(project, "--data-dir", str(running.data_dir))
    assert_refused(
        ended,
        f"OUTRIGGER_DATA_DIR: {running.data_dir} is in use by another Outrigger server. "
        "Stop that one, or give --data-dir another folder.",
    )
    running.wait_until_ready()


def test_a_disk_without_space_for_metrics_is_named(project: Path) -> None:
    ended = refused_start(project, largest_file=4096)
    assert_refused_like(ended, rf"OUTRIGGER_\w+_DIR: .*data/metrics.* {re.escape(ADVICE)}")


def test_a_disk_without_space_is_named_and_the_start_works_once_there_is_some(
    project: Path,
) -> None:
    ended = refused_start(project, largest_file=100_000)
    reason = "the database data/outrigger.db cannot be used: disk I/O error."
    assert_refused(ended, f"OUTRIGGER_DATA_DIR: {reason} {ADVICE}")
    with started_server(project / "data") as server:
        server.wait_until_ready()


def test_a_database_of_a_newer_version_is_left_as_it_is(project: Path) -> None:
    database = project / "data" / "outrigger.db"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("PRAGMA journal_mode=WAL")
        newer.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        newer.execute("INSERT INTO alembic_version VALUES ('9999')")
        newer.commit()
    before = database.read_bytes()
    ended = refused_start(project)
    assert_refused(
        ended,
        "OUTRIGGER_DATA_DIR: the database is at schema 9999, this version knows "
        f"{SCHEMA_REVISION}. Start the newer Outrigger it was written by.",
    )
    assert database.read_bytes() == before


def test_a_file_that_is_no_database_is_left_as_it_is(project: Path) -> None:
    database = project / "data" / "outrigger.db"
    database.parent.mkdir()
    garbage = b"these bytes are no database. " * 300
    database.write_bytes(garbage)
    ended = refused_start(project)
    assert_refused_like(
        ended,
        r"OUTRIGGER_DATA_DIR: the database data/outrigger\.db cannot be used: "
        r"file is not a database\..*",
    )
    assert database.read_bytes() == garbage


def test_keys_without_effect_are_named_while_the_server_starts(running: Server) -> None:
    manifest = running.data_dir.parent / "langgraph.json"
    what_it_means = (
        "not applied by this version; without auth.path it says nothing of who "
        "may come in; see OUTRIGGER_AUTH"
    )
    warnings = logged(running, "manifest")
    assert [(line["level"], line["reason"]) for line in warnings] == [
        ("warning", f"{manifest}: auth: {what_it_means}"),
        ("warning", f"{manifest}: colour: unknown key, ignored"),
    ]
