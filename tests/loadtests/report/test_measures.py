import msgspec
import pytest

from harness.simulated import converse, plans
from outrigger_loadtests.errors import UnreadableReport
from outrigger_loadtests.history.operations import Faulted, Frame, Joined, Streamed
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.measured_file import MEASURES, measures_json, read_measures
from outrigger_loadtests.report.measures import (
    MEANINGS,
    MOST_SLOTS,
    Measure,
    Measures,
    Slot,
    Stretch,
    measure_of,
)
from outrigger_loadtests.report.times import count, percentile


def measured(operations):
    measures = Measures()
    measures.take(read_thread(operations), operations)
    return measures


def told(measures, key):
    return percentile(measures.times(key), 1.0)


def test_accepting_and_cutting_are_measured_by_the_strategy_of_the_newcomer(cut_story):
    measures = measured(cut_story)
    assert measures.keys == ["accept enqueue", "accept interrupt", "cut interrupt"]
    assert told(measures, "accept enqueue") == pytest.approx(12, rel=0.01)
    assert told(measures, "accept interrupt") == pytest.approx(30, rel=0.01)
    assert told(measures, "cut interrupt") == pytest.approx(315 - 230, rel=0.01)


def test_only_the_stream_or_the_wait_that_created_a_run_is_measured(op, create, opened):
    on = {"run_id": "run-1", "token": "x2a-3-1"}
    frames = (Frame((5_000 + 40) * 1_000_000, "metadata"),)
    late = (Frame((5_000 + 500) * 1_000_000, "metadata"),)
    story = [
        opened,
        create(1, 10, 20),
        op(Streamed, 10, 90, frames=frames, **on),
        op(Streamed, 400, 900, frames=late, **on),
        op(Joined, 10, 95, **on),
    ]
    measures = measured(story)
    assert told(measures, "first event enqueue") == pytest.approx(30, rel=0.01)
    assert count(measures.times("total enqueue")) == 1
    assert told(measures, "total enqueue") == pytest.approx(80, rel=0.01)


def test_shares_added_are_the_whole():
    conversations = converse(plans(3, range(12)), 3)
    whole, one, other = Measures(), Measures(), Measures()
    for number, operations in enumerate(conversations):
        thread = read_thread(operations)
        for measures in (whole, (one, other)[number % 2]):
            measures.take(thread, operations)
    one.add(msgspec.msgpack.decode(msgspec.msgpack.encode(other), type=Measures))
    assert {each: one.times(each) for each in one.keys} == {
        each: whole.times(each) for each in whole.keys
    }
    assert one.slots.keys() == whole.slots.keys()
    assert sum(slot.began for slot in one.slots.values()) == sum(
        slot.began for slot in whole.slots.values()
    )
    assert {measure_of(key) for key in whole.keys} == {str(each) for each in Measure}


def test_a_long_run_has_no_more_slots_than_a_short_one_and_loses_nothing(op, create, opened):
    story = [opened, *(create(number, 7_000 * number, 7_000 * number + 5) for number in range(999))]
    measures = measured(story)
    assert len(measures.slots) <= MOST_SLOTS
    assert measures.last - measures.first < MOST_SLOTS
    assert count(measures.times("accept enqueue")) == 999
    assert sum(sum(slot.sent.values()) for slot in measures.slots.values()) == 1_000


def test_measures_of_different_widths_can_be_added():
    wide = Measures(width=4 * 10**9, slots={2: Slot(began=3)})
    narrow = Measures(slots={9: Slot(began=1), 12: Slot(began=1)})
    narrow.add(wide)
    assert narrow.width == 4 * 10**9
    assert {number: slot.began for number, slot in narrow.slots.items()} == {2: 4, 3: 1}


def test_a_file_of_measures_is_read_as_it_was_written(cut_story, tmp_path):
    measures = measured(cut_story)
    measures.stages = (Stretch("sending", 1, 2),)
    measures.take_faults([Faulted(thread="", name="kill api", invoked=3, completed=None)])
    (tmp_path / MEASURES).write_bytes(measures_json(measures))
    assert read_measures(tmp_path) == measures
    assert measures.faults == (Stretch("kill api", 3, 3),)


def test_without_a_file_nothing_was_measured_and_another_file_is_refused(tmp_path):
    assert read_measures(tmp_path) == Measures()
    (tmp_path / MEASURES).write_text('{"schema": "other"}')
    with pytest.raises(UnreadableReport, match=r"measures\.json is no report"):
        read_measures(tmp_path)


def test_every_measure_has_a_meaning():
    assert set(MEANINGS) == set(Measure)
