"""The client at a server that lets it ask only so often: it waits as long as it is told."""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.processes import Server, started_server
from outrigger_client.events import RequestRepeated

MOST_CREATIONS = 50


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("limited")
    environment = {"OUTRIGGER_RATE_LIMIT_PLAIN": "1/second"}
    with started_server(folder / "data", environment=environment) as server:
        yield server


async def test_a_caller_over_its_limit_waits_until_it_is_let_in(
    clients: Any, limited: Server
) -> None:
    client = clients(limited.url, budget_seconds=60.0)
    made = set()
    while not clients.heard(RequestRepeated):  # but one, each comes within a second of another
        made.add((await client.create_thread())["thread_id"])
        assert len(made) < MOST_CREATIONS
    repeated = clients.heard(RequestRepeated)
    assert {(each.reason, each.pause_seconds) for each in repeated} == {("429", 1.0)}
    found = (await client.sdk.threads.get(each) for each in made)
    assert {thread["thread_id"] async for thread in found} == made
