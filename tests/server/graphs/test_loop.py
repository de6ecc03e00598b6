"""The graph loop: what ends, what is quiet, and what a blocking node cannot hold up."""

import asyncio
import threading
import time

import pytest

from outrigger_server.graphs.loop import GraphLoop


@pytest.fixture
async def loop():
    async with GraphLoop(node_threads=2) as loop:
        yield loop


@pytest.fixture
def gate():
    """Something a blocked thread waits on; opened at the latest when the test ends."""
    gate = threading.Event()
    yield gate
    gate.set()


async def soon(awaitable):
    async with asyncio.timeout(5):
        return await awaitable


class Node:
    """A coroutine whose progress the test sees, and which waits until it is cancelled."""

    def __init__(self):
        self._home = asyncio.get_running_loop()
        self.started = asyncio.Event()
        self.cancellations = 0

    async def run(self):
        self._home.call_soon_threadsafe(self.started.set)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancellations += 1
                await asyncio.sleep(0)
                return "stopped"


def in_pool(gate, entered):
    """A coroutine that runs a sync node, which blocks until the gate opens."""

    def block():
        entered.set()
        gate.wait()

    async def run():
        await asyncio.get_running_loop().run_in_executor(None, block)

    return run()


async def entered_pool(loop, gate, name="task"):
    entered = threading.Event()
    task = loop.start(name, in_pool(gate, entered))
    await asyncio.to_thread(entered.wait)
    return task


async def test_the_result_of_a_coroutine_comes_home(loop):
    async def answer():
        return threading.current_thread().name

    task = loop.start("task", answer())
    assert await soon(task.ended) == "graph-loop"
    await soon(task.quiet.wait())


async def test_the_error_of_a_coroutine_comes_home(loop):
    async def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await soon(loop.start("task", fail()).ended)


async def test_a_call_gives_the_result_or_the_error(loop):
    async def answer():
        return 42

    async def fail():
        raise ZeroDivisionError

    assert await soon(loop.call("good", answer())) == 42
    with pytest.raises(ZeroDivisionError):
        await soon(loop.call("bad", fail()))


async def test_cancelling_the_caller_of_a_call_leaves_the_coroutine_to_its_end(loop, gate):
    ended = threading.Event()

    async def work():
        await asyncio.get_running_loop().run_in_executor(None, gate.wait)
        ended.set()

    caller = asyncio.create_task(loop.call("call", work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.set()
    assert await asyncio.to_thread(ended.wait, 5)


async def test_a_sync_node_runs_in_the_pool(loop):
    async def name_of_thread():
        running = asyncio.get_running_loop()
        return await running.run_in_executor(None, lambda: threading.current_thread().name)

    assert (await soon(loop.call("task", name_of_thread()))).startswith("node")


async def test_a_coroutine_is_cancelled_once_however_often_it_is_asked(loop):
    node = Node()
    task = loop.start("task", node.run())
    await soon(node.started.wait())
    for _ in range(3):
        task.cancel_once()
    assert await soon(task.ended) == "stopped"
    assert node.cancellations == 1


async def test_a_coroutine_cancelled_before_its_first_step_ends_with_none(loop, gate):
    entered = threading.Event()

    async def block():
        entered.set()
        gate.wait()

    async def never():
        raise AssertionError

    blocker = loop.start("blocker", block())
    await asyncio.to_thread(entered.wait)
    task = loop.start("task", never())
    task.cancel_once()
    gate.set()
    assert await soon(task.ended) is None
    await soon(asyncio.gather(task.quiet.wait(), blocker.quiet.wait()))


async def test_a_coroutine_that_lets_its_cancellation_through_ends_with_none(loop):
    started = asyncio.Event()
    home = asyncio.get_running_loop()

    async def wait():
        home.call_soon_threadsafe(started.set)
        await asyncio.Event().wait()

    task = loop.start("task", wait())
    await soon(started.wait())
    task.cancel_once()
    assert await soon(task.ended) is None


async def test_a_task_is_not_quiet_before_its_thread_has_ended(loop, gate):
    task = await entered_pool(loop, gate)
    task.cancel_once()
    assert await soon(task.ended) is None
    assert not task.quiet.is_set()
    gate.set()
    await soon(task.quiet.wait())


async def test_a_task_whose_sync_node_still_waits_for_a_thread_is_quiet_once_cancelled(loop, gate):
    busy = [await entered_pool(loop, gate, f"busy-{n}") for n in range(2)]
    task = loop.start("waits", in_pool(gate, threading.Event()))
    await soon(loop.call("after", asyncio.sleep(0)))
    task.cancel_once()
    await soon(task.quiet.wait())
    assert not any(each.quiet.is_set() for each in busy)


async def test_one_tasks_thread_does_not_keep_another_from_being_quiet(loop, gate):
    task = await entered_pool(loop, gate, "blocked")
    other = loop.start("other", asyncio.sleep(0))
    await soon(other.quiet.wait())
    assert not task.quiet.is_set()


async def test_tasks_started_by_a_coroutine_count_as_its_own(loop, gate):
    entered = threading.Event()

    async def spawn():
        await asyncio.create_task(in_pool(gate, entered))

    task = loop.start("task", spawn())
    await asyncio.to_thread(entered.wait)
    task.cancel_once()
    await soon(task.ended)
    assert not task.quiet.is_set()
    gate.set()
    await soon(task.quiet.wait())


async def test_a_name_is_free_again_once_its_task_is_quiet(loop):
    for number in range(3):
        task = loop.start("task", asyncio.sleep(0, number))
        assert await soon(task.ended) == number
        await soon(task.quiet.wait())


async def test_a_blocked_graph_loop_does_not_block_the_servers_loop(loop, gate):
    entered = threading.Event()

    async def block():
        entered.set()
        gate.wait()

    task = loop.start("blocker", block())
    await asyncio.to_thread(entered.wait)
    for _ in range(100):
        await asyncio.sleep(0)
    assert not task.ended.done()
    gate.set()
    await soon(task.ended)


async def test_closing_cancels_what_still_runs():
    async with GraphLoop(node_threads=1) as loop:
        node = Node()
        task = loop.start("task", node.run())
        await soon(node.started.wait())
    assert node.cancellations == 1
    assert await soon(task.ended) == "stopped"
    assert loop.stuck is False


async def test_closing_does_not_wait_for_a_sync_node_that_never_returns(gate):
    async with GraphLoop(node_threads=1) as loop:
        await entered_pool(loop, gate)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert loop.stuck is True
