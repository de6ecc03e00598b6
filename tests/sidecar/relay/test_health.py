"""The health check `relay`, and how long the forwarder waits."""

from datetime import UTC, datetime

import pytest

from outrigger_sidecar.health import CheckState
from outrigger_sidecar.probes.relay import RelayProbe
from outrigger_sidecar.relay.forwarding import pause_seconds
from outrigger_sidecar.relay.relay import Standing
from outrigger_sidecar.relay.upstream import Answer, Verdict, retry_after


@pytest.mark.parametrize(
    ("standing", "state", "said"),
    [
        (None, CheckState.OFF, "metrics only"),
        (Standing(10, 100, 3, 1.0, 0.0, ""), CheckState.OK, "3 operations wait"),
        (Standing(10, 100, 3, 1.0, 59.0, "it answers 503"), CheckState.OK, "10% full"),
        (Standing(10, 100, 3, 1.0, 61.0, "it answers 401"), CheckState.DEGRADED, "answers 401"),
        (Standing(81, 100, 3, 1.0, 0.0, ""), CheckState.DEGRADED, "81% full"),
    ],
)
def test_the_check_says_whether_traces_get_through(
    standing: Standing | None, state: CheckState, said: str
) -> None:
    reading = RelayProbe(lambda: standing, failing_seconds=60).check()

    assert reading.state is state
    assert said in reading.detail


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("99999999", 3600),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_retry_after_is_read_as_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after(value, datetime(2026, 11, 23, 12, tzinfo=UTC)) == seconds


def test_pauses_double_up_to_the_longest_unless_the_upstream_says_how_long() -> None:
    again = Answer(Verdict.RETRY)
    pauses = [pause_seconds(again, failures, 30, 1.0) for failures in (1, 2, 3, 4, 100)]

    assert pauses == [0.25, 0.5, 1, 2, 30]
    assert pause_seconds(again, 100, 30, 0.0) == 15
    assert pause_seconds(Answer(Verdict.RETRY, retry_after=90), 1, 30, 0.0) == 90
