import dataclasses

import pytest

from outrigger_loadtests.history.operations import (
    Checkpoint,
    Created,
    HistoryRead,
    Opened,
    Outcome,
    RunRead,
    RunRow,
    RunsRead,
    Settled,
    StateRead,
    Strategy,
    ThreadRead,
)
from outrigger_loadtests.report.outcome import CheckReport, Counts, Target
from outrigger_loadtests.verdict import Examination, Finding, Verdict

HOSTILE = "<b>]]>&\x1b[31m|`` `\r\n# x\ud800\ufffe\u202e\x00 [link](http://x) [bold]"
COMMAND = "outrigger-loadtest check --seed 42 http://127.0.0.1:8123"

REPORT = CheckReport(
    version="0.1.0",
    started_at="2026-01-02T03:04:05+00:00",
    duration=12.34,
    target=Target("http://127.0.0.1:8123", "1.2.3", "outrigger"),
    parameters={"strategy": "all", "seed": 42, "duration": 30.0},
    threads=3,
    operations=1234,
    promises={"G1": "an accepted run ends", "B2": "nothing is left", "R1": "a 409 has a reason"},
    examinations={
        ("R1", "reject"): Examination(7),
        ("G1", "reject"): Examination(9),
        ("G1", "rollback"): Examination(5),
    },
    repeat=COMMAND,
    counts={"rollback": Counts(accepted=5, succeeded=3, rolled_back=2), "reject": Counts(9, 4)},
)


def a_finding(rule="B2.state_left", thread="x2a-1", verdict=Verdict.FAIL, **rest):
    return Finding(rule, rest.pop("message", "a mark is left"), thread, verdict=verdict, **rest)


@pytest.fixture
def found():
    """Make a finding; everything has a default."""
    return a_finding


@pytest.fixture
def clean_report():
    return REPORT


@pytest.fixture
def make_report():
    """Change the clean report; `results` are examinations to add."""

    def make(results=None, **changes):
        examinations = {**REPORT.examinations, **(results or {})}
        return dataclasses.replace(REPORT, **{"examinations": examinations, **changes})

    return make


@pytest.fixture
def hostile_report(make_report):
    finding = a_finding(HOSTILE, HOSTILE, message=HOSTILE, runs=(HOSTILE,), checkpoints=(HOSTILE,))
    warned = a_finding("G8.idle", HOSTILE, Verdict.WARN, message=HOSTILE, reason=HOSTILE)
    return make_report(
        {
            ("B2", "rollback"): Examination(3, [finding]),
            ("G8", "reject"): Examination(3, [warned]),
            ("R1", "mixed"): Examination(crash=HOSTILE),
            ("G1", HOSTILE): Examination(1),
        },
        target=Target(HOSTILE, HOSTILE, HOSTILE),
        parameters={HOSTILE: HOSTILE},
        promises={"B2": HOSTILE, "G1": "x"},
        timelines={HOSTILE: f"```\n{HOSTILE}\n````"},
        notes=(HOSTILE,),
        repeat=HOSTILE,
    )


@pytest.fixture
def many_findings():
    """Ten thousand findings of one rule, two on each thread, and one of another."""
    one_rule = [
        a_finding(thread=f"x2a-{number // 2}", message=f"m{number}") for number in range(10_000)
    ]
    return Examination(20_000, [*one_rule, a_finding("B2.other", "x2a-9999")])


THREAD = "x2a-3"
VICTIM = "019a2b3c-0000-7000-8000-aaaaaaaaaaaa"
NEWCOMER = "019a2b3c-0001-7000-8000-bbbbbbbbbbbb"


def operation(kind, invoked, completed, **rest):
    """An operation at milliseconds of the client's clock, which does not begin at 0."""
    begin = 5_000
    ended = None if completed is None else (begin + completed) * 1_000_000
    return kind(thread=THREAD, invoked=(begin + invoked) * 1_000_000, completed=ended, **rest)


@pytest.fixture
def op():
    return operation


@pytest.fixture
def create(op):
    """Create the run of a number: its id is `run-<number>` unless another one is given."""

    def make(number, invoked, completed, strategy=Strategy.ENQUEUE, **rest):
        rest = {"run_id": f"run-{number}", "code": 200, **rest}
        token = f"{THREAD}-{number}"
        return op(Created, invoked, completed, token=token, strategy=strategy, **rest)

    return make


@pytest.fixture
def opened(op):
    return op(
        Opened, 0, 5, thread_id="7f3c", label="interrupt", probe="probe_async", scenario="storm"
    )


@pytest.fixture
def cut_story(op, create, opened):
    """A run is interrupted by a newcomer that goes on from an older checkpoint than it should."""
    first, middle, second = f"{THREAD}-1:first", f"{THREAD}-1:middle", f"{THREAD}-2:input"
    log = (f"{THREAD}-1:input", second)
    chain = (
        Checkpoint("ckpt-3", "ckpt-0", NEWCOMER, "", 1, (second,), ("first",)),
        Checkpoint("ckpt-2", "ckpt-1", VICTIM, "", 2, (middle,)),
        Checkpoint("ckpt-1", "ckpt-0", VICTIM, "", 1, (first,), ("middle",)),
        Checkpoint("ckpt-0", "", VICTIM, "", 0, (f"{THREAD}-1:input",)),
    )
    rows = (RunRow(VICTIM, "interrupted", "", f"{THREAD}-1"), RunRow(NEWCOMER, "success", ""))
    return [
        opened,
        create(1, 10, 22, run_id=VICTIM),
        op(RunRead, 30, 35, run_id=VICTIM, status="pending"),
        op(RunRead, 60, 66, run_id=VICTIM, status="running", process=1),
        op(RunRead, 160, 166, run_id=VICTIM, status="running"),
        op(ThreadRead, 70, 72, status="busy"),
        op(ThreadRead, 80, 82, status="busy"),
        create(2, 200, 230, Strategy.INTERRUPT, run_id=NEWCOMER),
        create(3, 210, 225, Strategy.REJECT, run_id="", code=409, outcome=Outcome.FAIL),
        create(4, 215, None, run_id="", code=0, outcome=Outcome.INFO, error="reset"),
        op(RunRead, 310, 315, run_id=VICTIM, status="interrupted"),
        op(RunRead, 320, 325, run_id=NEWCOMER, status="running"),
        op(Settled, 600, 600, quiet=True),
        op(RunsRead, 610, 620, rows=rows),
        op(HistoryRead, 620, 640, checkpoints=chain),
        op(StateRead, 640, 650, final=True, log=log),
        op(ThreadRead, 650, 655, final=True, status="idle", log=log),
    ]


@pytest.fixture
def long_story(op, create, opened):
    """Five hundred runs, one every 100 ms, each in flight for 150 ms."""
    story = [opened]
    for number in range(500):
        begin = 100 * number + 10
        run_id = f"run-{number}"
        story += [
            create(number, begin, begin + 10),
            op(RunRead, begin + 120, begin + 125, run_id=run_id, status="running"),
            op(RunRead, begin + 145, begin + 150, run_id=run_id, status="success"),
        ]
    marks = [f"{THREAD}-{number}:input" for number in range(500)]
    chain = [
        Checkpoint(
            f"c-{number}", f"c-{number - 1}" if number else "", f"run-{number}", "", number, (mark,)
        )
        for number, mark in enumerate(marks)
    ]
    story.append(op(HistoryRead, 60_000, 60_010, checkpoints=tuple(chain[::-1])))
    story.append(op(StateRead, 60_010, 60_020, final=True, log=tuple(marks)))
    return story
