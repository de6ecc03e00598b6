"""Items found by meaning over HTTP and by graphs, as langgraph.json says; and starts it stops."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import LangGraphClient

from harness.on_each_database import served_on
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS, Server, clean_environment

pytestmark = pytest.mark.end_to_end

MEANING = TEST_GRAPHS.parent / "meaning.py"


@pytest.fixture(scope="module", params=["sqlite"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    index = {"embed": f"{MEANING}:aembed", "dims": 3, "fields": ["text"]}
    folder = tmp_path_factory.mktemp("store_search")
    with served_on(request, folder, store={"index": index}) as server:
        yield server


async def test_items_of_graphs_and_of_clients_are_found_by_meaning(
    client: LangGraphClient, thread_id: str
) -> None:
    await client.runs.wait(thread_id, "noting", input={"log": ["a rose"]})
    await client.store.put_item(["notes", "pets"], "pet", {"text": "a cat and a dog"})
    await client.store.put_item(["notes", "hidden"], "x", {"text": "a dog"}, index=False)
    found = await client.store.search_items(["notes"], query="my dog")
    assert [item["key"] for item in found["items"]] == ["pet", "log"]
    scores: list[Any] = [item["score"] for item in found["items"]]
    assert scores[0] > 0.9 > scores[1]
    listed = await client.store.search_items(["notes"])
    assert {item["score"] for item in listed["items"]} == {None}


def refused_start(folder: Path, index: dict[str, Any], expected: str, **environment: str) -> None:
    config = folder / "langgraph.json"
    graphs = {"noting": f"{TEST_GRAPHS.parent / 'graphs.py'}:noting"}
    config.write_text(json.dumps({"graphs": graphs, "store": {"index": index}}))
    command = [sys.executable, "-m", "outrigger_server", "serve", "--port", "0"]
    command += ["--config", str(config), "--data-dir", str(folder / "data")]
    ended = subprocess.run(
        command,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, expected in ended.stderr) == (1, True), ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ({"embed": f"{MEANING}:nothing", "dims": 3}, "store.index.embed"),
        ({"embed": "./missing.py:embed", "dims": 3}, "does not exist"),
        ({"embed": "no_such_provider:model", "dims": 3}, "store.index.embed"),
        ({"embed": f"{MEANING}:embed", "dims": 0}, "store.index.dims"),
    ],
    ids=["function", "file", "provider", "dims"],
)
def test_an_index_that_cannot_be_made_stops_the_start(
    tmp_path: Path, index: dict[str, Any], expected: str
) -> None:
    refused_start(tmp_path, index, expected)


def test_a_postgresql_without_pgvector_stops_the_start(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    index = {"embed": f"{MEANING}:embed", "dims": 3}
    with postgres_server.fresh_database() as uri:
        refused_start(
            tmp_path,
            index,
            "Install pgvector",
            POSTGRES_URI=uri,
            OUTRIGGER_MIGRATE_ON_START="true",
        )


async def test_a_query_without_words_is_a_plain_search(http: httpx.AsyncClient) -> None:
    answer = await http.post("/store/items/search", json={"query": ""})
    assert (answer.status_code, answer.json().keys()) == (200, {"items"})
