"""The nemesis of the end-to-end tests: what it did is what its log says."""

import threading

import pytest

from outrigger_loadtests.faults.nemesis import Fault, Nemesis
from outrigger_loadtests.history.faults_log import read_faults


class Harmed:
    """Notes what is done to it, and when that was often enough."""

    def __init__(self, enough: int) -> None:
        self.done: list[str] = []
        self.often_enough = threading.Event()
        self._enough = enough

    def fault(self, name: str) -> Fault:
        def inject() -> None:
            self.done.append(name)
            if len(self.done) == self._enough:
                self.often_enough.set()

        return Fault(name, inject)


def test_faults_are_injected_in_turn_and_written_down(tmp_path):
    harmed = Harmed(5)
    nemesis = Nemesis([harmed.fault("a"), harmed.fault("b")], pause=0.001, log=tmp_path / "log")
    with nemesis.at_work():
        assert harmed.often_enough.wait(10)
    assert harmed.done[:5] == ["a", "b", "a", "b", "a"]
    told = read_faults(tmp_path / "log")
    assert [each.name for each in told] == harmed.done
    assert len(told) == nemesis.injected
    times = [moment for each in told for moment in (each.invoked, each.completed)]
    assert times == sorted(times)


def test_a_log_is_there_before_anything_is_done(tmp_path):
    Nemesis([], pause=1.0, log=tmp_path / "log")
    assert read_faults(tmp_path / "log") == []


def test_a_fault_that_cannot_be_injected_fails_the_test_and_is_not_written_down(tmp_path):
    begun = threading.Event()

    def inject() -> None:
        begun.set()
        raise ProcessLookupError

    nemesis = Nemesis([Fault("a", inject)], pause=0.001, log=tmp_path / "log")
    with pytest.raises(ProcessLookupError), nemesis.at_work():
        assert begun.wait(10)
    assert (nemesis.injected, read_faults(tmp_path / "log")) == (0, [])
