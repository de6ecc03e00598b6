"""When crons are due: schedules, time zones, changed clocks, ends."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.cron import Cron, Schedule
from outrigger_server.errors import InvalidRequest

SECOND = 1_000_000


def at(text: str) -> int:
    return round(dt.datetime.fromisoformat(text).timestamp()) * SECOND


def times(expression, zone, start, count):
    """The next `count` times after `start`, in UTC, without seconds."""
    schedule = Schedule.parse(expression, zone)
    found, now = [], at(start)
    for _ in range(count):
        now = schedule.next_after(now)
        found.append(dt.datetime.fromtimestamp(now / SECOND, dt.UTC).strftime("%m-%d %H:%M"))
    return found


def cron(**fields):
    defaults = {
        "cron_id": "c",
        "assistant_id": "a",
        "thread_id": None,
        "user_id": None,
        "signed": {},
        "schedule": "0 * * * *",
        "timezone": None,
        "end_at": None,
        "payload": {},
        "metadata": {},
        "on_run_completed": None,
        "enabled": True,
        "next_run_at": None,
        "created_at": 0,
        "updated_at": 0,
    }
    return Cron(**defaults | fields)


def test_a_schedule_is_read_in_utc_unless_told_otherwise():
    assert times("0 3 * * *", None, "2027-01-10T12:00+00:00", 2) == ["01-11 03:00", "01-12 03:00"]
    assert times("0 3 * * *", "America/New_York", "2027-01-10T12:00+00:00", 1) == ["01-11 08:00"]


def test_an_hour_that_is_left_out_in_spring_is_made_up_for_at_its_end():
    assert times("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00+00:00", 3) == [
        "03-27 01:30",
        "03-28 01:00",
        "03-29 00:30",
    ]


def test_an_hour_that_comes_twice_in_autumn_counts_once_for_a_time_of_the_day():
    assert times("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00+00:00", 2) == [
        "10-31 00:30",
        "11-01 01:30",
    ]


def test_within_the_second_of_two_equal_hours_the_first_is_over():
    inside = "2027-10-31T01:10+00:00"  # 02:10 in Berlin, for the second time
    assert times("30 2 * * *", "Europe/Berlin", inside, 1) == ["11-01 01:30"]


def test_what_happens_every_half_hour_happens_in_both_equal_hours():
    assert times("*/30 * * * *", "Europe/Berlin", "2027-10-30T23:45+00:00", 5) == [
        "10-31 00:00",
        "10-31 00:30",
        "10-31 01:00",
        "10-31 01:30",
        "10-31 02:00",
    ]


def test_a_sixth_field_is_the_second_and_comes_last():
    schedule = Schedule.parse("7 5 3 * * */20", None)
    first = schedule.next_after(at("2026-12-01T00:00+00:00"))
    assert first == at("2026-12-03T05:07+00:00")
    assert schedule.next_after(first) == first + 20 * SECOND


@pytest.mark.parametrize("nickname", ["@daily", "@midnight", "@DAILY"])
def test_nicknames_are_known(nickname):
    assert times(nickname, None, "2027-01-10T12:00+00:00", 1) == ["01-11 00:00"]


@pytest.mark.parametrize(
    "expression",
    ["", "x", "* * * *", "* * * * * * *", "60 * * * *", "*/0 * * * *", "5-1 * * * *", "0 0 30 2 *"],
)
def test_what_is_no_schedule_is_refused_by_name(expression):
    with pytest.raises(InvalidRequest, match="Invalid cron schedule: '"):
        Schedule.parse(expression, None)


@pytest.mark.parametrize("zone", ["", "Mars/One", "../etc/passwd", "America", "\0", "x" * 300])
def test_what_is_no_time_zone_is_refused_by_name(zone):
    with pytest.raises(InvalidRequest, match="Invalid timezone: '"):
        Schedule.parse("0 3 * * *", zone)


def test_a_cron_is_due_until_its_end_and_not_after():
    hourly = cron(end_at=at("2027-01-10T14:00+00:00"))
    assert hourly.next_after(at("2027-01-10T13:00+00:00")) == at("2027-01-10T14:00+00:00")
    assert hourly.next_after(at("2027-01-10T14:00+00:00")) is None


def test_what_was_due_by_the_end_may_be_a_moment_late_but_not_long():
    hourly = cron(end_at=at("2027-01-10T14:00+00:00"))
    assert not hourly.has_ended(at("2027-01-10T14:00:03+00:00"))
    assert hourly.has_ended(at("2027-01-10T14:30+00:00"))


def test_a_disabled_cron_is_never_due():
    assert cron(enabled=False).next_after(0) is None


def test_the_next_run_of_a_disabled_cron_is_what_its_schedule_says_since_it_was_changed():
    changed = at("2027-01-10T13:20+00:00")
    assert cron(enabled=False, updated_at=changed).next_run_date == at("2027-01-10T14:00+00:00")


def test_the_next_run_of_an_ended_cron_would_be_after_its_end():
    ended = cron(end_at=at("2027-01-10T14:00+00:00"), updated_at=at("2027-01-01T00:00+00:00"))
    assert ended.next_run_date == at("2027-01-10T15:00+00:00")


def test_the_next_run_of_a_cron_that_is_due_is_when_it_is_due():
    assert cron(next_run_at=at("2027-01-10T14:00+00:00")).next_run_date == at(
        "2027-01-10T14:00+00:00"
    )


def test_a_cron_whose_time_zone_is_gone_has_no_next_run():
    assert cron(timezone="Mars/One", enabled=False).next_run_date is None


@given(
    expression=st.sampled_from(
        ["* * * * *", "30 2 * * *", "0 0 29 2 *", "15 */6 L * *", "0 1 * * MON#1", "@hourly"]
    ),
    zone=st.sampled_from([None, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    now=st.integers(min_value=1_700_000_000 * SECOND, max_value=2_000_000_000 * SECOND),
)
def test_the_next_time_is_always_to_come(expression, zone, now):
    assert Schedule.parse(expression, zone).next_after(now) > now
