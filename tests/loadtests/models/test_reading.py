import pytest

from harness.histories import ASKED, marks, thread, token
from outrigger_loadtests.history.operations import Opened, Outcome
from outrigger_loadtests.models.reading import read_thread


def test_a_thread_that_was_never_opened_is_none():
    assert read_thread([]) is None
    failed = Opened(thread="x1-1", invoked=0, completed=1, outcome=Outcome.INFO, code=500)
    assert read_thread([failed]) is None


def test_a_create_that_nobody_knows_about_is_resolved_by_the_token_in_the_list():
    story = thread().lost(1, "enqueue", (10, None)).listed(1, "success")
    run = story.run(1)
    assert (run.run_id, run.status, run.accepted) == ("run-1", "success", False)
    assert story.read().unresolved == []


def test_a_create_that_nobody_knows_about_is_resolved_by_the_token_in_the_history():
    story = thread().lost(1, "enqueue", (10, None)).listed(1, "success", token="").wrote(1)
    assert story.run(1).run_id == "run-1"


def test_a_create_that_left_nothing_stays_unresolved():
    read = thread().lost(1, "enqueue", (10, None)).read()
    assert [each.token for each in read.unresolved] == [token(1)]
    assert read.runs == []


def test_a_refused_create_is_no_run_whatever_the_list_says():
    read = thread().refused(1, "reject", 10).listed(1, "success").read()
    assert (read.runs, len(read.refused)) == ([], 1)


def test_a_run_in_the_list_that_no_create_made_is_unexplained():
    read = thread().turn(1).listed(2, "pending").read()
    assert [row.run_id for row in read.unexplained] == ["run-2"]


def test_an_accepted_run_that_is_not_in_the_list_is_gone():
    run = thread().message(1).ended(1, "gone").run(1)
    assert (run.gone, run.status) == (True, "gone")


def test_without_a_list_nobody_knows_what_became_of_a_run():
    run = thread().turn(1).at_rest(without={"runs"}).run(1)
    assert (run.status, run.gone, run.succeeded) == ("", False, False)


def test_runs_come_in_the_order_of_the_server():
    story = thread().message(1, at=(10, 13), created=12).message(2, at=(10, 13), created=11)
    assert [run.token for run in story.read().runs] == [token(2), token(1)]


def test_when_a_run_was_created_is_told_by_whoever_knows():
    created = thread().message(1).run(1).created_at
    story = thread().lost(1, "enqueue", (10, None)).listed(1, "success")
    assert (created > 0, story.run(1).created_at) == (True, 0)
    story.listed(1, "success", "2023-11-14T22:13:30+00:00")
    assert story.run(1).created_at == created


def test_a_moment_that_is_none_is_not_told():
    assert thread().lost(1, "enqueue", 10).listed(1, "success", "soon").run(1).created_at == 0


def test_the_steps_of_a_message_are_those_in_the_final_log():
    assert thread().message(1).wrote(1, "input", "middle").run(1).steps == ("input", "middle")


def test_steps_beside_the_line_of_the_head_do_not_count():
    story = thread().message(1).message(2).wrote(1).wrote(2, after="c1")
    assert story.run(1).steps == ("input",)


def test_an_answer_that_counted_has_its_steps():
    story = thread().message(1, asks=True).wrote(1, *ASKED).answer(2, to=1).answer(3, to=1)
    story.wrote(2, "1:answer:2", "1:last")
    assert (story.run(2).steps, story.run(3).steps) == (("answer", "last"), ())


def test_an_answer_without_the_last_mark_counted_in_part():
    story = thread().message(1, asks=True).wrote(1, *ASKED).answer(2, to=1)
    assert story.wrote(2, "1:answer:2").run(2).steps == ("answer",)


def test_the_steps_of_a_message_hold_what_answers_to_it_wrote():
    story = thread().message(1, asks=True).wrote(1, *ASKED).answer(2, to=1)
    steps = story.wrote(2, "1:answer:2", "1:last").run(1).steps
    assert steps == (*ASKED, f"answer:{token(2)}", "last")


def test_operations_find_their_run():
    story = thread().message(1).message(2).stream(1, 11).join(1, 12).cancel(2, 21).delete(2, 22)
    first, second = story.run(1), story.run(2)
    assert (len(first.readers), len(first.cancels), len(first.deletes)) == (2, 0, 0)
    assert (len(second.readers), len(second.cancels), len(second.deletes)) == (0, 1, 1)


def test_the_last_read_at_rest_counts():
    story = thread().turn(1).state(50, "1:input")
    last = story.read().last_state
    assert last is not None
    assert last.log == marks("1:input", "1:first", "1:middle", "1:last")


@pytest.mark.parametrize("place", ["history", "state", "thread", "settled"])
def test_what_was_not_read_is_none(place):
    names = {"state": "last_state", "thread": "last_thread"}
    assert getattr(thread().at_rest(without={place}).read(), names.get(place, place)) is None


def test_only_what_the_client_stood_still_during_the_thread_counts():
    read = thread().turn(1).stalled(-60, 0).stalled(20, 21.5).stalled(200, 300).read()
    assert read.stalled == pytest.approx(2.0 + 1.5)  # the thread was opened 2 s before 0


def test_runs_created_at_the_same_moment_are_in_the_order_they_wrote() -> None:
    story = thread().message(2, created=5.0, at=(4, 6)).message(1, created=5.0, at=(4, 6))
    assert [run.token for run in story.wrote(2).wrote(1).read().runs] == [token(2), token(1)]
