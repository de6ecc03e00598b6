"""A cron runs as whoever made it: what graphs see, whose threads it makes, also after a restart."""

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from harness.processes import ROOT, Server, started_server
from harness.runs import until

pytestmark = pytest.mark.end_to_end

OWNERS = ROOT / "tests" / "end_to_end" / "guarded" / "owners.json"
EACH_SECOND = "* * * * * *"
ALICE = {
    "identity": "alice",
    "team": "red",
    "user_id": "alice",
    "permissions": ["of:alice"],
    "headers": {},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started_server(tmp_path_factory.mktemp("crons") / "data", config=OWNERS) as server:
        yield server


def client_of(server: Server, name: str) -> LangGraphClient:
    return get_client(url=server.url, api_key=None, headers={"authorization": f"Bearer {name}"})


async def finished(client: LangGraphClient, metadata: dict[str, Any]) -> list[dict[str, Any]]:
    """The threads made for a cron on which its run has ended."""
    found = await client.threads.search(metadata=metadata, status="idle", limit=100)
    return [dict(each) for each in found if each["values"]]


async def test_a_crons_runs_and_threads_are_its_makers_also_after_a_restart(
    server: Server,
) -> None:
    kind = {"kind": "without a thread"}
    async with client_of(server, "alice") as alice:
        # What a body says about who asks is not heard here either.
        told = {"langgraph_auth_user_id": "root", "langgraph_auth_user": {"identity": "root"}}
        cron = await alice.crons.create(
            "mirror",
            input={},
            schedule=EACH_SECOND,
            metadata=kind,
            config={"configurable": told},
            on_run_completed="keep",
        )
        await until(lambda: finished(alice, kind))
    # Nobody asks for anything while it goes on, and the server that fires it never saw alice.
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    server.restart()
    async with client_of(server, "alice") as alice, client_of(server, "bob") as bob:
        before = {each["thread_id"] for each in await finished(alice, kind)}

        async def later() -> list[dict[str, Any]]:
            return [each for each in await finished(alice, kind) if each["thread_id"] not in before]

        await until(later)
        await alice.crons.delete(cron["cron_id"])
        threads = await finished(alice, kind)
        assert len(threads) >= 2
        assert all(each["values"]["seen"] == ALICE for each in threads)
        assert all(each["metadata"]["owner"] == "alice" for each in threads)
        (run, *_) = await alice.runs.list(threads[0]["thread_id"])
        assert run["metadata"]["owner"] == "alice"
        assert await bob.threads.search(metadata=kind) == []


async def test_a_cron_on_a_thread_runs_as_its_maker(server: Server) -> None:
    async with client_of(server, "alice") as alice:
        thread = await alice.threads.create()
        cron = await alice.crons.create_for_thread(
            thread["thread_id"], "mirror", input={}, schedule=EACH_SECOND
        )

        async def seen() -> Any:
            return (await alice.threads.get(thread["thread_id"]))["values"]

        await until(seen)
        await alice.crons.delete(cron["cron_id"])
        assert (await seen())["seen"] == ALICE


async def test_who_changes_a_cron_does_not_become_its_maker(server: Server) -> None:
    kind = {"kind": "changed"}
    async with client_of(server, "alice") as alice:
        cron = await alice.crons.create(
            "mirror", input={}, schedule="0 0 29 2 *", metadata=kind, on_run_completed="keep"
        )
        given = {"langgraph_auth_user_id": "root", "langgraph_auth_user": {"identity": "root"}}
        async with httpx.AsyncClient(base_url=server.url) as http:
            changed = await http.patch(
                f"/runs/crons/{cron['cron_id']}",
                json={
                    "schedule": EACH_SECOND,
                    "user_id": "root",
                    "config": {"configurable": given},
                },
                headers={"authorization": "Bearer alice"},
            )
        assert (changed.status_code, changed.json()["user_id"]) == (200, "alice")
        await until(lambda: finished(alice, kind))
        await alice.crons.delete(cron["cron_id"])
        threads = await finished(alice, kind)
        assert all(each["values"]["seen"] == ALICE for each in threads)
