import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph
from langsmith import Client, tracing_context
from structlog.contextvars import get_contextvars
from typing_extensions import TypedDict

from harness.derived import ended_roots, metadata_of, operations_of
from harness.langsmith_double import KEY, LangSmith
from harness.relays import started_langsmith
from outrigger_server.domain.run import Run, RunId, RunStatus, ThreadId
from outrigger_server.graphs.invoke import run_config
from outrigger_server.runs.tracing import RunTracing
from outrigger_sidecar.relay.operation import RunOperation

RUN_ID = RunId("01a20837-2679-72c0-a6a9-5f6fd3973277")
DUE = 1_780_000_000_000_000
TAKEN = DUE + 2_500_000


class State(TypedDict, total=False):
    n: int


def add(state: State) -> State:
    return {"n": state.get("n", 0) + 1}


builder = StateGraph(State)
builder.add_node("add", add)
builder.add_edge(START, "add")
graph = builder.compile()


def run(*, attempt: int = 1, **kwargs: Any) -> Run:
    return Run(
        run_id=RUN_ID,
        thread_id=ThreadId("a thread"),
        assistant_id="an assistant",
        graph_id="counting",
        status=RunStatus.RUNNING,
        multitask_strategy="rollback",
        metadata={},
        kwargs=kwargs,
        created_at=DUE,
        updated_at=TAKEN,
        started_at=TAKEN,
        attempt=attempt,
    )


class NoClient:
    """Counts how often a client is asked for, and has none."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Client:
        self.asked += 1
        raise ValueError("no client can be made of these variables")


@pytest.fixture
def langsmith(tmp_path: Path) -> Iterator[LangSmith]:
    with started_langsmith(tmp_path) as langsmith:
        yield langsmith


@pytest.fixture
def client(langsmith: LangSmith) -> Iterator[Callable[[], Client]]:
    client = Client(api_url=langsmith.url, api_key=KEY)
    yield lambda: client
    client.close()


async def sent(
    langsmith: LangSmith, client: Callable[[], Client], traced: Run
) -> list[RunOperation]:
    """What has come by the time that the tracing is closed."""
    with tracing_context(enabled=True):
        async with RunTracing("a-test", client, flush_seconds=20) as tracing:
            with tracing.traced(traced, run_config(traced)) as config:
                await graph.ainvoke({}, config)
    assert not tracing.stuck
    return operations_of(langsmith.taken())


async def test_while_tracing_is_off_no_client_is_made() -> None:
    clients = NoClient()
    config = run_config(run())

    with tracing_context(enabled=False):
        async with RunTracing("a-test", clients) as tracing:
            with tracing.traced(run(), config) as traced:
                await graph.ainvoke({}, traced)

    assert traced is config
    assert clients.asked == 0


async def test_wrong_variables_of_the_sdk_cost_no_run() -> None:
    clients = NoClient()

    with tracing_context(enabled=True):
        async with RunTracing("a-test", clients) as tracing:
            for _ in range(2):
                with tracing.traced(run(), config := RunnableConfig()) as traced:
                    assert traced is config

    assert clients.asked == 2
    assert not tracing.stuck


async def test_the_first_attempts_trace_has_the_runs_id_and_begins_when_it_was_due(
    langsmith: LangSmith, client: Callable[[], Client]
) -> None:
    operations = await sent(langsmith, client, run())

    (root,) = ended_roots(operations)
    assert root.run_id == root.trace_id == RUN_ID
    assert root.fields["name"] == "counting"
    assert _time(root.fields["start_time"]) == DUE
    assert metadata_of(root)["run_attempt"] == 1
    assert metadata_of(root)["multitask_strategy"] == "rollback"
    assert metadata_of(root)["environment"] == "a-test"


async def test_what_is_logged_meanwhile_names_the_trace(client: Callable[[], Client]) -> None:
    with tracing_context(enabled=True):
        async with RunTracing("a-test", client, flush_seconds=20) as tracing:
            with tracing.traced(run(), run_config(run())):
                first = get_contextvars()["trace_id"]
            with tracing.traced(run(attempt=2), run_config(run(attempt=2))):
                second = get_contextvars()["trace_id"]

    assert first == RUN_ID != second
    assert "trace_id" not in get_contextvars()


async def test_the_wait_lasts_from_when_the_run_was_due_until_a_worker_took_it(
    langsmith: LangSmith, client: Callable[[], Client]
) -> None:
    operations = await sent(langsmith, client, run())

    (wait,) = [each for each in operations if each.fields["name"] == "queue_wait"]
    assert wait.fields["parent_run_id"] == RUN_ID
    assert _time(wait.fields["start_time"]) == DUE
    assert _time(wait.fields["end_time"]) == TAKEN
    assert metadata_of(wait)["thread_id"] == "a thread"


async def test_a_later_attempts_trace_has_an_id_of_its_own_and_no_wait(
    langsmith: LangSmith, client: Callable[[], Client]
) -> None:
    operations = await sent(langsmith, client, run(attempt=2))

    (root,) = ended_roots(operations)
    assert root.run_id == root.trace_id != RUN_ID
    assert metadata_of(root)["run_id"] == RUN_ID
    assert metadata_of(root)["run_attempt"] == 2
    assert "queue_wait" not in {each.fields["name"] for each in operations}


async def test_an_example_goes_to_the_project_that_was_asked_for(
    langsmith: LangSmith, client: Callable[[], Client]
) -> None:
    example = "01a20837-0000-72c0-a6a9-5f6fd3973277"
    asked = {"project_name": "second", "example_id": example}

    operations = await sent(langsmith, client, run(langsmith_tracer=asked))

    examples = {
        each.fields["session_name"]: each.fields.get("reference_example_id")
        for each in ended_roots(operations)
    }
    assert examples.pop("second") == example
    assert list(examples.values()) == [None]


async def test_an_example_without_a_project_goes_to_the_usual_one(
    langsmith: LangSmith, client: Callable[[], Client]
) -> None:
    example = "01a20837-0000-72c0-a6a9-5f6fd3973277"

    operations = await sent(langsmith, client, run(langsmith_tracer={"example_id": example}))

    posts = [each for each in operations if each.fields.get("reference_example_id")]
    assert {each.run_id for each in posts} == {RUN_ID}
    assert {each.fields["reference_example_id"] for each in posts} == {example}


async def test_a_client_that_gets_nothing_rid_of_keeps_nobody() -> None:
    class Stuck:
        def __init__(self) -> None:
            self.let_go = threading.Event()

        def flush(self) -> None:
            self.let_go.wait(30)

    stuck = Stuck()
    with tracing_context(enabled=True):
        async with RunTracing("a-test", lambda: cast("Client", stuck), 0.01) as tracing:
            with tracing.traced(run(), run_config(run())):
                pass

    assert tracing.stuck
    stuck.let_go.set()


def _time(text: str) -> int:
    time = datetime.fromisoformat(text)
    time = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1_000_000)
