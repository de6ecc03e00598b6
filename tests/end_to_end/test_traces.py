"""Traces of the real server, sent by LangSmith's own SDK, against what was counted by hand."""

import random
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from langgraph_sdk import get_sync_client

from harness.derived import Counts, derived
from harness.processes import TEST_GRAPHS, started_server
from harness.trace_receiver import ended, ended_roots, started_trace_receiver
from outrigger_sidecar.relay.operation import RunOperation

pytestmark = pytest.mark.end_to_end

CONFIG = TEST_GRAPHS.parent / "traced" / "langgraph.json"
LIMIT = {"recursion_limit": 3}

# Counted by hand from tests/end_to_end/graphs/traced/graphs.py: what the runs of `_drive` do.
TRUTH: Counts = {
    "langgraph_node_duration_seconds{whole,flaky,error}": 2,
    "langgraph_node_duration_seconds{whole,flaky,success}": 1,
    "langgraph_node_duration_seconds{whole,call,success}": 1,
    "langgraph_node_duration_seconds{whole,tools,success}": 1,
    "langgraph_node_duration_seconds{whole,speak,success}": 1,
    "langgraph_node_duration_seconds{whole,refused,success}": 1,
    "langgraph_node_duration_seconds{whole,inner,success}": 1,
    "langgraph_node_duration_seconds{whole,deep,success}": 1,
    "langgraph_node_duration_seconds{whole,leave,success}": 1,
    "langgraph_node_duration_seconds{whole,ask,interrupted}": 1,
    "langgraph_node_duration_seconds{whole,ask,success}": 1,
    "langgraph_node_duration_seconds{asking_deep,middle,interrupted}": 1,
    "langgraph_node_duration_seconds{asking_deep,ask,interrupted}": 1,
    "langgraph_node_duration_seconds{failing,boom,error}": 1,
    "langgraph_node_duration_seconds{endless,again,success}": 3,
    "langgraph_node_duration_seconds{endless_deep,holder,error}": 1,
    "langgraph_node_duration_seconds{endless_deep,again,success}": 3,
    "langgraph_node_duration_seconds{slow,wait,cancelled}": 1,
    "langgraph_node_retries_total{whole,flaky}": 2,
    "langgraph_interrupts_total{whole,ask}": 1,
    "langgraph_interrupts_total{asking_deep,ask}": 1,
    "langgraph_graph_recursion_errors_total{endless,__root__}": 1,
    "langgraph_graph_recursion_errors_total{endless_deep,holder}": 1,
    "gen_ai_client_operation_duration_seconds{openai,gpt-4o-mini,}": 1,
    "gen_ai_client_operation_duration_seconds{openai,gpt-4o-mini,RateLimitError}": 1,
    "gen_ai_client_operation_duration_seconds{cellar,in-house,}": 1,
    "gen_ai_client_time_to_first_chunk_seconds{openai,gpt-4o-mini}": 1,
    "gen_ai_client_tokens_total{openai,gpt-4o-mini,input}": 1000,
    "gen_ai_client_tokens_total{openai,gpt-4o-mini,output}": 200,
    "gen_ai_client_tokens_total{openai,gpt-4o-mini,cache_read}": 400,
    "gen_ai_client_tokens_total{openai,gpt-4o-mini,reasoning}": 50,
    "gen_ai_client_tokens_total{cellar,in-house,input}": 1000,
    "gen_ai_client_tokens_total{cellar,in-house,output}": 200,
    "gen_ai_client_tokens_total{cellar,in-house,cache_read}": 400,
    "gen_ai_client_tokens_total{cellar,in-house,reasoning}": 50,
    # (600 x 0.15 + 400 x 0.075 + 200 x 0.6) / a million
    "langgraph_llm_cost_usd_total{openai,gpt-4o-mini,true}": 0.00024,
    # (1000 x 1 + 200 x 4) / a million
    "langgraph_llm_cost_usd_total{cellar,in-house,false}": 0.0018,
    "gen_ai_execute_tool_duration_seconds{add,success}": 1,
    "gen_ai_execute_tool_duration_seconds{divide,error}": 1,
}


@dataclass(frozen=True)
class Traced:
    """What was sent for the runs of `_drive`."""

    operations: list[RunOperation]
    first_run: dict[str, Any]
    thread_id: str


@pytest.fixture(scope="module", params=["shown", "hidden"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """The operations with inputs and outputs, and those of a sender that hides them."""
    hide = request.param == "hidden"
    traced = _sent(tmp_path_factory.mktemp("traces") / "data", hide=hide)
    said = any(b"one two three" in (each.outputs or b"") for each in traced.operations)
    assert said is not hide
    return traced


def _sent(data_dir: Path, *, hide: bool) -> Traced:
    with started_trace_receiver() as receiver:
        environment = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": receiver.url,
            "LANGSMITH_API_KEY": "key-of-the-test",
            "LANGSMITH_PROJECT": "tests",
            "LANGSMITH_HIDE_INPUTS": str(hide).lower(),
            "LANGSMITH_HIDE_OUTPUTS": str(hide).lower(),
            "OUTRIGGER_ENVIRONMENT": "a-test",
        }
        with started_server(data_dir, config=CONFIG, environment=environment) as server:
            run, thread_id = _drive(server.url)
        # The server has stopped: what it had left to send was sent before it ended.
        return Traced(list(receiver.operations), run, thread_id)


def _drive(url: str) -> tuple[dict[str, Any], str]:
    with get_sync_client(url=url, api_key=None) as client:
        thread_id = client.threads.create()["thread_id"]
        metadata = {"user_key": "of mine"}
        client.runs.wait(thread_id, "whole", input={}, metadata=metadata)
        (run,) = client.runs.list(thread_id)
        client.runs.wait(thread_id, "whole", command={"resume": "yes"})
        client.runs.wait(None, "asking_deep", input={})
        client.runs.wait(None, "failing", input={}, raise_error=False)
        client.runs.wait(None, "endless", input={}, config=LIMIT, raise_error=False)
        client.runs.wait(None, "endless_deep", input={}, config=LIMIT, raise_error=False)
        for part in client.runs.stream(thread_id, "slow", input={}, stream_mode=["custom"]):
            if part.event == "custom":
                (running,) = client.runs.list(thread_id, status="running")
                client.runs.cancel(thread_id, running["run_id"], wait=True)
    return dict(run), thread_id


def test_derived_series_are_what_was_counted_by_hand(traced: Traced) -> None:
    found = derived(traced.operations)

    assert found.keys() == TRUTH.keys()
    assert found == pytest.approx(TRUTH)


def test_what_is_sent_twice_counts_once(traced: Traced) -> None:
    found = derived(traced.operations * 2)

    twice = sum(map(ended, traced.operations))
    assert found.pop("langgraph_trace_operations_skipped_total{duplicate}") == twice
    assert found == pytest.approx(TRUTH)


def test_the_end_of_a_run_says_all(traced: Traced) -> None:
    """The SDK merges a post with its patch, or a post is lost."""
    assert derived(filter(ended, traced.operations)) == pytest.approx(TRUTH)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_arrival_changes_nothing(traced: Traced, seed: int) -> None:
    operations = list(traced.operations)
    random.Random(seed).shuffle(operations)
    operations.sort(key=lambda each: each in ended_roots(traced.operations))

    assert derived(operations) == pytest.approx(TRUTH)


@pytest.mark.parametrize("seed", range(5))
def test_roots_that_end_before_their_children_change_no_total(traced: Traced, seed: int) -> None:
    operations = list(traced.operations)
    random.Random(seed).shuffle(operations)

    assert _totals(derived(operations)) == pytest.approx(_totals(TRUTH))


def _totals(found: Counts) -> Counter[str]:
    totals: Counter[str] = Counter()
    for name, value in found.items():
        totals[name.partition("{")[0]] += value  # type: ignore[assignment]  # cost is no whole number
    return totals


def test_the_root_of_a_trace_is_the_run(traced: Traced) -> None:
    root = ended_roots(traced.operations)[0]
    metadata = _metadata(root)

    assert root.run_id == root.trace_id == traced.first_run["run_id"]
    assert root.fields["name"] == "whole"
    assert {key: metadata.get(key) for key in EXPECTED_KEYS} == {
        "thread_id": traced.thread_id,
        "run_id": traced.first_run["run_id"],
        "assistant_id": traced.first_run["assistant_id"],
        "graph_id": "whole",
        "run_attempt": 1,
        "multitask_strategy": "enqueue",
        "environment": "a-test",
        "user_key": "of mine",
    }


EXPECTED_KEYS = (
    *("thread_id", "run_id", "assistant_id", "graph_id", "run_attempt"),
    *("multitask_strategy", "environment", "user_key"),
)


def test_the_wait_in_the_queue_is_the_first_child(traced: Traced) -> None:
    root = ended_roots(traced.operations)[0]
    (wait,) = [
        each
        for each in traced.operations
        if each.trace_id == root.run_id and each.fields["name"] == "queue_wait"
    ]

    assert wait.fields["parent_run_id"] == root.run_id
    assert wait.fields["start_time"] == root.fields["start_time"]
    created = traced.first_run["created_at"].replace("Z", "+00:00")
    assert wait.fields["start_time"][:26] == created[:26]
    assert wait.fields["start_time"] <= wait.fields["end_time"] <= root.fields["end_time"]
    assert _metadata(wait)["thread_id"] == traced.thread_id
    # LangSmith refuses what is older than its parent.
    assert wait.fields["dotted_order"].startswith(root.fields["dotted_order"] + ".")


def test_every_trace_that_began_has_ended(traced: Traced) -> None:
    begun = {each.run_id for each in traced.operations}

    assert begun == {each.run_id for each in traced.operations if ended(each)}
    assert len(ended_roots(traced.operations)) == 7


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunOperation]]:
    """The operations of a run whose trace goes to a second project as well."""
    with started_trace_receiver() as receiver:
        environment = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": receiver.url,
            "LANGSMITH_API_KEY": "key-of-the-test",
            "LANGSMITH_PROJECT": "tests",
        }
        data_dir = tmp_path_factory.mktemp("copies") / "data"
        with (
            started_server(data_dir, config=CONFIG, environment=environment) as server,
            get_sync_client(url=server.url, api_key=None) as client,
        ):
            thread_id = client.threads.create()["thread_id"]
            client.runs.wait(
                thread_id,
                "failing",
                input={},
                raise_error=False,
                langsmith_tracing={"project_name": "of the user"},
            )
            (run,) = client.runs.list(thread_id)
            assert run["langsmith_session_name"] == "of the user"
        yield list(receiver.operations)


def test_a_server_whose_traces_nobody_takes_stops_all_the_same(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        environment = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": f"http://127.0.0.1:{deaf.getsockname()[1]}",
            "LANGSMITH_API_KEY": "key-of-the-test",
        }
        with started_server(tmp_path / "data", config=CONFIG, environment=environment) as server:
            with get_sync_client(url=server.url, api_key=None) as client:
                client.runs.wait(None, "failing", input={}, raise_error=False)
            assert server.stop() == 0

    assert "traces_not_sent" in server.log.read_text()


def test_a_second_project_gets_the_trace_and_nothing_counts_twice(
    copied: list[RunOperation],
) -> None:
    roots = ended_roots(copied)

    assert sorted(each.fields["session_name"] for each in roots) == ["of the user", "tests"]
    found = derived(copied)
    assert found.pop("langgraph_trace_operations_skipped_total{copy}") == 3
    assert found == {"langgraph_node_duration_seconds{failing,boom,error}": 1}


def _metadata(operation: RunOperation) -> dict[str, Any]:
    assert operation.extra is not None
    metadata: dict[str, Any] = orjson.loads(operation.extra)["metadata"]
    return metadata
