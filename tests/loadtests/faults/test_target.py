"""Which harm is done to a target, and in which order."""

from types import SimpleNamespace

import pytest

from outrigger_loadtests.errors import TargetNotStarted
from outrigger_loadtests.faults.kinds import kind_named
from outrigger_loadtests.faults.target import FAULTS, ScaledTarget, faults_of


class Victim:
    """Notes what is done to it."""

    delay = 0.0

    def __init__(self, name, done):
        self._name = name
        self._done = done

    def __getattr__(self, what):
        return lambda *given: self._done.append((self._name, what, *given))


@pytest.fixture
def done():
    return []


@pytest.fixture
def target(done):
    names = ("api-0", "api-1", "worker-0", "worker-1", "network", "postgres", "redis")
    victims = {name: Victim(name, done) for name in names}
    cluster = SimpleNamespace(
        apis=[victims["api-0"], victims["api-1"]],
        workers=[victims["worker-0"], victims["worker-1"]],
        network=victims["network"],
        url="http://127.0.0.1:1",
    )
    return ScaledTarget(cluster, victims["postgres"], victims["redis"])


def test_every_fault_is_of_a_kind_that_is_known():
    assert all(kind_named(each.replace("_", " ")) for each in FAULTS)


def test_faults_are_done_in_turn_each_to_one_process_after_the_other(target, done):
    faults = faults_of(target, ["kill_worker", "kill_api"])
    assert [each.name for each in faults] == ["kill worker", "kill api"] * 2
    for each in faults:
        each.inject()
    killed = [name for name, what, *_ in done if what == "kill"]
    assert killed == ["worker-0", "api-0", "worker-1", "api-1"]
    assert done[:3] == [
        ("worker-0", "kill"),
        ("worker-0", "start"),
        ("worker-0", "wait_until_ready"),
    ]


def test_a_worker_is_told_to_end_and_started_again(target, done):
    faults_of(target, ["terminate_worker"])[0].inject()
    assert [what for _, what, *_ in done] == ["stop", "start", "wait_until_ready"]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_has_a_way(target, name):
    assert all(each.name == name.replace("_", " ") for each in faults_of(target, [name]))
    assert faults_of(target, [name])


def test_a_fault_that_is_not_known_is_refused(target):
    with pytest.raises(TargetNotStarted, match="it is one of kill_worker"):
        faults_of(target, ["eclipse"])


def test_no_faults_are_none(target):
    assert faults_of(target, []) == []
