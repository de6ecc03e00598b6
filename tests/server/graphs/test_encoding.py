"""Graphs' values as JSON that every client can read."""

import datetime as dt
import json
import uuid
from collections import deque, namedtuple
from dataclasses import dataclass
from enum import Enum

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from outrigger_server.graphs.encoding import encode

HUGE = 2**70
LONE = "\ud800"
NAN = float("nan")

Point = namedtuple("Point", "x y")


@dataclass
class Box:
    content: object


class Model(BaseModel):
    content: object = None


class Colour(Enum):
    RED = "red"


class Plain:
    def __str__(self):
        return "plain"


ID = uuid.UUID(int=7)
DAY = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)

KINDS = [
    (None, None),
    ("é", "é"),
    ([1, 2.5, True], [1, 2.5, True]),
    ((1, 2), [1, 2]),
    ({1: "a", None: "b"}, {"1": "a", "null": "b"}),
    ({ID: 1}, {str(ID): 1}),
    ({Colour.RED: 1}, {"red": 1}),
    ({3}, [3]),
    (frozenset({3}), [3]),
    (deque([1, 2]), [1, 2]),
    (b"\x00\xff", "AP8="),
    (bytearray(b"a"), "YQ=="),
    (memoryview(b"a"), "YQ=="),
    (ValueError("no"), {"error": "ValueError", "message": "no"}),
    (Point(1, 2), {"x": 1, "y": 2}),
    (Box([1]), {"content": [1]}),
    (Model(content={"a": 1}), {"content": {"a": 1}}),
    (Colour.RED, "red"),
    (ID, str(ID)),
    (DAY, "2026-01-02T03:04:05+00:00"),
    (NAN, None),
    (float("inf"), None),
    (Plain(), "plain"),
    (HUGE, HUGE),
    (-HUGE, -HUGE),
    (LONE, LONE),
]
NAMES = [f"{type(value).__name__} {number}" for number, (value, _) in enumerate(KINDS)]


def strict(text):
    """Parse as a client does that takes nothing beyond JSON."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(("value", "expected"), KINDS, ids=NAMES)
def test_a_value_becomes_the_json_that_reads_best(value, expected):
    assert strict(encode(value)) == expected


@pytest.mark.parametrize("odd", [HUGE, LONE], ids=["huge number", "lone surrogate"])
@pytest.mark.parametrize(("value", "expected"), KINDS, ids=NAMES)
def test_a_value_becomes_the_same_json_beside_one_that_needs_the_slow_way(value, expected, odd):
    assert strict(encode({"value": value, "odd": odd})) == {"value": expected, "odd": odd}


@pytest.mark.parametrize("odd", [HUGE, LONE], ids=["huge number", "lone surrogate"])
@pytest.mark.parametrize("wrap", [Box, lambda odd: Model(content=odd), lambda odd: {odd}])
def test_what_needs_the_slow_way_may_hide_in_any_container(wrap, odd):
    assert strict(encode(wrap(odd))) in ({"content": odd}, [odd])


@pytest.mark.parametrize(
    "message",
    [
        HumanMessage("hello", id="1"),
        AIMessage("", tool_calls=[{"name": "t", "args": {"x": 1}, "id": "c"}], id="2"),
        ToolMessage("done", tool_call_id="c", artifact=Plain(), id="3"),
    ],
    ids=lambda message: message.type,
)
def test_a_message_keeps_its_type_content_and_id(message):
    encoded = strict(encode({"messages": [message]}))["messages"][0]
    assert (encoded["type"], encoded["content"], encoded["id"]) == (
        message.type,
        message.content,
        message.id,
    )


def test_a_message_keeps_its_tool_calls():
    message = AIMessage("", tool_calls=[{"name": "t", "args": {"x": HUGE}, "id": "c"}])
    call = {"name": "t", "args": {"x": HUGE}, "id": "c", "type": "tool_call"}
    assert strict(encode(message))["tool_calls"] == [call]


def test_the_json_is_compact():
    assert encode({"a": [1, 2]}) == b'{"a":[1,2]}'
    assert encode({"a": [1, HUGE]}) == f'{{"a":[1,{HUGE}]}}'.encode()


def test_json_made_before_is_put_in_as_it_is_also_beside_a_huge_number():
    made = orjson.Fragment(b'{"a":1}')
    assert encode({"made": made}) == b'{"made":{"a":1}}'
    assert strict(encode({"made": made, "odd": HUGE})) == {"made": {"a": 1}, "odd": HUGE}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)


@given(JSON)
def test_whatever_is_json_already_comes_back_as_it_was(value):
    assert strict(encode(value)) == value


@given(st.lists(st.floats() | st.integers() | st.text(st.characters())))
def test_what_is_encoded_is_always_json(value):
    strict(encode(value))
