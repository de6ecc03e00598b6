import pytest

from harness.histories import thread
from outrigger_loadtests.errors import UnreadableHistory
from outrigger_loadtests.history.file import (
    encode,
    history_file,
    lines_by_thread,
    operations_of,
    threads_of,
)
from outrigger_loadtests.history.operations import Faulted, Settled, Stalled


def settled(name: str, at: int = 0) -> Settled:
    return Settled(thread=name, invoked=at, completed=at + 1, quiet=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "history.jsonl"


def test_what_is_recorded_is_read_again_thread_by_thread(path):
    operations = thread().turn(1).operations()
    with history_file(path) as file:
        for each in operations:
            file.record(each)
    assert file.operations == len(operations)
    assert list(threads_of(path)) == [operations]


def test_a_new_history_takes_the_place_of_an_old_one(path):
    for name in ("x1-1", "x1-2"):
        with history_file(path) as file:
            file.record(settled(name))
    assert [each[0].thread for each in threads_of(path)] == ["x1-2"]


def test_threads_come_in_the_order_of_their_first_lines(path):
    with history_file(path) as file:
        for number, name in enumerate(["b", "a", "b", "c", "a"]):
            file.record(settled(name, number))
    read = [(each[0].thread, [one.invoked for one in each]) for each in threads_of(path)]
    assert read == [("b", [0, 2]), ("a", [1, 4]), ("c", [3])]


def test_what_belongs_to_no_thread_comes_first_wherever_it_stands(path):
    with history_file(path) as file:
        file.record(settled("x1-1"))
        file.record(Stalled(thread="", invoked=1, completed=2))
        file.record(settled("x1-2"))
        file.record(Faulted(thread="", invoked=3, name="kill worker"))
    read = [[type(one).__name__ for one in each] for each in threads_of(path)]
    assert read == [["Stalled", "Faulted"], ["Settled"], ["Settled"]]


def test_an_empty_file_has_no_threads(path):
    with history_file(path):
        pass
    assert list(threads_of(path)) == []


def test_a_file_that_is_not_there_is_an_os_error(path):
    with pytest.raises(OSError, match="history"):
        list(threads_of(path))


def test_a_line_without_a_thread_is_named_by_its_number():
    lines = [*encode([settled("x1-1")]).splitlines(), b"{}"]
    with pytest.raises(UnreadableHistory, match=r"line 2 .* it names no thread"):
        lines_by_thread(lines)


def test_a_line_that_broke_in_the_middle_of_a_name_is_named_by_its_number():
    with pytest.raises(UnreadableHistory, match="line 1 "):
        lines_by_thread([b'{"kind":"settled","thread":"x1'])


@pytest.mark.parametrize(
    "broken",
    [
        b'{"kind":"settled","thread":"x1-1","invo',
        b'{"kind":"dreamt","thread":"x1-1","invoked":0}',
        b'{"kind":"settled","thread":"x1-1","invoked":"now","quiet":true}',
        b'{"kind":"settled","thread":"x1-1","invoked":0,"quiet":true,"extra":1}',
        b'{"kind":"settled","thread":"x1-1","invoked":0}',
        b'{"thread":"x1-1","invoked":0}',
        b"",
    ],
    ids=["cut", "unknown kind", "wrong type", "unknown field", "missing field", "no kind", "empty"],
)
def test_a_line_that_is_no_operation_is_named_by_its_number(broken):
    lines = [*encode([settled("x1-1"), settled("x1-1")]).splitlines(), broken]
    with pytest.raises(UnreadableHistory, match="line 3 of the history cannot be read: "):
        operations_of(lines)


def test_a_name_may_need_quoting(path):
    strange = 'it\'s "quoted" \\ and ends'
    with history_file(path) as file:
        file.record(settled(strange))
        file.record(settled("x1-1"))
        file.record(settled(strange))
    assert [each[0].thread for each in threads_of(path)] == [strange, "x1-1"]
