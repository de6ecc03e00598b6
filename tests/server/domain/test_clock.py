"""Times as the protocol sends them."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from outrigger_server.domain.clock import to_iso


def test_a_time_is_sent_with_an_explicit_offset():
    assert to_iso(0) == "1970-01-01T00:00:00+00:00"


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_time_keeps_its_microseconds(microseconds):
    since = dt.datetime.fromisoformat(to_iso(microseconds)) - dt.datetime.fromtimestamp(0, dt.UTC)
    assert since // dt.timedelta(microseconds=1) == microseconds
