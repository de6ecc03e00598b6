"""Event ids: their text, their order and the id that follows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.event import FIRST_EVENT_ID, Event, EventId

NUMBERS = st.integers(0, 2**53)
IDS = st.builds(EventId, NUMBERS, NUMBERS)


@given(IDS)
def test_an_id_survives_being_written_and_parsed(event_id):
    assert EventId.parse(str(event_id)) == event_id


@given(IDS, NUMBERS)
def test_the_successor_is_later_even_when_the_clock_steps_back(event_id, milliseconds):
    assert event_id.successor(milliseconds) > event_id


@given(IDS, NUMBERS)
def test_the_successor_never_carries_an_earlier_time(event_id, milliseconds):
    assert event_id.successor(milliseconds).milliseconds >= event_id.milliseconds


def test_the_first_event_of_a_millisecond_has_number_zero():
    assert EventId(5, 7).successor(6) == EventId(6, 0)


def test_the_next_event_of_the_same_millisecond_counts_up():
    assert EventId(5, 7).successor(5) == EventId(5, 8)


def test_ids_are_ordered_as_numbers_and_not_as_text():
    assert EventId(9, 10) > EventId(9, 9)
    assert EventId(10, 0) > EventId(9, 99)


@pytest.mark.parametrize("text", ["-1", "0"])
@given(milliseconds=NUMBERS)
def test_minus_one_and_zero_stand_before_every_event(text, milliseconds):
    assert EventId.parse(text) < FIRST_EVENT_ID.successor(milliseconds)


def test_an_id_without_a_number_is_the_first_of_its_millisecond():
    assert EventId.parse("1795388724677") == EventId(1795388724677, 0)


@pytest.mark.parametrize("text", ["", "x", "1-x", "x-1", "1.5-0", "-2", "1-2-3"])
def test_text_that_is_no_id_is_refused(text):
    with pytest.raises(ValueError, match="invalid literal"):
        EventId.parse(text)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("values", "values"),
        ("values|child:1|grandchild:2", "values"),
        ("messages/partial", "messages"),
        ("messages/complete|child:1", "messages"),
    ],
)
def test_the_mode_of_an_event_is_its_name_without_its_part_and_namespace(name, mode):
    assert Event(EventId(1, 0), name, b"{}").mode == mode
