"""A case for every method of `client.crons`."""

from datetime import UTC, datetime

import pytest
from langgraph_sdk.client import LangGraphClient
from langgraph_sdk.errors import NotFoundError

from harness.sdk_cases.graphs import ECHO, INPUT, NEVER


async def _own_assistant(client: LangGraphClient) -> str:
    """An assistant that no other case has crons of."""
    return str((await client.assistants.create(ECHO))["assistant_id"])


async def create(client: LangGraphClient) -> None:
    cron = await client.crons.create(
        ECHO,
        schedule=NEVER,
        input=INPUT,
        metadata={"a": 1},
        timezone="Europe/Berlin",
        end_time=datetime(2200, 1, 1, tzinfo=UTC),
        on_run_completed="keep",
        enabled=False,
    )
    assert (cron["schedule"], cron["timezone"]) == (NEVER, "Europe/Berlin")
    assert (cron["enabled"], cron["thread_id"]) == (False, None)
    assert cron["payload"]["input"] == INPUT
    assert cron["metadata"]["a"] == 1
    await client.crons.delete(cron["cron_id"])


async def create_for_thread(client: LangGraphClient) -> None:
    thread_id = str((await client.threads.create())["thread_id"])
    cron = await client.crons.create_for_thread(thread_id, ECHO, schedule=NEVER, input=INPUT)
    assert cron["thread_id"] == thread_id
    assert await client.crons.count(thread_id=thread_id) == 1


async def update(client: LangGraphClient) -> None:
    cron = await client.crons.create(ECHO, schedule=NEVER)
    changed = await client.crons.update(cron["cron_id"], schedule="8 4 29 2 *", enabled=False)
    assert (changed["schedule"], changed["enabled"]) == ("8 4 29 2 *", False)
    ending = await client.crons.update(cron["cron_id"], end_time=datetime(2200, 1, 1, tzinfo=UTC))
    assert ending["end_time"].startswith("2200-01-01")
    assert (await client.crons.update(cron["cron_id"], end_time=None))["end_time"] is None


async def search(client: LangGraphClient) -> None:
    assistant_id = await _own_assistant(client)
    ids = [
        (await client.crons.create(assistant_id, schedule=NEVER, enabled=on))["cron_id"]
        for on in (True, False)
    ]
    found = await client.crons.search(
        assistant_id=assistant_id, sort_by="created_at", sort_order="asc"
    )
    assert [cron["cron_id"] for cron in found] == ids
    off = await client.crons.search(assistant_id=assistant_id, enabled=False)
    assert [cron["cron_id"] for cron in off] == ids[1:]
    bare = await client.crons.search(assistant_id=assistant_id, limit=1, select=["schedule"])
    assert bare == [{"schedule": NEVER}]


async def count(client: LangGraphClient) -> None:
    assistant_id = await _own_assistant(client)
    for number in range(3):
        await client.crons.create(assistant_id, schedule=NEVER, metadata={"n": number})
    assert await client.crons.count(assistant_id=assistant_id) == 3
    assert await client.crons.count(assistant_id=assistant_id, metadata={"n": 1}) == 1


async def delete(client: LangGraphClient) -> None:
    assistant_id = await _own_assistant(client)
    cron = await client.crons.create(assistant_id, schedule=NEVER)
    await client.crons.delete(cron["cron_id"])
    assert await client.crons.count(assistant_id=assistant_id) == 0
    with pytest.raises(NotFoundError):
        await client.crons.delete(cron["cron_id"])
