"""Runs cut without any grace, at whatever point they are: what their status says must be true."""

from collections.abc import Iterator

import pytest
from langgraph_sdk.client import LangGraphClient

from harness.history import chain, log_at_rest, marks, segments
from harness.processes import Server, started_server
from harness.runs import start, status_or_gone, until_in_middle, until_status

pytestmark = pytest.mark.end_to_end

CUTS = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("without_grace") / "data"
    with started_server(data_dir, environment={"OUTRIGGER_CANCEL_GRACE_SECONDS": "0"}) as server:
        yield server


@pytest.mark.parametrize("probe", ["probe_async", "probe_sync", "probe_swallow"])
@pytest.mark.parametrize("place", ["beginning", "middle"])
async def test_an_interrupted_run_is_a_success_only_when_it_came_to_its_end(
    client: LangGraphClient, probe: str, place: str
) -> None:
    for _ in range(CUTS):
        thread_id = (await client.threads.create())["thread_id"]
        victim = await start(client, thread_id, probe, "V", 0.3)
        if place == "beginning":
            await until_status(client, thread_id, victim, "running")
        else:
            await until_in_middle(client, thread_id, victim, saved=False)
        newcomer = await start(
            client, thread_id, "probe_async", "N", 0.0, multitask_strategy="interrupt"
        )
        await until_status(client, thread_id, newcomer, "success")
        log = await log_at_rest(client, thread_id, newcomer)
        kept = log[:-4]
        assert log[-4:] == marks("N")
        assert kept == marks("V")[: len(kept)]
        status = await status_or_gone(client, thread_id, victim)
        assert (status, kept) in [("success", marks("V")), ("interrupted", kept)]
        assert segments(await chain(client, thread_id)) in ([victim, newcomer], [newcomer])
