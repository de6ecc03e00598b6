"""The synchronous client and RemoteGraph, as graphs of others use them."""

from collections.abc import Iterator
from typing import Any

import pytest
from langgraph.pregel.remote import RemoteGraph
from langgraph.types import Command
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from harness.differential.both import GRAPHS
from harness.sdk_cases.graphs import APPROVAL, DONE, ECHO, INPUT, OUTER
from harness.sdk_cases.places import embedded

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with embedded(tmp_path_factory.mktemp("clients"), GRAPHS) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[SyncLangGraphClient]:
    with get_sync_client(url=url, api_key=None) as client:
        yield client


@pytest.fixture
def on_thread(client: SyncLangGraphClient) -> dict[str, Any]:
    """The configuration of a new thread."""
    return {"configurable": {"thread_id": client.threads.create()["thread_id"]}}


def test_the_synchronous_client_runs_streams_and_reads(client: SyncLangGraphClient) -> None:
    thread_id = client.threads.create()["thread_id"]
    assert client.runs.wait(thread_id, ECHO, input=INPUT) == {"log": DONE}
    parts = list(client.runs.stream(thread_id, ECHO, input=INPUT, stream_mode="updates"))
    assert [part.event for part in parts] == ["metadata", "updates", "updates", "updates"]
    assert client.threads.get_state(thread_id)["values"] == {"log": DONE * 2}
    assert len(client.threads.get_history(thread_id, limit=100)) == 10
    assert len(client.runs.list(thread_id)) == 2


def test_the_synchronous_client_has_assistants_items_and_crons(
    client: SyncLangGraphClient,
) -> None:
    made = client.assistants.create(ECHO, name="sync")
    assert client.assistants.search(name="sync") == [made]
    client.store.put_item(["sync"], "k", {"n": 1})
    assert client.store.search_items(["sync"])["items"][0]["value"] == {"n": 1}
    cron = client.crons.create(made["assistant_id"], schedule="7 3 29 2 *")
    assert client.crons.count(assistant_id=made["assistant_id"]) == 1
    client.crons.delete(cron["cron_id"])


def test_a_remote_graph_is_invoked_and_streamed(
    client: SyncLangGraphClient, on_thread: dict[str, Any]
) -> None:
    graph = RemoteGraph(ECHO, sync_client=client)
    assert graph.invoke(INPUT, on_thread) == {"log": DONE}
    updates = list(graph.stream(INPUT, on_thread, stream_mode="updates"))
    assert updates == [{name: {"log": [name]}} for name in DONE[1:]]
    assert graph.get_state(on_thread).values == {"log": DONE * 2}


def test_a_remote_graph_asks_and_goes_on(
    client: SyncLangGraphClient, on_thread: dict[str, Any]
) -> None:
    graph = RemoteGraph(APPROVAL, sync_client=client)
    graph.invoke(INPUT, on_thread)
    state = graph.get_state(on_thread)
    assert state.next == ("ask",)
    assert state.tasks[0].interrupts[0].value == {"question": "go on?"}
    assert graph.invoke(Command(resume="yes"), on_thread) == {"log": ["in", "answer:yes", "last"]}


def test_a_remote_graph_is_changed_and_looked_back_on(
    client: SyncLangGraphClient, on_thread: dict[str, Any]
) -> None:
    graph = RemoteGraph(ECHO, sync_client=client)
    graph.invoke(INPUT, on_thread)
    updated = graph.update_state(on_thread, {"log": ["new"]}, as_node="first")
    history = list(graph.get_state_history(on_thread, limit=20))
    assert (
        history[0].config["configurable"]["checkpoint_id"]
        == (updated["configurable"]["checkpoint_id"])
    )
    assert (history[0].values, history[0].next) == ({"log": [*DONE, "new"]}, ("middle",))
    assert len(history) == 6


def test_a_remote_graph_is_drawn(client: SyncLangGraphClient) -> None:
    assert set(RemoteGraph(OUTER, sync_client=client).get_graph().nodes) == {
        "__start__",
        "first",
        "child",
        "__end__",
    }


def test_a_remote_graph_is_a_node_of_another_graph(
    client: SyncLangGraphClient, on_thread: dict[str, Any]
) -> None:
    parts = list(
        RemoteGraph(OUTER, sync_client=client).stream(
            INPUT, on_thread, stream_mode="updates", subgraphs=True
        )
    )
    assert [namespace[0].partition(":")[0] if namespace else "" for namespace, _ in parts] == [
        "",
        "child",
        "",
    ]
