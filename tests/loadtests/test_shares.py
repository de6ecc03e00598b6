"""A history judged by a process for each core comes to what one process comes to."""

from pathlib import Path

import pytest

from fakes.graph_server.bugs import CORRECT, Bug
from harness.simulated import converse, plans
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.errors import UnreadableHistory
from outrigger_loadtests.history.file import Share, encode, lines_by_thread, threads_of
from outrigger_loadtests.history.operations import Faulted, Opened, Outcome, Stalled
from outrigger_loadtests.judging import Judgement, judge_history
from outrigger_loadtests.profiles import OFFICIAL, OUTRIGGER
from outrigger_loadtests.shares import judge_on_every_core

CONVERSATIONS = 30


@pytest.fixture(params=[CORRECT, frozenset({Bug.ZOMBIE_WRITES})], ids=["correct", "wrong"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    times = {"invoked": 0, "completed": 2_000_000_000}
    lines = [encode([Stalled(thread="", **times), Faulted(thread="", name="kill api", **times)])]
    lines += [encode([Opened(thread="x7-1", label="mixed", outcome=Outcome.INFO, **times)])]
    for number in range(CONVERSATIONS):
        lines += [encode(each) for each in converse(plans(6, [number]), number, request.param)]
    path.write_bytes(b"".join(lines))
    return path


def facts(judgement: Judgement):
    examinations = {
        key: (each.examined, sorted(map(repr, each.findings)), each.crash)
        for key, each in judgement.examinations.items()
    }
    beside = (judgement.unopened, judgement.excused, judgement.stalled, judgement.faults)
    return judgement.threads, beside, judgement.counts, examinations


@pytest.mark.parametrize("profile", [OUTRIGGER, OFFICIAL], ids=lambda profile: profile.name)
def test_processes_come_to_what_one_process_comes_to(history: Path, profile) -> None:
    alone = judge_history(history, profile, INVARIANTS, {"x6-1"})
    shared = judge_on_every_core(history, profile, {"x6-1"}, large_bytes=0)
    assert facts(shared) == facts(alone)
    assert alone.threads == CONVERSATIONS - 1
    assert (alone.excused, alone.faults) == (1, {"kill api": 1})


def test_every_thread_is_in_exactly_one_share(history: Path) -> None:
    with history.open("rb") as lines:
        all_threads = [each for each in lines_by_thread(lines) if each]
    shares = [Share(number, 3) for number in range(3)]
    found = [each[0].thread for share in shares for each in threads_of(history, share)]
    assert sorted(filter(None, found)) == sorted(each.decode() for each in all_threads)
    assert found.count("") == len(shares)


def test_a_history_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"kind":"created","thread":"x1-1"}\n')
    with pytest.raises(UnreadableHistory):
        judge_on_every_core(path, OUTRIGGER, large_bytes=0)
