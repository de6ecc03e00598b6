from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest

from fakes.trace_operations import END, START, TRACE, HandClock, answer, call, operation, root
from harness.derived import Counts, counts, derived
from outrigger_sidecar.relay.operation import RunOperation
from outrigger_sidecar.traces.deriver import TraceDeriver
from outrigger_sidecar.traces.prices import load_prices
from outrigger_telemetry.metrics import Metrics, local_metrics

NODE = "langgraph_node_duration_seconds"
RETRIES = "langgraph_node_retries_total"
INTERRUPTS = "langgraph_interrupts_total"
RECURSIONS = "langgraph_graph_recursion_errors_total"
TOOL = "gen_ai_execute_tool_duration_seconds"
MODEL = "gen_ai_client_operation_duration_seconds"
SKIPPED = "langgraph_trace_operations_skipped_total"
FORGOTTEN = "langgraph_traces_forgotten_total"


class Scene:
    """A deriver, its metrics and a clock of its own."""

    def __init__(self, *, ttl_seconds: float = 100, max_open: int = 10) -> None:
        self.clock = HandClock()
        self.metrics: Metrics = local_metrics(())
        self.deriver = TraceDeriver(
            self.metrics,
            load_prices(None),
            clock=self.clock,
            ttl_seconds=ttl_seconds,
            max_open=max_open,
        )

    def saw(self, *operations: RunOperation) -> Counts:
        for each in operations:
            self.deriver.observe(each)
        return counts(self.metrics)


def begun(trace_id: str) -> RunOperation:
    return root(trace_id=trace_id, end_time=None)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "success"),
        ("ValueError('boom')Traceback (most recent call last)", "error"),
        ("one of my own errors that says nothing of its class", "error"),
        ("GraphInterrupt((Interrupt(value='go on?'),))", "interrupted"),
        ("NodeInterrupt('go on?')", "interrupted"),
        ("ParentCommand(Command(graph='__parent__'))", "success"),
        ("langgraph.errors.ParentCommand(Command())", "success"),
        ("CancelledError()", "cancelled"),
        ("GraphDrained('stop')", "cancelled"),
    ],
)
def test_control_flow_is_no_error(error: str | None, outcome: str) -> None:
    found = derived([call("ask", error=error), root()])

    assert found[f"{NODE}{{graph,ask,{outcome}}}"] == 1


def test_only_a_call_of_a_node_is_one() -> None:
    inside = {"langgraph_node": "ask", "graph_id": "graph"}
    chain = operation("inner", tags=["seq:step:1"], metadata=inside)

    assert derived([chain, root()]) == {}


def test_each_call_in_a_step_after_the_first_is_a_retry() -> None:
    tries = [call("flaky", step="flaky:1", error="OSError()") for _ in range(3)]
    other_step = call("flaky", step="flaky:2")

    found = derived([*tries, other_step, root()])

    assert found[f"{RETRIES}{{graph,flaky}}"] == 2
    assert found[f"{NODE}{{graph,flaky,error}}"] == 3


def test_the_same_step_in_another_trace_is_no_retry() -> None:
    """A resumed run calls the node again, in the same step."""
    first = [call("ask", step="ask:1"), root()]
    second = [call("ask", step="ask:1", trace_id="resumed"), root(trace_id="resumed")]

    assert f"{RETRIES}{{graph,ask}}" not in derived([*first, *second])


def interrupted(node: str, place: str, **given: str) -> RunOperation:
    return call(node, place=place, error="GraphInterrupt(())", **given)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_an_interrupt_counts_where_it_began(order: Sequence[int]) -> None:
    around = [
        interrupted("ask", f"{TRACE}.a.b.c"),
        interrupted("middle", f"{TRACE}.a.b"),
        interrupted("outer", f"{TRACE}.a"),
    ]

    found = derived([*(around[place] for place in order), root()])

    assert {key: value for key, value in found.items() if key.startswith(INTERRUPTS)} == {
        f"{INTERRUPTS}{{graph,ask}}": 1
    }


def test_two_nodes_that_ask_at_once_are_two_interrupts() -> None:
    found = derived([interrupted("ask", f"{TRACE}.a"), interrupted("ask", f"{TRACE}.ab"), root()])

    assert found[f"{INTERRUPTS}{{graph,ask}}"] == 2


def test_an_interrupt_that_arrives_after_its_root_counts_once() -> None:
    scene = Scene()

    found = scene.saw(
        root(), interrupted("outer", f"{TRACE}.a"), interrupted("ask", f"{TRACE}.a.b")
    )

    assert sum(value for key, value in found.items() if key.startswith(INTERRUPTS)) == 1


def test_a_recursion_error_counts_where_the_graph_is() -> None:
    error = "GraphRecursionError('limit')"
    inner = operation(
        "sub", place=f"{TRACE}.a.b", error=error, metadata={"langgraph_node": "holder"}
    )
    holder = call("holder", place=f"{TRACE}.a", error=error)

    found = derived([inner, holder, root(error=error, metadata={"graph_id": "graph"})])

    assert {key for key in found if key.startswith(RECURSIONS)} == {f"{RECURSIONS}{{graph,holder}}"}
    alone = derived([root("mine", error=error)])
    assert alone == {f"{RECURSIONS}{{mine,__root__}}": 1}


def test_a_graph_without_an_id_is_called_like_its_root() -> None:
    nameless = call("step", metadata={"graph_id": None})

    found = derived([root("my graph", end_time=None), nameless, root("my graph")])

    assert found[f"{NODE}{{my graph,step,success}}"] == 1


def test_a_tool_that_fails_counts_although_the_graph_hides_it() -> None:
    found = derived(
        [
            operation("search", run_type="tool", error="TimeoutError('slow')"),
            operation("search", run_type="tool"),
            root(),
        ]
    )

    assert found == {f"{TOOL}{{search,error}}": 1, f"{TOOL}{{search,success}}": 1}


def test_of_an_error_only_the_class_is_kept() -> None:
    found = derived(
        [
            answer(error="openai.RateLimitError('429: sk-secret')"),
            answer(error="sk-secret was refused"),
            root(),
        ]
    )

    assert set(found) == {
        f"{MODEL}{{openai,gpt-4o-mini,RateLimitError}}",
        f"{MODEL}{{openai,gpt-4o-mini,_OTHER}}",
    }


def test_an_end_that_is_sent_again_counts_once() -> None:
    once = call("step", run_id="the same")

    found = derived([once, once, root()])

    assert found[f"{NODE}{{graph,step,success}}"] == 1
    assert found[f"{SKIPPED}{{duplicate}}"] == 1


def test_a_copy_for_a_second_project_counts_not() -> None:
    original = {"metadata": {"original_trace_id": TRACE}}
    copy = {**original, "trace_id": "copy"}

    found = derived(
        [
            root(end_time=None, **original),
            root(end_time=None, **copy),
            call("step", **original),
            call("step", **copy),
            answer(trace_id="copy"),
            root(**original),
            root(**copy),
        ]
    )

    assert found == {f"{NODE}{{graph,step,success}}": 1, f"{SKIPPED}{{copy}}": 3}


@pytest.mark.parametrize(
    "strange",
    [
        call("step", end_time="soon"),
        call("step", start_time=None),
        RunOperation("patch", "r", TRACE, call("step").fields, None, b"{", None, None),
        RunOperation("patch", "r", TRACE, call("s").fields, None, b" " * 300_000, None, None),
    ],
)
def test_what_cannot_be_read_is_counted_and_harms_nothing(strange: RunOperation) -> None:
    found = derived([strange, call("other"), root()])

    assert found == {f"{NODE}{{graph,other,success}}": 1, f"{SKIPPED}{{unreadable}}": 1}


@pytest.mark.parametrize("metadata", [["a list"], "a text", 7])
def test_metadata_of_another_shape_are_none(metadata: object) -> None:
    assert derived([operation(metadata=metadata), root()]) == {}


def test_open_traces_and_the_age_of_the_oldest_are_told() -> None:
    scene = Scene()
    scene.saw(begun("one"))
    scene.clock.now = 7
    scene.saw(begun("two"))
    scene.clock.now = 10

    assert scene.deriver.open_ages() == (2, 10)
    scene.saw(root(trace_id="one"))
    assert scene.deriver.open_ages() == (1, 3)
    scene.saw(root(trace_id="two"))
    assert scene.deriver.open_ages() == (0, 0)


def test_a_silent_trace_is_given_up_and_what_it_held_back_is_counted() -> None:
    scene = Scene(ttl_seconds=100)
    scene.saw(begun(TRACE), interrupted("ask", f"{TRACE}.a"))
    scene.clock.now = 99
    assert scene.deriver.open_ages() == (1, 99)

    scene.clock.now = 100

    assert scene.deriver.open_ages() == (0, 0)
    found = counts(scene.metrics)
    assert found[f"{FORGOTTEN}{{expired}}"] == 1
    assert found[f"{INTERRUPTS}{{graph,ask}}"] == 1


def test_a_trace_that_is_heard_of_stays_open() -> None:
    scene = Scene(ttl_seconds=100)
    for scene.clock.now in (0, 90, 180):
        scene.saw(call("step"))

    assert scene.deriver.open_ages() == (1, 180)


def test_too_many_open_traces_push_out_the_one_silent_for_longest() -> None:
    scene = Scene(max_open=2)

    found = scene.saw(begun("one"), begun("two"), call("step", trace_id="one"), begun("three"))

    assert scene.deriver.open_ages()[0] == 2
    assert found[f"{FORGOTTEN}{{crowded}}"] == 1
    scene.saw(root(trace_id="one"))
    assert scene.deriver.open_ages()[0] == 1


anything: st.SearchStrategy[object] = st.one_of(
    st.none(), st.integers(), st.text("a1-:.", max_size=5), st.lists(st.integers(), max_size=2)
)
FIELDS = ("name", "run_type", "start_time", "end_time", "parent_run_id", "tags", "dotted_order")


@given(
    st.dictionaries(st.sampled_from(FIELDS), anything),
    st.one_of(st.none(), st.binary(max_size=20), st.just(b'{"metadata": {"graph_id": []}}')),
    st.one_of(st.none(), st.binary(max_size=20)),
    st.sampled_from(["one", "two", "", None, []]),
)
def test_nothing_that_a_stranger_sends_is_raised(
    fields: dict[str, Any], part: bytes | None, error: bytes | None, trace_id: Any
) -> None:
    scene = Scene()

    for kind in ("llm", "tool", "chain"):
        sent = {"end_time": END, "start_time": START, "run_type": kind} | fields
        scene.saw(RunOperation("post", "r" + kind, trace_id, sent, error, part, part, part))

    generate_latest(scene.metrics.registry)
