"""Assistants and crons of several processes: what one of them changed, the others go by."""

from collections.abc import AsyncIterator, Iterator

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.cluster import Cluster, started_cluster
from harness.postgres import PostgresServer
from harness.processes import TEST_GRAPHS
from harness.redis import RedisServer
from harness.runs import until

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_server: PostgresServer,
    redis_server: RedisServer,
) -> Iterator[Cluster]:
    with (
        postgres_server.fresh_database() as uri,
        started_cluster(
            tmp_path_factory.mktemp("assistants_scaled"),
            postgres_uri=uri,
            redis_uri=redis_server.url,
            config=TEST_GRAPHS,
        ) as cluster,
    ):
        yield cluster


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[LangGraphClient]:
    """Each request of it goes to the next API process."""
    async with get_client(url=cluster.url, api_key=None, headers={"connection": "close"}) as client:
        yield client


async def test_a_change_counts_at_once_in_every_process(client: LangGraphClient) -> None:
    made = await client.assistants.create("settings", context={"size": 0})
    thread = await client.threads.create()
    for size in range(1, 7):
        await client.assistants.update(made["assistant_id"], context={"size": size})
        values = await client.runs.wait(thread["thread_id"], made["assistant_id"], input={})
        assert isinstance(values, dict)
        assert values["shown"]["size"] == size
    assert (await client.assistants.get(made["assistant_id"]))["version"] == 7


async def test_a_cron_kept_by_one_process_is_fired_once_by_the_workers(
    client: LangGraphClient,
) -> None:
    thread = await client.threads.create()
    thread_id = thread["thread_id"]
    cron = await client.crons.create_for_thread(
        thread_id, "settings", schedule="* * * * * *", input={}
    )

    async def fired() -> bool:
        runs = await client.runs.list(thread_id, limit=100)
        return sum(run["status"] == "success" for run in runs) >= 4

    await until(fired)
    await client.crons.delete(cron["cron_id"])
    runs = await client.runs.list(thread_id, limit=100)
    seconds = [run["created_at"][:19] for run in runs]
    assert len(set(seconds)) == len(seconds), "two workers, and each second once"
