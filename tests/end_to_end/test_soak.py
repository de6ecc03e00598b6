"""Minutes of people who double-text at random, on every probe, and what must hold after."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError

from harness.history import chain, marks, segments
from harness.processes import Server, started_server
from harness.runs import at_rest, probe_input

pytestmark = [pytest.mark.end_to_end, pytest.mark.long]

PROBES = ("probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking")
STRATEGIES = ("reject", "enqueue", "interrupt", "rollback")
THREADS_OF_A_PROBE = 4
MESSAGES = 25
SEED = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {"OUTRIGGER_CANCEL_GRACE_SECONDS": "0.3", "OUTRIGGER_WORKER_SLOTS": "30"}
    data_dir = tmp_path_factory.mktemp("soak") / "data"
    with started_server(data_dir, environment=environment) as server:
        yield server


async def talk(
    client: LangGraphClient, thread_id: str, probe: str, chance: random.Random
) -> list[str]:
    """Send messages at random moments; the runs that were accepted, in order."""
    accepted = []
    for number in range(MESSAGES):
        try:
            run = await client.runs.create(
                thread_id,
                probe,
                input=probe_input(f"{thread_id}-{number}", chance.choice((0.02, 0.1, 0.5))),
                multitask_strategy=chance.choice(STRATEGIES),
            )
        except ConflictError:
            continue
        finally:
            await asyncio.sleep(chance.expovariate(6.0))  # people pause as long as they like
        accepted.append(run["run_id"])
    return accepted


async def status_of(client: LangGraphClient, thread_id: str, run_id: str) -> str:
    try:
        return str((await client.runs.get(thread_id, run_id))["status"])
    except NotFoundError:
        return "gone"


@pytest.mark.parametrize("probe", PROBES)
async def test_random_double_texting_leaves_one_chain_of_whole_runs(
    client: LangGraphClient, probe: str
) -> None:
    threads = [(await client.threads.create())["thread_id"] for _ in range(THREADS_OF_A_PROBE)]
    talks = [
        talk(client, thread_id, probe, random.Random(SEED + number))
        for number, thread_id in enumerate(threads)
    ]
    for thread_id, accepted in zip(threads, await asyncio.gather(*talks), strict=True):
        thread = await at_rest(client, thread_id)
        statuses = {run_id: await status_of(client, thread_id, run_id) for run_id in accepted}
        assert set(statuses.values()) <= {"success", "interrupted", "gone"}
        states = await chain(client, thread_id)
        wrote = segments(states)
        assert [run_id for run_id in accepted if run_id in wrote] == wrote
        assert not [run_id for run_id in wrote if statuses[run_id] == "gone"]
        log: list[str] = states[-1]["values"]["log"]
        assert thread["values"]["log"] == log
        assert len(log) == len(set(log)), "a mark stands twice"
        whole = sum(marks(log_mark.partition(":")[0])[-1] == log_mark for log_mark in log)
        assert whole == list(statuses.values()).count("success")
