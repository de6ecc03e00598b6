"""Every public method of the SDK's clients, on one process and on several; none may lack a case."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph_sdk import get_client

from harness.differential.both import GRAPHS
from harness.postgres import PostgresServer
from harness.redis import RedisServer
from harness.sdk_cases.every import NOT_YET, case_of, methods
from harness.sdk_cases.places import embedded, scaled

pytestmark = pytest.mark.end_to_end

DEADLINE_SECONDS = 60.0
METHODS = methods(get_client(url="http://127.0.0.1:1", api_key=None))


@pytest.fixture(scope="module", params=["embedded", "scaled"])
def url(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[str]:
    """One process on SQLite, or two API processes and a worker on PostgreSQL and Redis."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    place = (
        embedded(folder, GRAPHS)
        if request.param == "embedded"
        else scaled(folder, GRAPHS, postgres_server, redis_server)
    )
    with place as url:
        yield url


@pytest.mark.parametrize("method", sorted(set(METHODS) - NOT_YET))
async def test_the_method_does_what_it_says(url: str, method: str) -> None:
    case = case_of(method)
    assert case is not None, f"no case for {method}; write it in harness/sdk_cases"
    async with get_client(url=url, api_key=None) as client, asyncio.timeout(DEADLINE_SECONDS):
        await case(client)


def test_reflection_finds_the_methods() -> None:
    assert {"assistants.create", "threads.copy", "runs.list", "crons.update"} <= set(METHODS)
    assert {"store.search_items", *NOT_YET} <= set(METHODS)
    assert len(METHODS) == len(set(METHODS)) >= 45


def test_what_is_not_there_yet_has_no_case() -> None:
    assert [method for method in NOT_YET if case_of(method) is not None] == []
