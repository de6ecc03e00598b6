import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from task_maistro.conversation import fault_of, sendable, tool_rounds, without_dangling_calls


def asking(*ids):
    calls = [{"name": "calculate", "args": {}, "id": call_id} for call_id in ids]
    return AIMessage("", tool_calls=calls)


def answering(call_id):
    return ToolMessage("4", tool_call_id=call_id, name="calculate")


def kinds(messages):
    return [(m.type, getattr(m, "tool_call_id", None)) for m in messages]


def test_a_whole_history_needs_no_mending():
    history = [HumanMessage("2+2"), asking("a"), answering("a"), AIMessage("4")]
    assert without_dangling_calls(history) is None


def test_a_cut_call_is_answered_before_the_next_message():
    mended = without_dangling_calls([HumanMessage("2+2"), asking("a"), HumanMessage("hello")])
    assert kinds(mended) == [("human", None), ("ai", None), ("tool", "a"), ("human", None)]


def test_a_half_answered_message_gets_the_missing_answer_after_the_given_one():
    mended = without_dangling_calls([asking("a", "b"), answering("a"), HumanMessage("hello")])
    assert kinds(mended) == [("ai", None), ("tool", "a"), ("tool", "b"), ("human", None)]


def test_a_cut_call_at_the_end_is_answered():
    assert kinds(without_dangling_calls([asking("a")])) == [("ai", None), ("tool", "a")]


def test_a_call_that_could_not_be_parsed_is_answered_too():
    broken = {"name": "calculate", "args": "{", "id": "a", "error": "no JSON"}
    mended = without_dangling_calls([AIMessage("", invalid_tool_calls=[broken]), HumanMessage("x")])
    assert kinds(mended) == [("ai", None), ("tool", "a"), ("human", None)]


def test_mending_twice_changes_nothing_more():
    mended = without_dangling_calls([asking("a"), HumanMessage("hello")])
    assert without_dangling_calls(mended) is None


def test_the_made_up_answer_says_that_the_call_was_cancelled():
    [_, answer] = without_dangling_calls([asking("a")])
    assert (answer.status, answer.text.startswith("cancelled")) == ("error", True)


@pytest.mark.parametrize("content", ["", "  \n", [], [{"type": "text", "text": " "}]])
def test_a_message_without_content_is_empty(content):
    assert "empty" in fault_of(HumanMessage(content))


def test_a_message_with_an_image_only_is_not_empty():
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    assert fault_of(HumanMessage([picture])) is None


def test_ten_thousand_characters_are_allowed():
    assert fault_of(HumanMessage("x" * 10_000)) is None


def test_one_more_character_is_too_many():
    assert "10,001" in fault_of(HumanMessage("x" * 10_001))


def test_refused_messages_are_not_sent_to_a_model():
    kept = HumanMessage("hello")
    assert sendable([HumanMessage(""), HumanMessage("x" * 10_001), kept]) == [kept]


def test_tool_rounds_are_counted_from_the_newest_human_message():
    history = [HumanMessage("a"), asking("a"), answering("a"), HumanMessage("b"), asking("b")]
    assert tool_rounds(history) == 1
