import pytest

from outrigger_sidecar.health import (
    CheckReport,
    CheckState,
    Overall,
    Reading,
    Settling,
    overall,
)

OK, DEGRADED, FAILED, UNKNOWN, OFF = CheckState


def report(state: CheckState, *, critical: bool = False) -> CheckReport:
    return CheckReport("x", state, "", critical, 0.0, 0.0)


def settle(
    states: list[CheckState], *, fails_down: int = 2, passes_up: int = 1
) -> list[CheckState]:
    settling = Settling(fails_down=fails_down, passes_up=passes_up)
    return [settling.add(Reading(state, "")).state for state in states]


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([], Overall.HEALTHY),
        ([report(OK, critical=True), report(OFF)], Overall.HEALTHY),
        ([report(OK, critical=True), report(FAILED)], Overall.DEGRADED),
        ([report(OK, critical=True), report(UNKNOWN)], Overall.DEGRADED),
        ([report(DEGRADED, critical=True)], Overall.DEGRADED),
        ([report(FAILED, critical=True)], Overall.UNHEALTHY),
        ([report(OK), report(UNKNOWN, critical=True)], Overall.UNHEALTHY),
    ],
)
def test_checks_add_up(reports: list[CheckReport], expected: Overall) -> None:
    assert overall(reports) is expected


@pytest.mark.parametrize("first", [OK, DEGRADED, FAILED, UNKNOWN, OFF])
def test_first_result_counts_at_once(first: CheckState) -> None:
    assert settle([first]) == [first]


def test_one_failure_alone_changes_nothing() -> None:
    assert settle([OK, FAILED, OK, FAILED, OK]) == [OK] * 5


def test_two_failures_in_a_row_turn_it_down() -> None:
    assert settle([OK, FAILED, FAILED]) == [OK, OK, FAILED]


def test_one_pass_turns_it_up() -> None:
    assert settle([FAILED, OK]) == [FAILED, OK]


def test_more_passes_can_be_asked_for() -> None:
    assert settle([FAILED, OK, OK, OK], passes_up=3) == [FAILED, FAILED, FAILED, OK]


def test_different_worse_results_count_together() -> None:
    assert settle([OK, UNKNOWN, FAILED]) == [OK, OK, FAILED]


def test_a_worse_result_that_stays_equally_bad_shows_its_newest_reason() -> None:
    settling = Settling(fails_down=2, passes_up=1)
    settling.add(Reading(FAILED, "old"))

    assert settling.add(Reading(UNKNOWN, "new")).detail == "new"
