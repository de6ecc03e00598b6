"""Shapes of graphs, traced by the real SDK, that could be mistaken for retries or not be seen."""

import asyncio
import operator
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from langchain_core.tracers.langchain import LangChainTracer
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint, task
from langgraph.graph import START, StateGraph
from langgraph.types import RetryPolicy, Send
from langsmith import Client, tracing_context
from typing_extensions import TypedDict

from harness.derived import Counts, derived, operations_of
from harness.langsmith_double import KEY, LangSmith
from harness.relays import started_langsmith

NODE = "langgraph_node_duration_seconds"


class State(TypedDict, total=False):
    n: Annotated[int, operator.add]


async def one(state: State) -> State:
    return {"n": 1}


_inner = StateGraph(State)
_inner.add_node("one", one)
_inner.add_edge(START, "one")
inner = _inner.compile()


async def calls(state: State) -> State:
    for _ in range(3):
        await inner.ainvoke({"n": 0})
    await asyncio.gather(*(inner.ainvoke({"n": 0}) for _ in range(2)))
    return {"n": 1}


@pytest.fixture
def langsmith(tmp_path: Path) -> Iterator[LangSmith]:
    with started_langsmith(tmp_path) as langsmith:
        yield langsmith


async def series(langsmith: LangSmith, graph: Any, given: Any) -> Counts:
    client = Client(api_url=langsmith.url, api_key=KEY)
    with tracing_context(enabled=True):
        config = {"callbacks": [LangChainTracer(client=client)], "configurable": {"thread_id": "1"}}
        await graph.ainvoke(given, config)
    await asyncio.to_thread(client.close)
    return derived(operations_of(langsmith.taken()))


@pytest.mark.parametrize("saver", [None, InMemorySaver()], ids=["without", "with a saver"])
async def test_a_graph_that_is_called_again_and_again_is_no_retry(
    langsmith: LangSmith, saver: InMemorySaver | None
) -> None:
    outer = StateGraph(State)
    outer.add_node("calls", calls)
    outer.add_edge(START, "calls")

    found = await series(langsmith, outer.compile(checkpointer=saver), {"n": 0})

    assert found == {
        f"{NODE}{{LangGraph,calls,success}}": 1,
        f"{NODE}{{LangGraph,one,success}}": 5,
    }


async def test_a_node_that_many_are_sent_to_is_no_retry(langsmith: LangSmith) -> None:
    outer = StateGraph(State)
    outer.add_node("one", one)
    outer.add_conditional_edges(START, lambda _: [Send("one", {"n": 0}) for _ in range(4)])

    found = await series(langsmith, outer.compile(), {"n": 0})

    assert found == {f"{NODE}{{LangGraph,one,success}}": 4}


async def test_tasks_of_the_functional_api_are_nodes(langsmith: LangSmith) -> None:
    tried: list[int] = []

    @task(retry_policy=RetryPolicy(initial_interval=0.01, jitter=False))
    async def double(n: int) -> int:
        tried.append(n)
        if tried == [1]:
            raise ConnectionError
        return 2 * n

    @entrypoint()
    async def flow(numbers: list[int]) -> list[int]:
        return [await double(n) for n in numbers]

    found = await series(langsmith, flow, [1, 2])

    assert found == {
        f"{NODE}{{LangGraph,flow,success}}": 1,
        f"{NODE}{{LangGraph,double,error}}": 1,
        f"{NODE}{{LangGraph,double,success}}": 2,
        "langgraph_node_retries_total{LangGraph,double}": 1,
    }
