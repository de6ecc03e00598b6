"""Puts one of everything into a server, and tells later whether all of it is there."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph_sdk.client import LangGraphClient

from harness.runs import DEADLINE_SECONDS, probe_input, start, until_ended, until_in_middle

NAMESPACE = ("people", "ann")


@dataclass(frozen=True)
class Keepsakes:
    """A thread that is done, one that asks a person, and one that works, with a run behind it."""

    done: str
    asking: str
    working: str
    held: str
    waiting: str


async def leave_keepsakes(client: LangGraphClient) -> Keepsakes:
    """Make them; `held` runs until it is cancelled."""
    done, asking, working = [str((await client.threads.create())["thread_id"]) for _ in range(3)]
    await client.runs.wait(done, "finishing", input={"log": ["input"]})
    await client.runs.wait(asking, "approval", input={"log": ["input"], "seconds": 0.0})
    await client.store.put_item(NAMESPACE, "likes", {"drink": "milk"})
    await client.assistants.create("finishing", name="Planner", metadata={"kept": True})
    held = await start(client, working, "probe_async", "held", 600)
    await until_in_middle(client, working, held)
    behind = await client.runs.create(working, "probe_async", input=probe_input("waiting", 0))
    return Keepsakes(done, asking, working, held, str(behind["run_id"]))


async def picture_of(client: LangGraphClient, kept: Keepsakes) -> dict[str, Any]:
    """What is stored and at rest: threads, runs, every checkpoint, items, assistants."""
    resting = (kept.done, kept.asking)
    return {
        "threads": [await client.threads.get(each) for each in resting],
        "runs": [await client.runs.list(each) for each in resting],
        "checkpoints": [await client.threads.get_history(each, limit=100) for each in resting],
        "items": await client.store.search_items(NAMESPACE[:1]),
        "assistants": await client.assistants.search(metadata={"kept": True}),
    }


def assert_full(picture: dict[str, Any]) -> None:
    """None of it is empty: two pictures of nothing would be alike."""
    assert [bool(each) for each in picture["runs"]] == [True, True]
    assert min(len(each) for each in picture["checkpoints"]) >= 2
    assert len(picture["items"]["items"]) == len(picture["assistants"]) == 1


async def assert_goes_on(client: LangGraphClient, kept: Keepsakes, log: Path) -> None:
    """The question can be answered; what ran is taken over, and what waited comes after it."""
    answered = await client.runs.wait(kept.asking, "approval", command={"resume": "yes"})
    assert isinstance(answered, dict)
    assert (await client.threads.get(kept.asking))["status"] == "idle"
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not _recovered(log, kept.held):
        assert time.monotonic() < deadline, log.read_text()
        await asyncio.sleep(0.02)
    await client.runs.cancel(kept.working, kept.held, wait=True)
    assert await until_ended(client, kept.working, kept.waiting) == "success"
    log_of_both = (await client.threads.get_state(kept.working))["values"]["log"]
    assert {"held:first", "waiting:last"} <= set(log_of_both)


def _recovered(log: Path, run_id: str) -> bool:
    lines = log.read_text().splitlines()
    return any('"run_recovered"' in line and run_id in line for line in lines)
