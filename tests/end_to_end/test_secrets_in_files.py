"""Every program reads its secrets from files, and none of them shows one."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest
from langgraph_sdk import get_sync_client

from harness.leaks import SECRETS
from harness.postgres import PostgresServer, started_postgres
from harness.processes import PROBES, clean_environment, started_server
from harness.redis import RedisServer
from harness.runs import probe_input
from harness.sidecar import started_sidecar
from harness.starts import refused_start, write_files
from outrigger_loadtests.faults.cluster import cluster_of

pytestmark = pytest.mark.end_to_end

PASSWORD = "p@ss/of the % database"
JWT_SECRET = "a secret of thirty-two bytes, in a file"
TOKEN = "token-of-the-sidecar"
MODEL_KEY = "sk-of-a-models-provider"
NAMES = """\
import os
from typing import TypedDict

from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    names: list[str]
    key: int


builder = StateGraph(State)
builder.add_node("look", lambda _: {
    "names": sorted(os.environ), "key": len(os.environ["OPENAI_API_KEY"])
})
builder.add_edge(START, "look")
graph = builder.compile()
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with started_postgres(password=PASSWORD) as server:
        yield server


def in_files(folder: Path, **secrets: str) -> dict[str, str]:
    """The settings that name a file for each secret."""
    folder.mkdir()
    settings = {}
    for name, secret in secrets.items():
        (folder / name).write_text(secret + "\n")
        settings[f"{name}_FILE"] = str(folder / name)
    return settings


def test_migration_server_worker_and_sidecar_find_their_databases_in_files(
    tmp_path: Path, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    redis_server.start()
    with postgres.fresh_database() as uri:
        files = in_files(tmp_path / "secrets", POSTGRES_URI=uri, REDIS_URI=redis_server.url)
        environment = clean_environment(**files)
        with (
            cluster_of(tmp_path, PROBES, environment, apis=1, workers=1) as cluster,
            get_sync_client(url=cluster.url, api_key=None) as client,
            started_sidecar(tmp_path, "--target", cluster.api_urls[0], **files) as sidecar,
        ):
            thread = client.threads.create()
            client.runs.wait(thread["thread_id"], "probe_async", input=probe_input("a", 0))
            checks = httpx.get(f"{sidecar}/health").json()["checks"]
            assert {checks[name]["status"] for name in ("database", "redis")} == {"ok"}
            logs = sorted(each.name for each in tmp_path.glob("*.log"))
            assert logs == ["api-0.log", "sidecar.log", "worker-0.log"]
    assert SECRETS.logged_below(tmp_path) == []


def test_graphs_find_the_keys_of_models_and_none_of_the_servers(tmp_path: Path) -> None:
    manifest = '{"graphs": {"names": "./names.py:graph"}}'
    write_files(tmp_path, {"names.py": NAMES, "langgraph.json": manifest})
    files = in_files(
        tmp_path / "secrets",
        OUTRIGGER_JWT_SECRET=JWT_SECRET,
        OUTRIGGER_SIDECAR_TOKEN=TOKEN,
        OPENAI_API_KEY=MODEL_KEY,
    )
    claims = {"sub": "ann", "exp": int(time.time()) + 600}
    token = SECRETS.note("a token", jwt.encode(claims, JWT_SECRET, "HS256"))
    with started_server(
        tmp_path / "data",
        config=tmp_path / "langgraph.json",
        sidecar=True,
        environment={**files, "OUTRIGGER_AUTH": "jwt"},
    ) as server:
        headers = {"authorization": f"Bearer {token}"}
        with get_sync_client(url=server.url, api_key=None, headers=headers) as client:
            values = client.runs.wait(None, "names", input={})
        assert values["key"] == len(MODEL_KEY)
        secrets = {"OUTRIGGER_JWT_SECRET", "OUTRIGGER_SIDECAR_TOKEN", "OPENAI_API_KEY_FILE"}
        assert not secrets & set(values["names"])
        assert httpx.get(f"{server.sidecar_url}/metrics").status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{server.sidecar_url}/metrics", headers=bearer).status_code == 200
    assert SECRETS.logged_below(tmp_path) == []


def test_a_file_that_is_not_there_stops_every_program_with_its_name(tmp_path: Path) -> None:
    write_files(tmp_path, {})
    fault = "POSTGRES_URI_FILE: gone: No such file or directory"
    given = {"POSTGRES_URI_FILE": "gone", "REDIS_URI": "redis://127.0.0.1:1"}
    ended = refused_start(tmp_path, environment=given)
    assert (ended.code, ended.stderr.splitlines()) == (1, [f"outrigger: {fault}"])
    for program, code, says in (
        (("outrigger_server", "migrate"), 1, f"outrigger: {fault}"),
        (("outrigger_sidecar",), 2, f"outrigger-sidecar: {fault}"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *program],
            cwd=tmp_path,
            env=clean_environment(**given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr.splitlines()) == (code, [says])


def test_an_address_that_is_none_is_never_shown(tmp_path: Path) -> None:
    write_files(tmp_path, {})
    uri = "postgresql://me:half@of%it@127.0.0.1:1/db"
    ended = refused_start(tmp_path, environment={"POSTGRES_URI": uri})
    assert ended.code == 1
    assert "half" not in ended.stderr + ended.stdout
    assert "of%it" not in ended.stderr + ended.stdout


BROKEN = """\
import sys
from outrigger_server.cli import cli, main

@cli.command()
def broken() -> None:
    raise RuntimeError("no way to redis://:hush-hush@r:1/0")

sys.argv = ["outrigger", "broken"]
main()
"""


def test_an_error_that_nobody_expected_is_shown_whole_but_for_secrets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BROKEN],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("RuntimeError: no way to redis://[redacted]@r:1/0\n")
    assert "hush" not in done.stderr + done.stdout
