"""Where a reader stands: gaps, slow readers, and streams that Redis lost."""

import pytest

from outrigger_server.brokers.redis.place import PAGE, Page, Place
from outrigger_server.domain.event import FIRST_EVENT_ID, EventId, Gap


def entry(number, *, gap=False):
    fields = {b"e": b"values", b"d": b"%d" % number}
    return f"{1000 + number}-{number}".encode(), fields | ({b"g": b"1"} if gap else {})


def page(last, *entries, kept=True):
    where = EventId(1000 + last, last) if last else FIRST_EVENT_ID
    return Page(where, kept, None, entries)


def told(place, given):
    return ["gap" if item == Gap() else item.id.number for item in place.take(given)]


@pytest.fixture
def live():
    """A reader from now on, of a stream that has three events."""
    place = Place(None)
    assert told(place, page(3)) == []
    return place


def back(number):
    """A reader who had the event `number` of a stream that has five."""
    place = Place(EventId(1000 + number, number))
    place.begin(page(5))
    return place


def test_a_reader_from_now_on_stands_at_the_end(live):
    assert told(live, page(5, entry(4), entry(5))) == [4, 5]


def test_a_reader_who_comes_back_stands_behind_its_event():
    assert told(back(3), page(5, entry(4), entry(5))) == [4, 5]


def test_a_reader_who_comes_back_to_a_stream_that_is_not_kept_stands_at_the_end():
    place = Place(EventId(1001, 1))
    place.begin(page(5, kept=False))
    assert place.at == EventId(1005, 5)


def test_a_reader_who_comes_back_too_late_is_told_of_the_gap():
    assert told(back(1), page(5, entry(4), entry(5))) == ["gap", 4, 5]


def test_a_hole_under_a_live_reader_means_it_was_too_slow(live):
    assert told(live, page(9, entry(8), entry(9))) == []
    assert live.too_slow is True


def test_a_hole_that_the_writer_marked_is_told_as_a_gap(live):
    assert told(live, page(9, entry(8, gap=True), entry(9))) == ["gap", 8, 9]
    assert live.too_slow is False


def test_events_missing_behind_the_last_one_are_told_as_a_gap(live):
    assert told(live, page(7)) == ["gap"]
    assert live.at == EventId(1007, 7)


def test_a_stream_that_begins_anew_is_read_from_its_beginning_behind_one_gap(live):
    assert told(live, page(2)) == ["gap"]
    assert (live.at, live.behind) == (FIRST_EVENT_ID, True)
    assert told(live, page(2, entry(1), entry(2))) == [1, 2]


def test_a_stream_that_is_gone_is_told_once(live):
    assert told(live, page(0)) == ["gap"]
    assert told(live, page(0)) == []
    assert told(live, page(6, entry(5, gap=True), entry(6))) == [5, 6]


def test_a_place_that_is_younger_than_the_stream_is_told_as_a_gap():
    place = Place(EventId(9000, 500))
    place.begin(page(2))
    assert told(place, page(2, entry(1), entry(2))) == ["gap", 1, 2]


def test_a_reader_who_could_not_find_its_place_is_told_of_a_gap_when_it_does():
    place = Place(None)
    place.miss()
    assert told(place, page(3)) == ["gap"]
    assert told(place, page(4, entry(4))) == [4]


def test_a_full_page_has_more_behind_it(live):
    entries = [entry(number) for number in range(4, 4 + PAGE)]
    assert len(told(live, page(3 + PAGE, *entries))) == PAGE
    assert live.behind is True
    assert told(live, page(3 + PAGE)) == []
    assert live.behind is False


def test_a_page_that_is_left_in_the_middle_is_read_on_from_there(live):
    items = live.take(page(5, entry(4), entry(5)))
    assert next(items).id.number == 4
    items.close()
    assert told(live, page(5, entry(5))) == [5]
