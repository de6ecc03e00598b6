"""A thread's status: what its runs in flight and its last run make of it."""

import pytest

from outrigger_server.domain.thread import ThreadOutcome, ThreadStatus, config_after


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


def test_a_threads_configuration_is_its_assistants_and_over_it_what_the_run_was_given():
    assistant = {"tags": ["a"], "recursion_limit": 7}
    after = config_after({}, assistant, {"tags": ["r"]})
    assert after == {"tags": ["r"], "recursion_limit": 7, "configurable": {}}


def test_a_thread_keeps_its_configuration_when_another_assistant_runs_on_it():
    before = {"tags": ["a"], "configurable": {"k": 1, "a": 1}}
    after = config_after(before, {"tags": ["b"], "configurable": {"k": 2, "b": 2}}, {})
    assert after == {"tags": ["a"], "configurable": {"k": 1, "a": 1, "b": 2}}
