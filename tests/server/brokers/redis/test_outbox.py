"""What waits for Redis: in order, bounded, with every loss counted and marked."""

import pytest

from outrigger_server.brokers.base import RunEnd
from outrigger_server.brokers.redis.outbox import (
    AT_ONCE,
    BUFFER_BYTES,
    BUFFER_EVENTS,
    KEPT_BYTES,
    RUNS_KNOWN,
    Outbox,
)

END = RunEnd("r", "success", b"{}")


@pytest.fixture
def rings():
    return []


@pytest.fixture
def lost():
    return []


@pytest.fixture
def outbox(rings, lost):
    return Outbox(10, lambda: rings.append(None), lost.append)


def publish(outbox, count, size=1, run_id="r"):
    for _ in range(count):
        outbox.publish(run_id, "values", b"x" * size)


def settle(outbox, parcel, *, number=1, readers=0, ended=False):
    outbox.settle(parcel, number=number, readers=readers, ended=ended)


def taken(outbox):
    """Everything that waits, parcel by parcel, as Redis would take it."""
    parcels = []
    while batch := outbox.take():
        parcels += batch
        for parcel in batch:
            settle(outbox, parcel, readers=1)
    return parcels


def test_the_first_event_rings_and_those_that_join_it_do_not(outbox, rings):
    publish(outbox, 3)
    publish(outbox, 3, run_id="other")
    assert len(rings) == 1
    taken(outbox)
    assert len(rings) == 1
    publish(outbox, 1)
    assert len(rings) == 2


def test_many_events_go_in_several_parcels_and_the_end_in_the_last(outbox):
    publish(outbox, AT_ONCE + 1)
    outbox.end(END)
    first, last = taken(outbox)
    assert (len(first.events), first.end) == (AT_ONCE, None)
    assert (len(last.events), last.end) == (1, END)


def test_the_oldest_events_of_a_run_make_room_and_the_next_one_tells(outbox, lost):
    publish(outbox, BUFFER_EVENTS + 5)
    assert sum(lost) == 5
    events = [event for parcel in taken(outbox) for event in parcel.events]
    assert len(events) == BUFFER_EVENTS
    assert [event.dropped for event in events] == [5] + [0] * (BUFFER_EVENTS - 1)


def test_too_many_bytes_make_room_too(outbox, lost):
    publish(outbox, 3, size=BUFFER_BYTES // 2)
    assert lost == [1]
    assert [event.dropped for parcel in taken(outbox) for event in parcel.events] == [1, 0]


def test_an_event_that_never_fits_is_told_by_the_parcel_when_nothing_follows(outbox, lost):
    publish(outbox, 1, size=BUFFER_BYTES + 1)
    (parcel,) = taken(outbox)
    assert (parcel.events, parcel.dropped, lost) == ((), 1, [1])


def test_what_was_taken_gives_its_room_back(outbox, lost):
    for _ in range(5):
        publish(outbox, 1, size=BUFFER_BYTES // 2)
        taken(outbox)
    assert lost == []


def test_a_refused_parcel_is_counted_and_told_by_what_follows(outbox, lost):
    publish(outbox, 3)
    (parcel,) = outbox.take()
    outbox.refuse(parcel)
    publish(outbox, 1)
    (next_one,) = outbox.take()
    assert (sum(lost), next_one.events[0].dropped) == (3, 3)


def test_nothing_is_wanted_once_redis_says_that_nobody_reads(outbox):
    outbox.open("r", kept=False)
    publish(outbox, 1)
    (parcel,) = outbox.take()
    assert outbox.wants("r") is True
    settle(outbox, parcel, readers=0)
    assert outbox.wants("r") is False


def test_an_answer_older_than_the_newest_reader_says_nothing(outbox):
    outbox.open("r", kept=False)
    publish(outbox, 1)
    (parcel,) = outbox.take()
    outbox.asked_for("r")
    settle(outbox, parcel, readers=0)
    assert outbox.wants("r") is True


def test_any_run_may_have_a_reader_when_announcements_were_missed(outbox):
    outbox.open("r", kept=False)
    publish(outbox, 1)
    settle(outbox, outbox.take()[0], readers=0)
    outbox.asked_for(None)
    assert outbox.wants("r") is True


def test_a_run_that_has_ended_is_forgotten(outbox):
    publish(outbox, 1)
    outbox.end(END)
    taken(outbox)
    assert (outbox._runs, outbox._size, outbox.holds(None)) == ({}, 0, False)


def test_events_that_come_behind_the_end_are_dropped_uncounted(outbox, lost):
    publish(outbox, 1)
    (parcel,) = outbox.take()
    publish(outbox, 1)
    settle(outbox, parcel, ended=True)
    assert (outbox.take(), outbox._size, lost) == ([], 0, [])


def test_runs_that_nothing_waits_of_are_forgotten_when_they_are_many(outbox):
    publish(outbox, 1, run_id="waiting")
    for number in range(RUNS_KNOWN + 5):
        outbox.open(f"idle-{number}", kept=True)
    assert len(outbox._runs) == RUNS_KNOWN
    assert "waiting" in outbox._runs


def test_kept_bytes_are_bounded_by_keeping_fewer_events(outbox):
    limits = []
    for _ in range(4):
        publish(outbox, 1, size=KEPT_BYTES // 3)
        limits += [parcel.limit for parcel in taken(outbox)]
    assert limits == [10, 10, 10, 3]
