import importlib.util
import json
from pathlib import Path

import pytest

from task_maistro.state import Output, State

PRIVATE = set(State.__annotations__) - set(Output.__annotations__)
SERVER = Path(__file__).parents[3] / "server"


async def test_every_token_is_streamed_as_a_message(chat):
    events = await chat.stream("count to 10", "messages")
    assert [chunk.text for chunk, _ in events] == [f"{n} " for n in range(1, 10)] + ["10", ""]


async def test_a_tool_turn_streams_call_result_and_answer_in_order(chat):
    events = await chat.stream("add task buy milk", "messages")
    assert [(meta["langgraph_node"], message.type) for message, meta in events] == [
        *[("generate", "AIMessageChunk")] * 5,
        ("tools", "tool"),
        *[("generate", "AIMessageChunk")] * 7,
    ]


async def test_the_streamed_tool_call_is_whole(chat):
    events = await chat.stream("add task buy milk", "messages")
    pieces = [piece for message, _ in events for piece in getattr(message, "tool_call_chunks", [])]
    assert pieces[0]["name"] == "add_todo"
    assert json.loads("".join(piece["args"] for piece in pieces)) == {"title": "buy milk"}


async def test_the_last_chunk_of_the_answer_carries_its_usage(chat):
    events = await chat.stream("hello", "messages")
    usage = events[-1][0].usage_metadata
    assert usage["output_tokens"] == len(events) - 1
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_the_saved_answer_carries_its_usage(chat):
    output = await chat.say("hello")
    assert output["messages"][-1].usage_metadata["output_tokens"] > 0


@pytest.mark.parametrize("mode", ["values", "updates", "messages", "custom", "checkpoints"])
async def test_private_fields_are_in_no_stream(chat, mode):
    await chat.say("my name is Ada", thread="earlier")
    text = repr(await chat.stream("add task buy milk", mode))
    assert [name for name in PRIVATE if f"'{name}':" in text] == []


@pytest.mark.parametrize("mode", ["values", "updates", "messages", "checkpoints", "tasks", "debug"])
async def test_streams_do_tell_the_public_fields(chat, mode):
    assert "Done." in repr(await chat.stream("add task buy milk", mode))


async def test_the_updates_name_the_nodes_in_order(chat):
    events = await chat.stream("add task buy milk", "updates")
    assert [name for event in events for name in event] == [
        "process_input",
        "enrich_memory",
        "generate",
        "tools",
        "generate",
        "save_interaction",
    ]


async def test_the_output_has_messages_and_error_only(chat):
    assert set(await chat.say("add task buy milk")) == {"messages", "error"}


async def test_the_state_that_can_be_read_has_messages_and_error_only(chat):
    await chat.say("add task buy milk")
    assert set((await chat.graph.aget_state(chat.config())).values) == {"messages", "error"}


async def test_the_history_has_messages_and_error_only(chat):
    await chat.say("add task buy milk")
    seen = {
        name
        async for snapshot in chat.graph.aget_state_history(chat.config())
        for name in snapshot.values
    }
    assert seen <= {"messages", "error"}


async def test_what_is_recalled_about_the_user_is_not_checkpointed(chat):
    await chat.say("my name is Ada", thread="one")
    await chat.say("hello", thread="two")
    saved = [
        found.checkpoint["channel_values"]
        async for found in chat.graph.checkpointer.alist(chat.config("two"))
    ]
    assert all("memory_context" not in values for values in saved)


def test_the_manifest_names_the_graph_that_is_compiled_bare():
    manifest = json.loads((SERVER / "langgraph.json").read_text())
    path, attribute = manifest["graphs"]["task_maistro"].split(":")
    spec = importlib.util.spec_from_file_location("private_name_of_a_loader", SERVER / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    graph = getattr(module, attribute)
    assert (graph.checkpointer, graph.store) == (None, None)


def test_the_schemas_show_what_callers_may_use(chat):
    assert set(chat.graph.get_input_jsonschema()["properties"]) == {"messages"}
    assert set(chat.graph.get_output_jsonschema()["properties"]) == {"messages", "error"}
