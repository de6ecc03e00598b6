import asyncio
import importlib.util
import json
import time
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

FOLDER = Path(__file__).parents[3] / "loadtests" / "probe"
NAMES = ["probe_async", "probe_sync", "probe_cleanup", "probe_swallow", "probe_blocking"]


def load_by_path():
    spec = importlib.util.spec_from_file_location("probe_graphs_under_test", FOLDER / "graphs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


graphs = load_by_path()


def on_thread(name):
    graph = getattr(graphs, name).copy({"checkpointer": InMemorySaver()})
    return graph, {"configurable": {"thread_id": "thread"}}


def marks(token, *names):
    return [graphs.mark(token, name) for name in names]


async def cut_in_the_middle(graph, config, seconds):
    """Start a run, cancel it once its middle node runs, and return how long it took to end."""
    arrived = asyncio.Event()

    async def run():
        async for event in graph.astream(
            graphs.run_input("a", seconds), config, stream_mode="updates"
        ):
            if graphs.FIRST in event:
                arrived.set()

    task = asyncio.create_task(run())
    await arrived.wait()
    begun = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    return time.monotonic() - begun


def test_the_manifest_names_every_probe():
    manifest = json.loads((FOLDER / "langgraph.json").read_text())
    assert manifest["graphs"] == {name: f"./graphs.py:{name}" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
async def test_an_undisturbed_run_leaves_every_mark_in_order(name):
    graph, config = on_thread(name)
    values = await graph.ainvoke(graphs.run_input("a", 0.01), config)
    assert values["log"] == marks("a", "input", "first", "middle", "last")


@pytest.mark.parametrize("name", NAMES)
async def test_a_second_run_appends_marks_with_its_own_token(name):
    graph, config = on_thread(name)
    await graph.ainvoke(graphs.run_input("a", 0.01), config)
    values = await graph.ainvoke(graphs.run_input("b", 0.01), config)
    assert values["log"] == [
        *marks("a", "input", "first", "middle", "last"),
        *marks("b", "input", "first", "middle", "last"),
    ]


async def test_a_run_that_is_to_ask_stops_with_its_token():
    graph, config = on_thread("probe_async")
    values = await graph.ainvoke(graphs.run_input("a", 0.0, ask=True), config)
    assert [found.value for found in values["__interrupt__"]] == [{"token": "a"}]


async def test_an_answer_leaves_its_mark_before_the_last_one():
    graph, config = on_thread("probe_async")
    await graph.ainvoke(graphs.run_input("a", 0.0, ask=True), config)
    values = await graph.ainvoke(Command(resume="yes"), config)
    assert values["log"] == [*marks("a", "input", "first", "middle"), "a:answer:yes", "a:last"]


async def test_a_run_after_one_that_asked_does_not_ask():
    graph, config = on_thread("probe_async")
    await graph.ainvoke(graphs.run_input("a", 0.0, ask=True), config)
    values = await graph.ainvoke(graphs.run_input("b", 0.0), config)
    assert "__interrupt__" not in values


async def test_a_cut_async_run_ends_at_once_and_keeps_its_first_mark():
    graph, config = on_thread("probe_async")
    seconds = await cut_in_the_middle(graph, config, seconds=30)
    log = (await graph.aget_state(config)).values["log"]
    assert (seconds < 5, log) == (True, marks("a", "input", "first"))


async def test_a_cut_cleanup_node_works_on_before_it_ends_as_cancelled():
    task = asyncio.create_task(graphs.clean_up(graphs.run_input("a", 30)))
    await asyncio.sleep(0)
    begun = time.monotonic()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert graphs.CLEANUP_SECONDS <= time.monotonic() - begun < 5


async def test_a_cut_swallow_node_returns_its_mark_after_its_full_time():
    begun = time.monotonic()
    task = asyncio.create_task(graphs.swallow(graphs.run_input("a", 0.2)))
    await asyncio.sleep(0)
    task.cancel()
    assert await task == {"log": ["a:middle"]}
    assert time.monotonic() - begun >= 0.2


async def test_the_sync_node_leaves_the_event_loop_free():
    graph, config = on_thread("probe_sync")
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticker = asyncio.create_task(tick())
    await graph.ainvoke(graphs.run_input("a", 0.2), config)
    ticker.cancel()
    assert ticks > 3


async def test_the_blocking_node_holds_the_event_loop():
    begun = time.monotonic()
    held = []
    asyncio.get_running_loop().call_soon(lambda: held.append(time.monotonic() - begun))
    await graphs.block(graphs.run_input("a", 0.1))
    await asyncio.sleep(0)
    assert held[0] >= 0.1


def test_the_probes_import_nothing_of_ours():
    assert "outrigger" not in (FOLDER / "graphs.py").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_server_can_show_the_schemas_of_every_probe(name):
    fields = set(getattr(graphs, name).get_input_jsonschema()["properties"])
    assert fields == {"log", "token", "seconds", "ask", "linger"}
