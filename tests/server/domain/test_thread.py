"""A thread's status: what its runs in flight and its last run make of it."""

import pytest

from outrigger_server.domain.thread import ThreadOutcome, ThreadStatus


@pytest.mark.parametrize(
    ("has_next", "failed", "status"),
    [
        (False, False, ThreadStatus.IDLE),
        (True, False, ThreadStatus.INTERRUPTED),
        (False, True, ThreadStatus.ERROR),
        (True, True, ThreadStatus.ERROR),
    ],
)
def test_the_rest_status_follows_the_end_of_the_run(has_next, failed, status):
    outcome = ThreadOutcome(values="{}", interrupts="{}", has_next=has_next, failed=failed)
    assert outcome.rest_status is status
