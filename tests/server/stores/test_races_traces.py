"""Two processes at the traces of one thread: what one removes, the other does not bring back."""

import asyncio
from functools import partial

from langgraph.checkpoint.base import empty_checkpoint

from harness.writer_gate import Gate
from outrigger_server.stores import run_ends
from outrigger_server.stores.checkpoint_rows import put_rows
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import RunFence

ROOT = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}
DEADLINE_SECONDS = 20
QUESTION = [("__interrupt__", "sure?")]
TRACES = """
SELECT run_id FROM checkpoints WHERE run_id = ? UNION ALL
SELECT run_id FROM checkpoint_writes WHERE run_id = ? UNION ALL
SELECT run_id FROM writes_kept WHERE run_id = ?
"""


async def until_somebody_waits(desk):
    """Return once a transaction waits for another's lock."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (await desk.one("SELECT count(*) FROM pg_locks WHERE NOT granted"))[0]:
            await asyncio.sleep(0)


async def test_a_run_that_is_deleted_while_another_puts_its_question_aside_leaves_nothing(
    here, there, observer
):
    await here.thread()
    asked = await here.running("e")
    saver = FencedSaver(here.database, RunFence(asked.token), observer)
    place = await saver.aput(ROOT, empty_checkpoint(), {"step": 1}, {})
    await saver.aput_writes(place, QUESTION, "task")
    await here.finish(asked)
    running = await here.running("r")
    asks_again = FencedSaver(here.database, RunFence(running.token), observer)
    gate = Gate()

    def write_and_wait(connection):
        RunFence(running.token).check(connection)
        gate(connection)
        rows = asks_again._task_writes(place, QUESTION, "task", "")
        put_rows(connection, RunFence(running.token), [rows])

    writing = asyncio.create_task(here.database.write(write_and_wait))
    await asyncio.to_thread(gate.entered.wait)
    delete = partial(run_ends.delete_finished_run, run=await there.find("e"))
    deleting = asyncio.create_task(there.database.write(delete))
    try:
        await until_somebody_waits(there)  # it removes nothing under the hands of a writer
    finally:
        gate.open()
    await asyncio.gather(writing, deleting)
    assert await here.all(TRACES.replace("?", "'e'")) == []
    assert await here.find("e") is None
