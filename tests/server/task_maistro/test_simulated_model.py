import asyncio
import time

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from task_maistro.configuration import Configuration
from task_maistro.memory import Memory
from task_maistro.simulated_model import SimulatedModel
from task_maistro.tavily import Tavily
from task_maistro.tools.toolbox import tools_of

TOOLS = tools_of(Configuration(), Memory(None, "u", "t"), Tavily(None, "http://localhost"))


@pytest.fixture
def model():
    return SimulatedModel(tokens_per_second=1_000_000)


async def call_for(model, text):
    reply = await model.bind_tools(TOOLS).ainvoke(text)
    return [(call["name"], call["args"]) for call in reply.tool_calls]


@pytest.mark.parametrize(
    ("text", "name", "arguments"),
    [
        ("add task buy milk", "add_todo", {"title": "buy milk"}),
        ("Add a task: buy milk.", "add_todo", {"title": "buy milk"}),
        ("Please add buy milk to my list", "add_todo", {"title": "buy milk"}),
        ("remind me to call Ada", "add_todo", {"title": "call Ada"}),
        ("list my tasks", "list_todos", {}),
        ("Show me all my todos!", "list_todos", {}),
        ("what are my tasks?", "list_todos", {}),
        ("complete task buy milk", "complete_todo", {"task": "buy milk"}),
        ("complete task 2", "complete_todo", {"task": "2"}),
        ("mark buy milk as done", "complete_todo", {"task": "buy milk"}),
        ("what is 2+3*4", "calculate", {"expression": "2+3*4"}),
        ("What's (1 + 2) / 3?", "calculate", {"expression": "(1 + 2) / 3"}),
        ("calculate 2**8", "calculate", {"expression": "2**8"}),
        ("weather in Paris", "get_weather", {"city": "Paris"}),
        ("What is the weather like in New York?", "get_weather", {"city": "New York"}),
        ("search for sailing canoes", "search_web", {"query": "sailing canoes"}),
    ],
)
async def test_a_plain_request_calls_its_tool(model, text, name, arguments):
    assert await call_for(model, text) == [(name, arguments)]


@pytest.mark.parametrize("text", ["hello", "what is love?", "I like tasks", "", "what is ()?"])
async def test_small_talk_calls_no_tool(model, text):
    assert await call_for(model, text) == []


async def test_a_request_without_its_tool_is_answered_in_words(model):
    reply = await model.ainvoke("add task buy milk")
    assert "add_todo is not available" in reply.text


async def test_the_same_conversation_gets_the_same_reply(model):
    conversation = [HumanMessage("add task buy milk", id="1")]
    bound = model.bind_tools(TOOLS)
    first, second = await bound.ainvoke(conversation), await bound.ainvoke(conversation)
    assert (first.text, first.tool_calls) == (second.text, second.tool_calls)


async def test_tool_results_are_used_in_the_answer(model):
    call = {"name": "calculate", "args": {"expression": "1+1"}, "id": "c"}
    reply = await model.ainvoke(
        [
            HumanMessage("what is 1+1"),
            AIMessage("", tool_calls=[call]),
            ToolMessage("1+1 = 2", tool_call_id="c", name="calculate"),
        ]
    )
    assert reply.text == "The result: 1+1 = 2."


async def test_a_failed_tool_is_told(model):
    call = {"name": "calculate", "args": {"expression": "1/0"}, "id": "c"}
    failed = ToolMessage("Division by zero.", tool_call_id="c", name="calculate", status="error")
    reply = await model.ainvoke([HumanMessage("1/0"), AIMessage("", tool_calls=[call]), failed])
    assert reply.text == "That did not work. Division by zero."


async def test_the_user_is_greeted_by_the_name_in_the_system_prompt(model):
    reply = await model.ainvoke([SystemMessage("The user's name is Ada."), HumanMessage("hi")])
    assert reply.text.startswith("Hello Ada!")


async def test_the_streamed_tokens_add_up_to_the_answer(model):
    chunks = [chunk async for chunk in model.astream("count to 10")]
    assert "".join(chunk.text for chunk in chunks) == "1 2 3 4 5 6 7 8 9 10"
    assert len(chunks) == 11


async def test_only_the_last_chunk_carries_the_usage(model):
    chunks = [chunk async for chunk in model.astream("count to 10")]
    assert [chunk.usage_metadata for chunk in chunks[:-1]] == [None] * 10
    assert chunks[-1].usage_metadata == {
        "input_tokens": 3,
        "output_tokens": 10,
        "total_tokens": 13,
    }


async def test_an_answer_that_is_not_streamed_carries_the_same_usage(model):
    reply = await model.ainvoke("count to 10")
    assert reply.usage_metadata == {"input_tokens": 3, "output_tokens": 10, "total_tokens": 13}


async def test_a_tool_call_is_streamed_in_pieces(model):
    chunks = [chunk async for chunk in model.bind_tools(TOOLS).astream("add task buy milk")]
    pieces = [piece for chunk in chunks for piece in chunk.tool_call_chunks]
    assert pieces[0]["name"] == "add_todo"
    assert "".join(piece["args"] for piece in pieces) == '{"title": "buy milk"}'
    assert len(pieces) > 2


async def test_an_answer_stops_at_max_tokens():
    model = SimulatedModel(tokens_per_second=1_000_000, max_tokens=5)
    reply = await model.ainvoke("count to 100")
    assert reply.text.split() == ["1", "2", "3", "4", "5"]
    assert reply.response_metadata["finish_reason"] == "length"


async def test_an_answer_takes_its_tokens_time():
    begun = time.monotonic()
    await SimulatedModel(tokens_per_second=100).ainvoke("count to 20")
    assert time.monotonic() - begun >= 0.2


async def test_a_cancelled_stream_stops_at_once():
    task = asyncio.create_task(SimulatedModel(tokens_per_second=0.01).ainvoke("count to 20"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=5)


def test_the_synchronous_stream_says_the_same(model):
    chunks = list(model.stream("count to 3"))
    assert "".join(chunk.text for chunk in chunks) == "1 2 3"


def test_the_synchronous_call_says_the_same(model):
    assert model.invoke("count to 3").text == "1 2 3"
