"""How an ended run looks to those who wait for it."""

import json
from dataclasses import replace

import pytest

from outrigger_server.domain.run import Run, RunOutcome, RunStatus
from outrigger_server.domain.thread import Thread, ThreadOutcome, ThreadStatus
from outrigger_server.graphs.encoding import encode
from outrigger_server.runs.ends import ROLLED_BACK, ended_earlier, ended_run, run_outcome

ASKS = '{"task":[{"id":"i","value":"sure?"}]}'
QUESTION = [{"id": "i", "value": "sure?", "response_schema": None}]
ERROR = {"error": "ValueError", "message": "no"}

RUN = Run(
    run_id="r",
    thread_id="t",
    assistant_id="a",
    graph_id="g",
    status=RunStatus.RUNNING,
    multitask_strategy="enqueue",
    metadata={},
    kwargs={},
    created_at=0,
    updated_at=0,
)
THREAD = Thread(
    thread_id="t",
    created_at=0,
    updated_at=0,
    state_updated_at=0,
    metadata={},
    config={},
    status=ThreadStatus.IDLE,
)


def body(end):
    return json.loads(end.body)


def test_a_run_that_ended_well_answers_with_the_threads_values():
    end = ended_run(RUN, "success", ThreadOutcome('{"n":1}', "{}", has_next=False))
    assert (body(end), end.status, end.error) == ({"n": 1}, "success", None)


def test_a_run_that_asks_a_person_answers_with_values_and_questions():
    end = ended_run(RUN, "success", ThreadOutcome('{"n":1}', ASKS, has_next=True))
    assert body(end) == {"n": 1, "__interrupt__": QUESTION}


def test_values_that_are_no_object_stand_beside_the_questions():
    end = ended_run(RUN, "success", ThreadOutcome("[1]", ASKS, has_next=True))
    assert body(end) == {"values": [1], "__interrupt__": QUESTION}


def test_a_failed_run_answers_with_its_error():
    outcome = ThreadOutcome("{}", "{}", has_next=False, error=ERROR, failed=True)
    end = ended_run(RUN, "error", outcome)
    assert (body(end), end.error) == ({"__error__": ERROR}, ERROR)


def test_a_run_that_was_rolled_back_answers_with_the_reason():
    end = ended_run(replace(RUN, cancel_message="superseded"), ROLLED_BACK)
    assert body(end) == {"__error__": {"error": "UserRollback", "message": "superseded"}}


def test_a_superseded_run_says_by_which():
    end = ended_run(replace(RUN, superseded_by="r2"), "interrupted")
    assert (end.superseded_by, body(end)) == ("r2", {})


def test_values_that_could_not_be_read_answer_with_an_empty_object():
    assert body(ended_run(RUN, "success", ThreadOutcome(None, None, has_next=False))) == {}


@pytest.mark.parametrize("odd", [2**70, "\ud800"], ids=["huge number", "lone surrogate"])
def test_odd_values_reach_those_who_wait_also_beside_a_question(odd):
    values = encode({"odd": odd}).decode()
    end = ended_run(RUN, "success", ThreadOutcome(values, ASKS, has_next=True))
    assert body(end) == {"odd": odd, "__interrupt__": QUESTION}


def test_an_error_whose_text_is_no_unicode_reaches_those_who_wait():
    error = {"error": "ValueError", "message": "\ud800"}
    outcome = ThreadOutcome("{}", "{}", has_next=False, error=error, failed=True)
    assert body(ended_run(RUN, "error", outcome)) == {"__error__": error}


def test_a_run_that_ended_earlier_answers_with_what_the_thread_holds_now():
    thread = replace(THREAD, values='{"n":1}', interrupts="{}")
    assert body(ended_earlier(replace(RUN, status=RunStatus.SUCCESS), thread)) == {"n": 1}


def test_of_a_run_that_asked_earlier_the_question_alone_may_be_told():
    run, thread = replace(RUN, status=RunStatus.SUCCESS), replace(THREAD, values='{"n":1}')
    asking = replace(thread, interrupts=ASKS)
    told = {"__interrupt__": [{"id": "i", "value": "sure?"}]}
    assert body(ended_earlier(run, asking, question_only=True)) == told
    assert body(ended_earlier(run, asking)) == {"n": 1, "__interrupt__": QUESTION}
    assert body(ended_earlier(run, thread, question_only=True)) == {"n": 1}


def test_a_run_that_failed_earlier_answers_with_the_threads_error():
    end = ended_earlier(replace(RUN, status=RunStatus.ERROR), replace(THREAD, error=ERROR))
    assert body(end) == {"__error__": ERROR}


@pytest.mark.parametrize(
    ("status", "superseded_by", "outcome"),
    [
        (RunStatus.INTERRUPTED, None, RunOutcome.CANCELLED),
        (RunStatus.INTERRUPTED, "r2", RunOutcome.INTERRUPTED),
        (RunStatus.SUCCESS, "r2", RunOutcome.SUCCESS),
        (RunStatus.TIMEOUT, None, RunOutcome.TIMEOUT),
    ],
)
def test_only_another_run_interrupts_and_a_person_cancels(status, superseded_by, outcome):
    assert run_outcome(replace(RUN, superseded_by=superseded_by), status) is outcome
