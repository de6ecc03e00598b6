"""What is streamed of checkpoints, in the protocol's words."""

from outrigger_server.graphs.checkpoint_frames import checkpoint_of, debug_data, without_internals

HERE = {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "2"}
BEFORE = {"thread_id": "t", "checkpoint_ns": "", "checkpoint_id": "1"}
INSIDE = {"thread_id": "t", "checkpoint_ns": "child:1"}


def frame(**payload):
    return {"type": "checkpoint", "step": 1, "payload": payload}


def shown(**payload):
    return debug_data(frame(**payload))["payload"]


def test_a_configuration_says_where_a_checkpoint_is():
    assert checkpoint_of({"configurable": {**HERE, "user": "u"}}) == HERE
    assert checkpoint_of({"configurable": INSIDE}) == INSIDE


def test_a_checkpoint_inside_a_graph_names_those_around_it():
    place = {**INSIDE, "checkpoint_id": "3", "checkpoint_map": {"": "2"}}
    assert checkpoint_of({"configurable": place}) == place


def test_without_a_configuration_there_is_no_checkpoint():
    assert checkpoint_of(None) is None
    assert checkpoint_of({}) is None


def test_debug_says_where_a_checkpoint_and_its_parent_are():
    payload = shown(config={"configurable": HERE}, parent_config={"configurable": BEFORE})
    assert (payload["checkpoint"], payload["parent_checkpoint"]) == (HERE, BEFORE)


def test_debug_shows_that_a_first_checkpoint_has_no_parent():
    payload = shown(config={"configurable": HERE}, parent_config=None)
    assert payload["parent_checkpoint"] is None


def test_debug_says_where_the_state_of_a_graph_inside_is():
    plain = {"id": "1", "name": "first", "state": None}
    nested = {"id": "2", "name": "child", "state": {"configurable": INSIDE}}
    payload = shown(config={"configurable": HERE}, tasks=[plain, nested])
    assert payload["tasks"] == [plain, {"id": "2", "name": "child", "checkpoint": INSIDE}]


def test_debug_leaves_other_frames_as_they_are():
    task = {"type": "task", "step": 1, "payload": {"id": "1", "name": "first"}}
    assert debug_data(task) == task


def test_what_langgraph_keeps_for_itself_is_not_streamed():
    data = {"config": {"configurable": {**HERE, "__pregel_send": print}}, "values": {}}
    assert without_internals(data) == {"config": {"configurable": HERE}, "values": {}}
