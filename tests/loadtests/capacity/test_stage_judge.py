"""A promise that breaks under load is found in the stage in which it broke."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from fakes.graph_server.bugs import CORRECT, Bug, Bugs
from fakes.graph_server.clock import SimulatedClock
from fakes.graph_server.server import FakeServer
from fakes.graph_server.transport import SimulatedTransport
from harness.capacity_trials import settings, trial
from harness.stages import SimulatedFleet
from outrigger_loadtests.behaviour.file import shipped
from outrigger_loadtests.capacity.stage_judge import StageJudge
from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.profiles import OUTRIGGER
from outrigger_loadtests.report.capacity_json import CapacityVerdict, StrategyPart


def measured(folder: Path, bugs: Bugs, label: str, workers: int = 1) -> StrategyPart:
    def server(clock: SimulatedClock) -> Any:
        chance = Random(7)
        return SimulatedTransport(FakeServer(clock, chance, bugs), clock, chance)

    given = settings(
        folder,
        behaviour=shipped("default"),
        start=4.0,
        most=4.0,
        stage=10.0,
        checked_share=1.0,
        slo_p95=("first_event=30s",),
    )
    judge = StageJudge(folder / "history.jsonl", OUTRIGGER, INVARIANTS)
    return trial(given, SimulatedFleet(server, workers), judge.judge).measure(label)


@pytest.mark.parametrize("label", ["reject", "enqueue", "interrupt", "rollback", "mixed"])
def test_a_server_that_keeps_its_promises_is_believed(label: str, tmp_path: Path) -> None:
    found = measured(tmp_path, CORRECT, label)
    assert (found.verdict, found.capacity) == (CapacityVerdict.PASS, 4.0)
    (stage,) = found.stages
    assert stage.checked > 30
    assert stage.failures == 0
    assert (tmp_path / "history.jsonl").read_bytes().count(b'"kind":"opened"') == stage.checked


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_promise_is_worth_more_than_any_number(workers: int, tmp_path: Path) -> None:
    found = measured(tmp_path, Bugs({Bug.INPUT_DOUBLED}), "mixed", workers)
    assert (found.verdict, found.capacity) == (CapacityVerdict.FAIL, None)
    assert found.stages[0].failures > 0
    assert "broken promises in stage 1" in found.reason


def test_without_checked_conversations_nothing_is_judged(tmp_path: Path) -> None:
    judge = StageJudge(tmp_path / "history.jsonl", OUTRIGGER, INVARIANTS)
    assert judge.judgement.threads == 0
    assert (tmp_path / "history.jsonl").read_bytes() == b""
