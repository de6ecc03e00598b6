import pytest

from harness.histories import marks, thread, whole
from outrigger_loadtests.models.segment import Chain, Segment


def chain(story) -> Chain:
    return story.read().chain


def one_chain():
    return thread().message(1).message(2).wrote(1).wrote(2)


def forked():
    """Message 2 starts from the second of four checkpoints of message 1."""
    return thread().message(1).message(2).wrote(1).wrote(2, after="c2")


def test_the_line_of_the_head_is_all_of_a_chain():
    found = chain(one_chain())
    assert found.head_line == list(range(8))
    assert found.head_log == list(marks(*whole(1, 2)))


def test_the_line_of_the_head_leaves_out_the_other_side_of_a_fork():
    found = chain(forked())
    assert found.head_line == [0, 1, 4, 5, 6, 7]
    assert found.head_log == list(marks("1:input", "1:first", *whole(2)))


def test_the_line_of_the_head_ends_at_a_parent_that_is_not_there():
    found = chain(thread().message(1).message(2).wrote(1).wrote(2, after="nowhere"))
    assert found.head_line == [4, 5, 6, 7]


def test_a_parent_that_is_newer_is_no_parent():
    story = thread().message(1).wrote(1, "input", after="c2").wrote(1, "first", after="c1")
    assert chain(story).head_line == [0, 1]


def test_an_empty_history_has_nothing():
    found = chain(thread())
    assert (found.head_line, found.head_log, found.segments(), found.repeated) == ([], [], {}, [])


def test_marks_on_the_other_side_of_a_fork_are_known():
    found = chain(forked())
    assert set(marks("1:middle")) <= found.ever_marked
    assert marks("1:middle")[0] not in found.position


def test_marks_that_stand_twice_are_repeated():
    story = thread().message(1).wrote(1, "input", "first", "first")
    assert chain(story).repeated == list(marks("1:first"))
    assert chain(story).position[marks("1:first")[0]] == 1


def test_a_checkpoint_that_lost_marks_takes_them_from_the_log():
    found = chain(thread().message(1).message(2).wrote(1).wrote(2, keeps=1))
    assert found.head_log == list(marks("1:input", *whole(2)))


def test_each_run_has_its_segment():
    assert chain(one_chain()).segments() == {
        "run-1": Segment((0, 1, 2, 3)),
        "run-2": Segment((4, 5, 6, 7)),
    }


def test_a_segment_is_contiguous_when_nobody_else_wrote_in_between():
    story = thread().message(1).message(2).wrote(1, "input").wrote(2, "input").wrote(1, "first")
    segments = chain(story).segments()
    assert (segments["run-1"].contiguous, segments["run-2"].contiguous) == (False, True)
    assert (segments["run-1"].first, segments["run-1"].last) == (0, 2)


@pytest.mark.parametrize(("story", "length"), [(one_chain(), 4), (forked(), 2)])
def test_the_base_of_a_run_is_the_log_that_it_started_from(story, length):
    found = chain(story)
    assert found.base_length(found.segments()["run-2"]) == length
    assert found.base_length(found.segments()["run-1"]) == 0


def test_a_run_holds_the_marks_it_started_from_and_no_others():
    found = chain(forked())
    second = found.segments()["run-2"]
    assert found.holds(second, marks("1:input", "1:first"))
    assert found.holds(second, [])
    assert not found.holds(second, marks("1:middle"))
    assert not found.holds(second, marks("2:input"))
    assert not found.holds(found.segments()["run-1"], marks("1:input"))


def test_a_run_does_not_hold_what_was_lost_before_it_started():
    story = thread().message(1).message(2).message(3).wrote(1).wrote(2, keeps=1).wrote(3)
    found = chain(story)
    third = found.segments()["run-3"]
    assert found.holds(third, marks("1:input", *whole(2)))
    assert not found.holds(third, marks("1:first"))
