"""Opening graphs: what is attached, what factories may be, and how their failures are told."""

import asyncio
import threading
import timeit

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore

from outrigger_server.errors import GraphFailed

CONFIG = {"configurable": {"thread_id": "t", "step": 5}}

FACTORIES = """
    import asyncio
    import contextlib
    import sys
    import threading

    from langgraph.graph import StateGraph

    events = []


    def stepping(step):
        def add(state: State) -> State:
            return {"n": state["n"] + step}

        builder = StateGraph(State)
        builder.add_node("add", add)
        builder.add_edge(START, "add")
        return builder


    def plain():
        return stepping(5).compile()


    def with_config(config):
        return stepping(config["configurable"]["step"])


    async def asynchronous(config):
        await asyncio.sleep(0)
        return stepping(config["configurable"]["step"])


    def returns_coroutine(config):
        return asynchronous(config)


    @contextlib.contextmanager
    def managed():
        events.append("opened")
        try:
            yield stepping(5)
        finally:
            events.append("closed")


    @contextlib.asynccontextmanager
    async def async_managed(config):
        opened_by = asyncio.current_task()
        events.append("opened")
        try:
            yield stepping(config["configurable"]["step"]).compile()
        finally:
            events.append("closed" if asyncio.current_task() is opened_by else "closed by another")


    def where():
        events.append(threading.current_thread())
        return graph


    def raises():
        raise KeyError("no key")


    def ends_the_process():
        sys.exit("bye")


    def runs_dry():
        return next(iter([]))


    @contextlib.contextmanager
    def raises_on_the_way_in():
        raise OSError("no disk")
        yield


    def text():
        return "a graph"


    def forgot_the_decorator():
        yield graph


    async def forgot_the_async_decorator():
        yield graph


    def does_not_compile():
        return StateGraph(State)


    entering, may_go_on, left = threading.Event(), threading.Event(), threading.Event()


    @contextlib.contextmanager
    def slow_to_open():
        entering.set()
        may_go_on.wait(10)
        try:
            yield graph
        finally:
            left.set()
"""

GOOD = [
    *("plain", "with_config", "asynchronous", "returns_coroutine", "managed", "async_managed"),
]
BAD = [
    ("raises", "KeyError", "'no key'"),
    ("ends_the_process", "SystemExit", "bye"),
    ("runs_dry", "RuntimeError", "StopIteration: "),
    ("raises_on_the_way_in", "OSError", "no disk"),
    ("text", "TypeError", "text made a str, not a graph"),
    (
        "forgot_the_decorator",
        "TypeError",
        (
            "forgot_the_decorator made a generator, not a graph; "
            "decorate it with contextlib.contextmanager"
        ),
    ),
    (
        "forgot_the_async_decorator",
        "TypeError",
        (
            "forgot_the_async_decorator made a async_generator, not a graph; "
            "decorate it with contextlib.asynccontextmanager"
        ),
    ),
]


@pytest.fixture
def source_of(project):
    project.write_graph("agent.py", more=FACTORIES)
    return lambda name: project.load(f"./agent.py:{name}")


def module_of(source):
    return source.origin.function.__globals__


def events_of(source):
    return source.origin.function.__wrapped__.__globals__["events"]


async def test_each_opening_gives_a_fresh_graph_with_saver_and_store_attached(source_of):
    source = source_of("graph")
    before = dict(vars(source.origin)), dict(source.origin.channels)
    saver, store = InMemorySaver(), InMemoryStore()
    async with source.open(CONFIG, checkpointer=saver, store=store) as one:
        assert (one.checkpointer, one.store) == (saver, store)
        async with source.open(CONFIG, checkpointer=None, store=None) as two:
            assert two is not one
            assert (two.checkpointer, two.store) == (None, None)
        assert await one.ainvoke({"n": 1}, CONFIG) == {"n": 2}
    assert saver.get(CONFIG) is not None
    assert (dict(vars(source.origin)), dict(source.origin.channels)) == before


async def test_a_graph_is_called_by_its_id_unless_its_author_named_it(project):
    project.write_graph("agent.py", more='named = builder.compile(name="mine")\n')
    for attribute, name in (("graph", "agent"), ("named", "mine")):
        source = project.load(f"./agent.py:{attribute}")
        async with source.open(CONFIG, checkpointer=None, store=None) as graph:
            assert graph.name == name


def test_the_authors_own_saver_and_settings_are_replaced_or_kept(project):
    project.write_graph(
        "agent.py",
        more="""\
        from langgraph.checkpoint.memory import InMemorySaver
        special = builder.compile(checkpointer=InMemorySaver(), interrupt_before=["add"])
        special = special.with_config(recursion_limit=7)
        """,
    )
    source = project.load("./agent.py:special")
    with source.open_blocking(CONFIG, checkpointer=None, store=None) as graph:
        assert graph.checkpointer is None
        assert graph.interrupt_before_nodes == ["add"]
        assert graph.config["recursion_limit"] == 7
    assert source.origin.checkpointer is not None


def test_opening_a_compiled_graph_takes_less_than_a_tenth_of_a_millisecond(source_of):
    source = source_of("graph")
    saver = InMemorySaver()

    def open_and_close():
        with source.open_blocking(CONFIG, checkpointer=saver, store=None):
            pass

    assert min(timeit.repeat(open_and_close, number=20, repeat=20)) / 20 < 100e-6


@pytest.mark.parametrize("name", GOOD)
async def test_every_kind_of_factory_makes_a_graph_on_a_loop(source_of, name):
    saver = InMemorySaver()
    async with source_of(name).open(CONFIG, checkpointer=saver, store=None) as graph:
        assert graph.checkpointer is saver
        assert await graph.ainvoke({"n": 1}, CONFIG) == {"n": 6}


@pytest.mark.parametrize("name", GOOD)
def test_every_kind_of_factory_makes_a_graph_in_a_plain_thread(source_of, name):
    saver = InMemorySaver()
    with source_of(name).open_blocking(CONFIG, checkpointer=saver, store=None) as graph:
        assert graph.checkpointer is saver
        assert graph.invoke({"n": 1}, CONFIG) == {"n": 6}


@pytest.mark.parametrize("name", ["managed", "async_managed"])
async def test_what_a_factory_opened_stays_open_until_the_block_ends(source_of, name):
    source = source_of(name)
    events = events_of(source)
    async with source.open(CONFIG, checkpointer=None, store=None):
        assert events == ["opened"]
    assert events == ["opened", "closed"]


@pytest.mark.parametrize("name", ["managed", "async_managed"])
def test_in_a_plain_thread_too_it_stays_open_until_the_block_ends(source_of, name):
    source = source_of(name)
    events = events_of(source)
    with source.open_blocking(CONFIG, checkpointer=None, store=None):
        assert events == ["opened"]
    assert events == ["opened", "closed"]


@pytest.mark.parametrize("name", ["managed", "async_managed"])
async def test_an_error_in_the_block_closes_and_comes_out_unchanged(source_of, name):
    source = source_of(name)
    with pytest.raises(LookupError, match="mine"):
        async with source.open(CONFIG, checkpointer=None, store=None):
            raise LookupError("mine")
    assert events_of(source) == ["opened", "closed"]


async def test_a_plain_factory_does_not_run_on_the_loop(source_of):
    source = source_of("where")
    async with source.open(CONFIG, checkpointer=None, store=None):
        (thread,) = module_of(source)["events"]
    assert thread is not threading.current_thread()


@pytest.mark.parametrize(("name", "kind", "text"), BAD)
async def test_a_failing_factory_is_the_graphs_failure(source_of, name, kind, text):
    with pytest.raises(GraphFailed) as caught:
        async with source_of(name).open(CONFIG, checkpointer=None, store=None):
            pass
    assert (caught.value.kind, caught.value.text) == (kind, text)


@pytest.mark.parametrize(("name", "kind", "text"), BAD)
def test_a_factory_failing_in_a_plain_thread_is_too(source_of, name, kind, text):
    source = source_of(name)
    with (
        pytest.raises(GraphFailed) as caught,
        source.open_blocking(CONFIG, checkpointer=None, store=None),
    ):
        pass
    assert (caught.value.kind, caught.value.text) == (kind, text)


async def test_a_factory_whose_builder_does_not_compile_is_the_graphs_failure(source_of):
    with pytest.raises(GraphFailed, match="ValueError: Graph must have an entrypoint"):
        async with source_of("does_not_compile").open(CONFIG, checkpointer=None, store=None):
            pass


async def test_what_opens_after_its_run_was_cancelled_is_closed_again(source_of):
    source = source_of("slow_to_open")
    user = source.origin.function.__wrapped__.__globals__

    async def run():
        async with source.open(CONFIG, checkpointer=None, store=None):
            pytest.fail("cancelled runs must not get this far")

    running = asyncio.ensure_future(run())
    await asyncio.to_thread(user["entering"].wait, 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    user["may_go_on"].set()
    assert await asyncio.to_thread(user["left"].wait, 10)
