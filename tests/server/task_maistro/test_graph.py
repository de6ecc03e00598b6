import asyncio

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.store.memory import InMemoryStore

from task_maistro.nodes.tools import MAX_TOOL_ROUNDS
from task_maistro.simulated_model import SimulatedModel

KEY = "tvly-test"


class FailingModel(SimulatedModel):
    async def _agenerate(self, *args, **kwargs):
        raise RuntimeError("the provider is down")


class RestlessModel(SimulatedModel):
    """Asks for the same tool for ever."""

    async def _agenerate(self, messages, *args, **kwargs):
        asked = [HumanMessage(f"what is 1+{len(messages)}")]
        return await super()._agenerate(asked, *args, **kwargs)


class StrictModel(SimulatedModel):
    """Refuses, as providers do, a history with an unanswered tool call."""

    async def _agenerate(self, messages, *args, **kwargs):
        calls = [call["id"] for m in messages if m.type == "ai" for call in m.tool_calls]
        answers = [m.tool_call_id for m in messages if m.type == "tool"]
        assert calls == answers, "an assistant message with tool calls must be followed by answers"
        assert all(m.text for m in messages if m.type == "human"), "content must not be empty"
        return await super()._agenerate(messages, *args, **kwargs)


class BrokenStore(InMemoryStore):
    async def abatch(self, ops):
        raise ConnectionError("the store is gone")


def made(kind, **fields):
    return lambda configuration: kind(tokens_per_second=1_000_000, **fields)


def types(output):
    return [message.type for message in output["messages"]]


async def test_a_message_is_answered(chat):
    output = await chat.say("hello")
    assert (types(output), output["error"]) == (["human", "ai"], None)


async def test_a_request_runs_its_tool_and_the_answer_uses_the_result(chat):
    output = await chat.say("what is 2+3*4")
    assert types(output) == ["human", "ai", "tool", "ai"]
    assert output["messages"][-1].text == "The result: 2+3*4 = 14."


async def test_todos_follow_the_user_across_threads(chat):
    await chat.say("add task buy milk", thread="one", user_id="ada")
    output = await chat.say("list my tasks", thread="two", user_id="ada")
    assert "1. [ ] buy milk" in output["messages"][-1].text


async def test_todos_of_another_user_stay_out_of_sight(chat):
    await chat.say("add task buy milk", thread="one", user_id="ada")
    output = await chat.say("list my tasks", thread="two", user_id="bob")
    assert "empty" in output["messages"][-1].text


async def test_a_todo_is_completed_by_its_title(chat):
    await chat.say("add task buy milk")
    await chat.say("complete task buy milk")
    output = await chat.say("list my tasks")
    assert "1. [x] buy milk" in output["messages"][-1].text


async def test_a_name_told_in_one_thread_is_known_in_the_next(chat):
    await chat.say("my name is Ada", thread="one")
    output = await chat.say("hello", thread="two")
    assert output["messages"][-1].text.startswith("Hello Ada!")


async def test_disabled_memory_neither_keeps_nor_recalls(chat):
    await chat.say("my name is Ada", thread="one", enable_memory=False)
    output = await chat.say("hello", thread="two")
    assert "Ada" not in output["messages"][-1].text


async def test_weather_is_looked_up_through_tavily(make_chat, tavily_double):
    chat = make_chat(tavily_api_key=KEY, tavily_base_url=tavily_double.url)
    output = await chat.say("weather in Paris")
    assert "The answer to current weather in Paris." in output["messages"][-1].text


async def test_a_web_search_goes_through_tavily(make_chat, tavily_double):
    chat = make_chat(tavily_api_key=KEY, tavily_base_url=tavily_double.url)
    await chat.say("search for sailing canoes")
    assert tavily_double.requests[0]["body"]["query"] == "sailing canoes"


async def test_a_search_without_a_key_says_what_is_missing(chat):
    output = await chat.say("search for sailing canoes")
    assert "TAVILY_API_KEY" in output["error"]


async def test_a_failing_tool_is_told_in_error_and_in_the_answer(chat):
    output = await chat.say("calculate 1/0")
    assert output["error"] == "Tool failed: calculate: Division by zero."
    assert output["messages"][-1].text == "That did not work. Division by zero."


async def test_wrong_tool_arguments_name_the_argument(chat):
    output = await chat.say(f"add task {'x' * 301}")
    assert "title" in output["error"]


async def test_without_a_store_a_message_is_answered(make_chat):
    output = await make_chat(store=False).say("hello")
    assert (types(output), output["error"]) == (["human", "ai"], None)


async def test_without_a_store_a_todo_is_refused_clearly(make_chat):
    output = await make_chat(store=False).say("add task buy milk")
    assert "no store" in output["error"]


async def test_a_broken_store_costs_the_memory_but_not_the_answer(chat):
    chat.graph.store = BrokenStore()
    output = await chat.say("hello")
    assert types(output) == ["human", "ai"]
    assert "the store is gone" in output["error"]


async def test_a_failing_model_ends_in_error(make_chat):
    output = await make_chat(made(FailingModel)).say("hello")
    assert output["error"] == "The model failed: the provider is down"


async def test_a_model_that_cannot_be_made_ends_in_error(chat):
    output = await chat.say("hello", model="nobody:nothing")
    assert output["error"].startswith("The model failed: ")


async def test_the_next_turn_forgets_the_error(chat):
    await chat.say("calculate 1/0")
    assert (await chat.say("hello"))["error"] is None


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (HumanMessage(""), "empty"),
        (HumanMessage(" \n "), "empty"),
        (HumanMessage("x" * 10_001), "10,001 characters"),
        (AIMessage("I am a model"), "human"),
    ],
)
async def test_input_that_cannot_be_answered_ends_in_error(chat, message, reason):
    output = await chat.send([message])
    assert reason in output["error"]
    assert len(output["messages"]) == 1


async def test_no_message_at_all_ends_in_error(chat):
    assert "no message" in (await chat.send([]))["error"]


async def test_a_refused_message_does_not_reach_the_model_later(make_chat):
    chat = make_chat(made(StrictModel))
    await chat.say("")
    assert (await chat.say("hello"))["error"] is None


async def test_two_human_messages_in_a_row_get_an_answer_to_the_last(chat):
    output = await chat.send([HumanMessage("hello"), HumanMessage("what is 1+1")])
    assert output["messages"][-1].text == "The result: 1+1 = 2."


async def test_a_message_sent_twice_is_answered_once(chat):
    message = {"role": "user", "content": "add task buy milk", "id": "same"}
    first = await chat.send([message])
    assert await chat.send([message]) == first


async def test_a_cut_tool_call_is_mended_for_the_next_run(make_chat):
    chat = make_chat(made(StrictModel))
    cut = {"messages": [HumanMessage("add task a"), calling("add_todo", {"title": "a"})]}
    await chat.graph.aupdate_state(chat.config(), cut, as_node="generate")
    output = await chat.say("hello")
    assert (types(output), output["error"]) == (["human", "ai", "tool", "human", "ai"], None)


async def test_an_endless_wish_for_tools_is_stopped(make_chat):
    output = await make_chat(made(RestlessModel)).say("hello")
    assert "more than 5 times" in output["error"]
    assert types(output) == ["human", *["ai", "tool"] * (MAX_TOOL_ROUNDS + 1)]


async def test_a_tool_that_is_not_allowed_does_not_run(make_chat):
    chat = make_chat(made(Stubborn))
    output = await chat.say("add task buy milk", allowed_tools=[])
    assert "'add_todo' is not available" in output["error"]


async def test_a_run_cut_while_it_streams_leaves_no_error_and_the_next_is_answered(make_chat):
    chat = make_chat(tokens_per_second=100)
    first_token = asyncio.Event()

    async def read():
        text = {"messages": [HumanMessage("count to 1000")]}
        async for _ in chat.graph.astream(text, chat.config(), stream_mode="messages"):
            first_token.set()

    reader = asyncio.create_task(read())
    await first_token.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    output = await chat.say("count to 2")
    assert (types(output), output["error"]) == (["human", "human", "ai"], None)
    assert output["messages"][-1].text == "1 2"


async def test_a_run_continued_after_a_cut_still_knows_the_user(chat):
    await chat.say("my name is Ada", thread="one")
    chat.graph.interrupt_before_nodes = ["generate"]
    await chat.say("hello", thread="two")
    chat.graph.interrupt_before_nodes = []
    output = await chat.graph.ainvoke(None, chat.config("two"))
    assert output["messages"][-1].text.startswith("Hello Ada!")


class Stubborn(SimulatedModel):
    """Calls a tool that it was not given."""

    async def _agenerate(self, messages, *args, **kwargs):
        result = await super()._agenerate(messages, *args, **kwargs)
        if messages[-1].type == "human":
            result.generations[0].message = calling("add_todo", {"title": "buy milk"})
        return result


def calling(name, arguments):
    return AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": "call"}])
