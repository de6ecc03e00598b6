"""What is seen while a capacity test runs, and at its end."""

import io
from typing import Any

import pytest
from rich.console import Console

from harness.capacities import capacity_part
from harness.stages import held, order
from outrigger_loadtests.capacity.results import Frame, generator_part, merged, stage_part
from outrigger_loadtests.capacity.screen import CapacityScreen
from outrigger_loadtests.capacity.settings import Limits
from outrigger_loadtests.generator.metrics import GeneratorMetrics
from outrigger_loadtests.generator.stage import Standing
from outrigger_loadtests.report.capacity_console import print_capacity
from outrigger_loadtests.report.capacity_json import StageKind, StagePart


def stage(reasons: tuple[str, ...] = (), **given: Any) -> StagePart:
    this = order(rate=5, measured=1, **given)
    result = merged(held(this))
    generator = generator_part(result, Limits(cpu=1.0))
    frame = Frame(1, 1, StageKind.GEOMETRIC, 0.0, 1.0)
    return stage_part(frame, this, result, generator, (0, 0), reasons)


def shown(*, terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=terminal, force_interactive=terminal)
    with CapacityScreen(console, GeneratorMetrics()) as screen:
        screen.begin(order(rate=40.66))
        screen.tell([Standing(at=3, offered=60, achieved=58, in_flight=2)] * 2)
        screen.end(stage())
        screen.begin(order(rate=0, users=8))
        screen.end(stage(("first_event p95 1.7 s is over 1 s", "it grows")))
    return out.getvalue()


def test_a_line_for_each_stage_says_what_came_of_it() -> None:
    assert shown(terminal=False).splitlines() == [
        "enqueue 40.7/s: holds",
        "enqueue 8 users: first_event p95 1.7 s is over 1 s; it grows",
    ]


def test_on_a_terminal_the_counts_of_all_workers_move() -> None:
    text = shown(terminal=True)
    assert "enqueue 40.7/s 3/10 s, begun 120, ended 116, now 4, errors 0" in text
    assert "enqueue 40.7/s: holds" in text


def test_the_metrics_are_told_the_same() -> None:
    metrics = GeneratorMetrics("one")
    with CapacityScreen(Console(file=io.StringIO()), metrics) as screen:
        screen.begin(order(rate=40.0))
        screen.tell([Standing(offered=60), Standing(offered=20)])
    name = "outrigger_loadtest_conversations_offered_total"
    assert metrics.registry.get_sample_value(name, {"test": "one"}) == 80


@pytest.mark.parametrize("word", ["PASS", "enqueue", "conversations/s", "to"])
def test_the_end_has_a_line_for_each_strategy(word: str) -> None:
    out = io.StringIO()
    print_capacity(Console(file=out, width=100), capacity_part({"enqueue": [19.0, 20.0, 21.0]}))
    assert word in out.getvalue()
