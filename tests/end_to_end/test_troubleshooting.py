"""Every command of docs/troubleshooting.md that asks a part of ours gets an answer from it."""

from collections.abc import Iterator

import pytest
from langgraph_sdk.client import LangGraphClient

from harness.documents import document, program_of
from harness.operator_shell import carried_out
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.redis import RedisServer
from harness.runs import start, until_ended, until_in_middle

pytestmark = pytest.mark.end_to_end

ASKING = ("curl", "psql", "redis-cli")
COMMANDS = [each for each in document("troubleshooting").commands() if program_of(each) in ASKING]
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
    given = databases | {"OUTRIGGER_MIGRATE_ON_START": "true"}
    with started_server(folder, config=TEST_GRAPHS, sidecar=True, environment=given) as server:
        yield server


async def test_every_question_has_an_answer(
    server: Server, databases: dict[str, str], client: LangGraphClient, thread_id: str
) -> None:
    run_id = await start(client, thread_id, "probe_async", "held", 600)
    await until_in_middle(client, thread_id, run_id)
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
    with pytest.raises(AssertionError, match="404"):
        carried_out(f'{STRICT}\ncurl -s "$SERVER/nowhere"', SERVER=server.url)
