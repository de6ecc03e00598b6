from pathlib import Path

import msgspec
import pytest

from harness.histories import Story, frame, thread
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.errors import UnreadableHistory
from outrigger_loadtests.history.file import encode, operations_of_threads
from outrigger_loadtests.history.operations import AnyOperation, Faulted, Opened, Outcome, Stalled
from outrigger_loadtests.judging import counts_of, judge_history
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.profiles import OUTRIGGER
from outrigger_loadtests.report.outcome import Counts
from outrigger_loadtests.report.timeline import evidence_timeline
from outrigger_loadtests.verdict import Verdict


def written(path: Path, *conversations: list[AnyOperation]) -> Path:
    path.write_bytes(b"".join(encode(each) for each in conversations))
    return path


def named(story: Story, name: str) -> list[AnyOperation]:
    """The same story on a thread of another name; its marks stay."""
    return [msgspec.structs.replace(each, thread=name) for each in story.operations()]


def stalled(seconds: float) -> list[AnyOperation]:
    return [Stalled(thread="", invoked=0, completed=round(seconds * 1e9))]


@pytest.fixture
def history(tmp_path):
    return tmp_path / "history.jsonl"


def test_a_history_is_judged_by_label(history):
    ours = thread(label="reject").turn(1).operations()
    judgement = judge_history(written(history, ours), OUTRIGGER, INVARIANTS)
    assert (judgement.threads, judgement.operations) == (1, len(ours))
    assert judgement.examinations["G1", "reject"].verdict is Verdict.PASS
    assert judgement.counts == {"reject": Counts(accepted=1, succeeded=1)}
    assert list(judgement.findings()) == []


def test_threads_of_one_label_add_up(history):
    both = written(history, thread().turn(1).operations(), named(thread().turn(1).turn(2), "x1-2"))
    judgement = judge_history(both, OUTRIGGER, INVARIANTS)
    assert judgement.threads == 2
    assert judgement.counts == {"mixed": Counts(accepted=3, succeeded=3)}
    assert judgement.examinations["G1", "mixed"].examined == 3
    assert {each.rule for each in judgement.findings()} == {"G11.foreign_mark"}


def test_threads_that_are_left_out_are_not_looked_at(history):
    both = written(history, thread().turn(1).operations(), named(thread().turn(1), "x1-2"))
    judgement = judge_history(both, OUTRIGGER, INVARIANTS, left_out={"x1-2"})
    assert (judgement.threads, list(judgement.findings())) == (1, [])


def test_a_thread_that_could_not_be_opened_is_unknown_not_fine(history):
    refused = Opened(thread="x1-2", label="reject", invoked=0, outcome=Outcome.INFO, code=500)
    judgement = judge_history(written(history, [refused]), OUTRIGGER, INVARIANTS)
    assert (judgement.threads, judgement.unopened) == (0, 1)
    assert [each.rule for each in judgement.findings()] == ["G2.unopened"]
    assert judgement.examinations["G2", "reject"].verdict is Verdict.UNKNOWN


def faulted(name: str, start: float, stop: float) -> list[AnyOperation]:
    times = {"invoked": round(start * 1e9), "completed": round(stop * 1e9)}
    return [Faulted(thread="", name=name, **times)]


@pytest.mark.parametrize("name", ["restart postgres", "kill api"])
def test_a_thread_that_a_fault_kept_from_being_opened_is_left_out(history, name):
    times = {"invoked": 10_000_000_000, "completed": 11_000_000_000}
    refused = Opened(thread="x1-2", label="reject", outcome=Outcome.INFO, code=503, **times)
    judgement = judge_history(
        written(history, [refused], faulted(name, 9, 10)), OUTRIGGER, INVARIANTS
    )
    assert (judgement.threads, judgement.unopened, judgement.excused) == (0, 0, 1)
    assert list(judgement.findings()) == []
    for other in (faulted(name, 12, 13), faulted("restart redis", 9, 10), faulted("x", 9, 10)):
        judgement = judge_history(written(history, [refused], other), OUTRIGGER, INVARIANTS)
        assert (judgement.unopened, judgement.excused) == (1, 0)
        assert [each.rule for each in judgement.findings()] == ["G2.unopened"]


def test_faults_are_counted_by_name_and_hold_for_every_thread(history):
    story = thread().turn(1).seen(1, "running", 11).seen(1, "pending", 12)
    faults = [*faulted("kill worker", 21, 22), *faulted("kill worker", 31, 32)]
    both = written(history, story.operations(), named(story, "x1-2"), faults, faulted("x", 1, 2))
    judgement = judge_history(both, OUTRIGGER, INVARIANTS)
    assert judgement.faults == {"kill worker": 2, "x": 1}
    assert {each.rule for each in judgement.findings()} == {"G11.foreign_mark"}


def test_faults_that_nobody_can_read_make_the_outcome_unknown(history):
    judgement = judge_history(
        written(history, thread().turn(1).operations()), OUTRIGGER, INVARIANTS
    )
    judgement.doubt_the_faults("line 3 is none")
    assert judgement.examinations["G2", "mixed"].verdict is Verdict.UNKNOWN
    assert judgement.examinations["G2", "mixed"].crash == "line 3 is none"


def test_a_label_of_which_no_run_was_accepted_was_not_put_to_the_test(history):
    unknown = thread(label="enqueue").lost(1, "enqueue", 10).operations()
    judgement = judge_history(written(history, unknown), OUTRIGGER, INVARIANTS)
    judgement.doubt_the_untested()
    assert [each.rule for each in judgement.findings()] == ["G2.untested"]
    assert judgement.examinations["G2", "enqueue"].verdict is Verdict.UNKNOWN


def test_a_label_with_an_accepted_run_or_with_nothing_sent_is_not_doubted(history):
    tested = thread(label="enqueue").turn(1).lost(2, "enqueue", 20).operations()
    unsent = named(thread(label="reject"), "x1-2")
    judgement = judge_history(written(history, tested, unsent), OUTRIGGER, INVARIANTS)
    judgement.doubt_the_untested()
    assert list(judgement.findings()) == []


def test_a_thread_that_was_given_up_is_unknown_not_fine(history):
    both = written(history, thread().turn(1).operations(), named(thread(label="reject"), "x1-2"))
    judgement = judge_history(both, OUTRIGGER, INVARIANTS, left_out={"x1-2"})
    judgement.doubt_the_given_up()
    assert [(each.rule, each.thread) for each in judgement.findings()] == [("G2.given_up", "x1-2")]
    assert judgement.examinations["G2", "reject"].verdict is Verdict.UNKNOWN
    assert judgement.examinations["G2", "mixed"].verdict is Verdict.PASS


def test_threads_that_all_came_to_their_end_are_not_doubted(history):
    judgement = judge_history(
        written(history, thread().turn(1).operations()), OUTRIGGER, INVARIANTS
    )
    judgement.doubt_the_given_up()
    assert list(judgement.findings()) == []


def test_threads_that_one_share_gave_up_are_given_up_in_all(history):
    both = written(history, thread().turn(1).operations(), named(thread(label="reject"), "x1-2"))
    total = judge_history(both, OUTRIGGER, INVARIANTS)
    total.add(judge_history(both, OUTRIGGER, INVARIANTS, left_out={"x1-1", "x1-2"}))
    assert total.given_up == {"x1-1": "mixed", "x1-2": "reject"}


def test_a_fault_without_a_thread_is_no_thread(history):
    fault = Faulted(thread="", invoked=0, completed=1, name="kill worker")
    judgement = judge_history(written(history, [fault]), OUTRIGGER, INVARIANTS)
    assert (judgement.threads, judgement.unopened, judgement.operations) == (0, 0, 1)


def test_bounds_are_longer_where_the_client_stood_still_wherever_the_file_says_so(history):
    late = thread().turn(1).stream(1, (10.1, 17), [frame(12, "1:input")]).operations()
    judgement = judge_history(written(history, late, stalled(40)), OUTRIGGER, INVARIANTS)
    assert judgement.stalled == 40.0
    assert "G10.ends_late" not in {each.rule for each in judgement.findings()}
    judgement = judge_history(written(history, late), OUTRIGGER, INVARIANTS)
    assert "G10.ends_late" in {each.rule for each in judgement.findings()}


def test_an_empty_history_comes_to_nothing(history):
    judgement = judge_history(written(history), OUTRIGGER, INVARIANTS)
    assert (judgement.threads, judgement.examinations) == (0, {})


def test_a_broken_history_is_not_judged(history):
    history.write_bytes(b'{"kind":"opened","thread":"x1-1","invoked":')
    with pytest.raises(UnreadableHistory):
        judge_history(history, OUTRIGGER, INVARIANTS)


def test_the_operations_of_some_threads_can_be_had_again(history):
    ours = thread().turn(1).operations()
    both = written(history, ours, named(thread(), "x1-2"))
    assert list(operations_of_threads(both, {"x1-1"})) == [("x1-1", ours)]


def test_the_evidence_of_a_thread_shows_what_was_done_to_the_server_meanwhile(history):
    ours = thread().turn(1).operations()
    faults = [*faulted("early", 1, 30), *faulted("meanwhile", 30, 31), *faulted("late", 300, 301)]
    ((_, shown),) = operations_of_threads(written(history, ours, faults), {"x1-1"})
    assert shown == [*ours, faults[1]]
    assert "FAULT meanwhile" in evidence_timeline(shown, read_thread(shown), [])


def test_every_message_is_accepted_refused_or_unknown():
    story = thread().turn(1).refused(2, "reject", 11).refused(3, "enqueue", 12, code=422)
    counts = counts_of(story.lost(4, "enqueue", (13, None)).read())
    assert counts == Counts(accepted=1, refused=2, unknown=1, succeeded=1)


def test_an_unknown_message_whose_run_is_there_stays_unknown():
    story = thread().lost(1, "enqueue", (10, None)).listed(1, "success")
    assert counts_of(story.read()) == Counts(unknown=1)


def test_an_interrupted_run_was_dropped_unless_it_had_begun():
    story = thread().message(1).message(2).message(3).wrote(1, "input").seen(2, "running", 21)
    for number in (1, 2, 3):
        story.ended(number, "interrupted")
    assert counts_of(story.read()) == Counts(accepted=3, interrupted=2, dropped=1)


def test_a_run_that_is_gone_was_dropped_unless_it_had_begun():
    story = thread().message(1).message(2).seen(1, "running", 11).ended(1, "gone").ended(2, "gone")
    assert counts_of(story.read()) == Counts(accepted=2, rolled_back=1, dropped=1)


def test_a_run_that_showed_events_had_begun():
    story = thread().message(1).stream(1, (10, 12), [frame(11, "1:input")]).ended(1, "gone")
    assert counts_of(story.read()) == Counts(accepted=1, rolled_back=1)


def test_a_failed_run_is_only_accepted():
    assert counts_of(thread().message(1).ended(1, "error").read()) == Counts(accepted=1)
