"""A server under an operator's hands: questions of docs/troubleshooting.md, a schema that moves on.

Every command there that asks a part of ours gets an answer from it.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.documents import document, program_of
from harness.operator_shell import carried_out
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.redis import RedisServer
from harness.runs import start, until_ended, until_in_middle
from harness.starts import refused_start, write_files
from outrigger_loadtests.faults.programs import wait_until_answers
from outrigger_telemetry.schema_revision import SCHEMA_REVISION

pytestmark = pytest.mark.end_to_end

NEWER = "9999"
ASKING = ("curl", "psql", "redis-cli")
COMMANDS = [each for each in document("troubleshooting").commands() if program_of(each) in ASKING]
PATIENT = {
    "OUTRIGGER_SIDECAR_PROBE_TIMEOUT_SECONDS": "10",
    "OUTRIGGER_SIDECAR_STALE_SECONDS": "60",
}
"""For a machine that is busy: what is asked here is not how quick it is."""
STRICT = 'curl() { command curl --fail-with-body "$@"; }'
"""For a route that is not there, or a body that is wrong, ends the shell."""


@pytest.fixture(scope="module")
def databases(
    postgres_server: PostgresServer, redis_server: RedisServer
) -> Iterator[dict[str, str]]:
    with postgres_server.fresh_database() as uri:
        yield {"POSTGRES_URI": uri, "REDIS_URI": redis_server.url}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, databases: dict[str, str]) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("troubled") / "data"
    given = databases | {"OUTRIGGER_MIGRATE_ON_START": "true"} | PATIENT
    with started_server(folder, config=TEST_GRAPHS, sidecar=True, environment=given) as server:
        wait_until_answers(f"{server.sidecar_url}/readyz", server.process, server.log)
        yield server


async def test_every_question_has_an_answer(
    server: Server, databases: dict[str, str], client: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "held", 600)
    await until_in_middle(client, thread_id, run_id)
    await client.crons.create("finishing", schedule="0 8 * * *", input={"log": ["input"]})
    assert len(COMMANDS) > 15
    given = databases | {
        "SERVER": server.url,
        "SIDECAR": server.sidecar_url,
        "THREAD": thread_id,
        "RUN": run_id,
        "GRAPH": "finishing",
    }
    cancels = [command for command in COMMANDS if "/cancel" in command]
    for command in (each for each in COMMANDS if each not in cancels):
        assert carried_out(f"{STRICT}\n{command}", **given).strip() not in {"", "[]"}, command
    for command in cancels:
        carried_out(f"{STRICT}\n{command}", **given)
    assert await until_ended(client, thread_id, run_id) == "interrupted"


def test_a_route_that_is_not_there_would_be_found(server: Server) -> None:
    with pytest.raises(AssertionError, match="Not Found"):
        carried_out(f'{STRICT}\ncurl -s "$SERVER/nowhere"', SERVER=server.url)


@pytest.fixture
def newer_schema(server: Server, databases: dict[str, str]) -> Iterator[None]:
    """The database as a later version leaves it, and no connection from before."""
    move = "UPDATE alembic_version SET version_num = %s"
    with psycopg.connect(databases["POSTGRES_URI"], autocommit=True) as connection:
        connection.execute(move, [NEWER])
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        yield
        connection.execute(move, [SCHEMA_REVISION])


@pytest.mark.usefixtures("newer_schema")
async def test_an_old_process_goes_on_at_a_newer_schema_and_no_other_of_its_version_starts(
    databases: dict[str, str], client: LangGraphClient, thread_id: str, tmp_path: Path
) -> None:
    ended = await client.runs.wait(thread_id, "finishing", input={"log": ["input"]})
    assert isinstance(ended, dict)
    assert (await client.threads.get(thread_id))["status"] == "idle"
    write_files(tmp_path, {})
    given = databases | {"OUTRIGGER_MIGRATE_ON_START": "true"}
    refused = refused_start(tmp_path, environment=given)
    assert refused.code == 1
    assert f"the database is at schema {NEWER}" in refused.stderr
