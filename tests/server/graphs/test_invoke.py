"""What LangGraph is called with, and the events its output becomes."""

import uuid

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.types import Command, Send

from outrigger_server.domain.run import Run, RunStatus
from outrigger_server.errors import InvalidRequest
from outrigger_server.graphs.invoke import Frames, run_config, run_input, to_command

RUN_ID = str(uuid.UUID(int=1))


def run(**fields):
    given = {"attempt": 1, "kwargs": {}, "metadata": {}} | fields
    return Run(
        run_id=RUN_ID,
        thread_id="t",
        assistant_id="a",
        graph_id="g",
        status=RunStatus.RUNNING,
        multitask_strategy="enqueue",
        created_at=0,
        updated_at=0,
        **given,
    )


def chunk(text, message_id="m", **fields):
    return AIMessageChunk(text, id=message_id, **fields)


def events(frames, *chunks):
    """The events of messages that stream one after another."""
    return [event for message in chunks for event in frames.of("messages", (message, {"k": 1}))]


def test_a_chunk_is_announced_once_and_then_shown_as_far_as_it_is_known():
    shown = events(Frames(("messages",)), chunk("Hel"), chunk("lo"))
    assert [name for name, _ in shown] == [
        "messages/metadata",
        "messages/partial",
        "messages/partial",
    ]
    assert shown[0][1] == {"m": {"metadata": {"k": 1}}}
    assert [payload[0].content for name, payload in shown[1:]] == ["Hel", "Hello"]


def test_a_partial_message_is_shown_as_a_message_and_not_as_a_chunk():
    (_, (name, [message])) = events(Frames(("messages",)), chunk("Hi"))
    assert (name, type(message), message.type) == ("messages/partial", AIMessage, "ai")


def test_messages_that_stream_at_the_same_time_do_not_mix():
    shown = events(Frames(("messages",)), chunk("a", "1"), chunk("b", "2"), chunk("c", "1"))
    partial = [payload[0] for name, payload in shown if name == "messages/partial"]
    assert [(each.id, each.content) for each in partial] == [("1", "a"), ("2", "b"), ("1", "ac")]


def test_a_message_that_comes_whole_is_complete():
    message = HumanMessage("hello", id="m")
    shown = events(Frames(("messages",)), message)
    assert shown == [
        ("messages/metadata", {"m": {"metadata": {"k": 1}}}),
        ("messages/complete", [message]),
    ]


def test_as_tuples_messages_come_as_langgraph_streams_them():
    data = (chunk("Hi"), {"k": 1})
    assert Frames(("messages-tuple",)).of("messages", data) == [("messages", data)]


def test_when_both_forms_are_asked_for_the_tuples_win():
    frames = Frames(("messages", "messages-tuple"))
    data = (chunk("Hi"), {"k": 1})
    assert frames.of("messages", data) == [("messages", data)]
    assert frames.graph_modes == ["messages", "values"]


def test_values_nobody_asked_for_are_not_passed_on():
    frames = Frames(("updates",))
    assert frames.graph_modes == ["updates", "values"]
    assert frames.of("values", {"k": 1}) == []


@pytest.mark.parametrize("mode", ["values", "updates", "custom"])
def test_other_modes_pass_their_data_through(mode):
    data = {"config": {"configurable": {"__secret": 1}}}
    assert Frames((mode,)).of(mode, data) == [(mode, data)]


@pytest.mark.parametrize("mode", ["checkpoints", "tasks"])
def test_modes_that_carry_a_configuration_show_its_public_part_only(mode):
    config = {"configurable": {"thread_id": "t", "__pregel_x": object()}, "tags": ["x"]}
    public = {"configurable": {"thread_id": "t"}, "tags": ["x"]}
    (event,) = Frames((mode,)).of(mode, {"config": config, "parent_config": config, "step": 1})
    assert event == (mode, {"config": public, "parent_config": public, "step": 1})
    assert "__pregel_x" in config["configurable"]


def test_debug_shows_the_public_part_of_the_configuration_inside_it():
    payload = {"config": {"configurable": {"thread_id": "t", "__pregel_x": object()}}}
    (event,) = Frames(("debug",)).of("debug", {"type": "checkpoint", "payload": payload})
    assert event[1]["payload"]["config"] == {"configurable": {"thread_id": "t"}}


def test_graph_modes_are_asked_for_once_each_in_order():
    frames = Frames(("updates", "messages-tuple", "values", "messages"))
    assert frames.graph_modes == ["updates", "messages", "values"]


def test_the_input_is_what_the_run_was_given():
    assert run_input(run(kwargs={"input": {"n": 1}}), resume=False) == {"n": 1}


def test_a_command_goes_before_the_input():
    given = run(kwargs={"input": {"n": 1}, "command": {"resume": "yes"}})
    assert run_input(given, resume=False) == Command(resume="yes")


def test_an_attempt_that_goes_on_from_an_earlier_one_has_no_input():
    given = run(attempt=2, kwargs={"input": {"n": 1}, "command": {"resume": "yes"}})
    assert run_input(given, resume=True) is None


@pytest.mark.parametrize(
    ("goto", "targets"),
    [
        ("node", ["node"]),
        (["a", "b"], ["a", "b"]),
        ({"node": "a", "input": 1}, [Send("a", 1)]),
        ([{"node": "a"}, "b"], [Send("a", None), "b"]),
    ],
)
def test_a_command_may_go_to_nodes_and_send_input(goto, targets):
    assert to_command({"goto": goto}).goto == targets


@pytest.mark.parametrize(
    ("update", "taken"),
    [
        ({"k": 1}, {"k": 1}),
        ([["k", 1], ["l", [2]]], [("k", 1), ("l", [2])]),
        ([1, 2], [1, 2]),
        (None, None),
    ],
)
def test_a_list_of_pairs_is_an_update(update, taken):
    assert to_command({"update": update}).update == taken


def test_events_are_no_mode_of_the_graphs_own_stream():
    frames = Frames(("events", "updates"))
    assert frames.graph_modes == ["updates", "values"]
    assert frames.of("events", {"event": "on_chain_start"}) == [
        ("events", {"event": "on_chain_start"})
    ]


@pytest.mark.parametrize("goto", [1, [None], {"input": 1}, [{"node": 1}]])
def test_a_command_that_goes_to_no_node_is_refused(goto):
    with pytest.raises(InvalidRequest, match=r"command\.goto"):
        to_command({"goto": goto})


def test_the_configuration_says_where_the_run_is_and_no_client_can_say_otherwise():
    asked = {"thread_id": "other", "checkpoint_ns": "other", "k": "v"}
    given = {"configurable": asked, "tags": ["x"], "recursion_limit": 7}
    config = run_config(run(kwargs={"config": given, "context": {"c": 1}}))
    place = {
        "run_id": RUN_ID,
        "thread_id": "t",
        "graph_id": "g",
        "assistant_id": "a",
    }
    assert config["configurable"] == {"k": "v", "c": 1} | place
    assert (config["tags"], config["recursion_limit"]) == (["x"], 7)


def test_a_run_may_start_from_an_earlier_checkpoint():
    config = run_config(run(kwargs={"checkpoint_id": "c"}))
    assert config["configurable"]["checkpoint_id"] == "c"


def test_a_run_may_start_from_a_checkpoint_inside_a_subgraph_but_goes_on_at_the_head():
    start = {"checkpoint_id": "c", "checkpoint_ns": "child:1", "checkpoint_map": {"": "o"}}
    config = run_config(run(kwargs=start))
    assert start.items() <= config["configurable"].items()
    assert not start.keys() & run_config(run(kwargs=start), at_head=True)["configurable"].keys()


@pytest.mark.parametrize(("attempt", "has_id"), [(1, True), (2, False)])
def test_only_the_first_attempts_trace_has_the_runs_own_id(attempt, has_id):
    config = run_config(run(attempt=attempt))
    assert (config.get("run_id") == uuid.UUID(RUN_ID)) is has_id
    assert config["metadata"]["run_attempt"] == attempt
