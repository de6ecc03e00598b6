"""What the sidecar makes of the traces of the real server, against what was counted by hand.

LangSmith's own SDK sends them through the sidecar that `outrigger up` starts.
"""

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_sync_client
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness.derived import (
    Counts,
    derived,
    ended,
    ended_roots,
    metadata_of,
    operations_of,
    shown,
)
from harness.langsmith_double import KEY, LangSmith
from harness.metrics_page import MetricsPage, read_metrics
from harness.processes import TEST_GRAPHS, Server, started_server
from harness.relays import started_langsmith
from outrigger_sidecar.relay.operation import RunOperation

pytestmark = pytest.mark.end_to_end

CONFIG = TEST_GRAPHS.parent / "traced" / "langgraph.json"
LIMIT = {"recursion_limit": 3}
DEADLINE_SECONDS = 20.0

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
    """What came of the runs of `_drive`."""

    operations: list[RunOperation]
    page: MetricsPage
    open_metrics: str
    while_open: MetricsPage
    first_run: dict[str, Any]
    thread_id: str


@pytest.fixture(scope="module", params=["shown", "hidden"])
def traced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Traced:
    """What came of a sender that shows inputs and outputs, and of one that hides them."""
    hide = request.param == "hidden"
    folder = tmp_path_factory.mktemp("traces")
    hiding = {f"LANGSMITH_HIDE_{what}": str(hide).lower() for what in ("INPUTS", "OUTPUTS")}
    with (
        started_langsmith(folder) as langsmith,
        _traced_server(folder, langsmith, **hiding) as server,
    ):
        run, thread_id, while_open = _drive(server)
        operations = _until_ended(langsmith, traces=7)
        page = _until_shown(server, TRUTH)
        accept = {"accept": "application/openmetrics-text; version=1.0.0"}
        open_metrics = httpx.get(f"{server.sidecar_url}/metrics", headers=accept, timeout=10).text
    said = any(b"one two three" in (each.outputs or b"") for each in operations)
    assert said is not hide
    return Traced(operations, page, open_metrics, while_open, run, thread_id)


@contextmanager
def _traced_server(folder: Path, langsmith: LangSmith, **more: str) -> Iterator[Server]:
    """A server whose sidecar relays to the stand-in."""
    tracing = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": langsmith.url,
        "LANGSMITH_API_KEY": KEY,
        "LANGSMITH_PROJECT": "tests",
        "OUTRIGGER_ENVIRONMENT": "staging",
    }
    with started_server(
        folder / "data", config=CONFIG, sidecar=True, environment=tracing | more
    ) as server:
        yield server


def _until_ended(langsmith: LangSmith, *, traces: int) -> list[RunOperation]:
    """All that was sent, once that many traces have come and whatever began has ended."""

    def is_over() -> bool:
        came = operations_of(langsmith.taken())
        begun, done = {each.run_id for each in came}, {e.run_id for e in came if ended(e)}
        return begun == done and len(ended_roots(came)) == traces

    langsmith.wait_until(is_over)
    return operations_of(langsmith.taken())


def _until_shown(server: Server, truth: Counts) -> MetricsPage:
    """The page, once it shows this; what it shows instead when it never does."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        page = read_metrics(server.sidecar_url)
        if shown(page) == pytest.approx(truth) or time.monotonic() > deadline:
            return page
        time.sleep(0.1)


def _drive(server: Server) -> tuple[dict[str, Any], str, MetricsPage]:
    with get_sync_client(url=server.url, api_key=None) as client:
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
                while_open = _until_open(server)
                (running,) = client.runs.list(thread_id, status="running")
                client.runs.cancel(thread_id, running["run_id"], wait=True)
    return dict(run), thread_id, while_open


def _until_open(server: Server) -> MetricsPage:
    """The page, once only the trace of the run that goes on is open."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (page := read_metrics(server.sidecar_url)).value("langgraph_traces_open") != 1:
        assert time.monotonic() < deadline, page.samples["langgraph_traces_open"]
        time.sleep(0.05)
    return page


def test_the_page_shows_what_was_counted_by_hand(traced: Traced) -> None:
    found = shown(traced.page)

    assert found.keys() == TRUTH.keys()
    assert found == pytest.approx(TRUTH)


def test_what_is_upstream_tells_the_same(traced: Traced) -> None:
    assert derived(traced.operations) == pytest.approx(TRUTH)


def test_a_trace_is_open_for_as_long_as_its_run(traced: Traced) -> None:
    assert traced.while_open.value("langgraph_traces_open") == 1
    assert traced.while_open.value("langgraph_trace_age_max_seconds") > 0
    assert traced.page.value("langgraph_traces_open") == 0
    assert traced.page.value("langgraph_trace_age_max_seconds") == 0


def test_series_lead_to_the_traces_of_runs(traced: Traced) -> None:
    examples: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(traced.open_metrics):
        for sample in family.samples:
            if sample.exemplar is not None:
                found = examples.setdefault(family.name, set())
                found.add(sample.exemplar.labels["trace_id"])

    assert {
        "langgraph_node_duration_seconds",
        "langgraph_node_retries",
        "langgraph_interrupts",
        "langgraph_graph_recursion_errors",
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_time_to_first_chunk_seconds",
        "gen_ai_execute_tool_duration_seconds",
    } == examples.keys()
    sent = {each.trace_id for each in traced.operations}
    assert all(found <= sent for found in examples.values())
    assert examples["langgraph_node_retries"] == {traced.first_run["run_id"]}


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
    metadata = metadata_of(root)

    assert root.run_id == root.trace_id == traced.first_run["run_id"]
    assert root.fields["name"] == "whole"
    assert {key: metadata.get(key) for key in EXPECTED_KEYS} == {
        "thread_id": traced.thread_id,
        "run_id": traced.first_run["run_id"],
        "assistant_id": traced.first_run["assistant_id"],
        "graph_id": "whole",
        "run_attempt": 1,
        "multitask_strategy": "enqueue",
        "environment": "staging",
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
    assert metadata_of(wait)["thread_id"] == traced.thread_id
    # LangSmith refuses what is older than its parent.
    assert wait.fields["dotted_order"].startswith(root.fields["dotted_order"] + ".")


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


def test_a_second_project_gets_the_trace_and_nothing_counts_twice(tmp_path: Path) -> None:
    once = {"langgraph_node_duration_seconds{failing,boom,error}": 1}
    skipped = {"langgraph_trace_operations_skipped_total{copy}": 3}
    with (
        started_langsmith(tmp_path) as langsmith,
        _traced_server(tmp_path, langsmith) as server,
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
        operations = _until_ended(langsmith, traces=2)
        page = _until_shown(server, once | skipped)

    assert run["langsmith_session_name"] == "of the user"
    projects = sorted(each.fields["session_name"] for each in ended_roots(operations))
    assert projects == ["of the user", "tests"]
    assert shown(page) == once | skipped
