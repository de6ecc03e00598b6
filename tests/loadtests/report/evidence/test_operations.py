import pytest

from outrigger_loadtests.history.operations import (
    Action,
    Cancelled,
    Created,
    Deleted,
    Ending,
    Endpoint,
    Faulted,
    Frame,
    Joined,
    Opened,
    Outcome,
    RunRead,
    Settled,
    StateRead,
    Strategy,
    Streamed,
    ThreadRead,
)
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.evidence.operations import operation_lines
from outrigger_loadtests.report.evidence.scene import whole_scene

TOKEN = "x2a-3-1"


def told(story):
    scene = whole_scene(story, read_thread(story))
    return [line.text for line in operation_lines(story, scene)]


@pytest.fixture
def alone(opened, create, op):
    """Tell one operation on a thread with one run."""

    def tell(kind, **rest):
        line = told([opened, create(1, 10, 20), op(kind, 30, 45, **rest)])[-1]
        assert line.startswith("    0.030 →     0.045  p0   ")
        return line[28:]

    return tell


def test_operations_come_in_the_order_they_were_sent(cut_story):
    starts = [float(line.split()[0]) for line in told(cut_story[::-1])]
    assert starts == sorted(starts)


def test_a_create_says_what_was_asked_for_and_what_came_back(cut_story):
    lines = told(cut_story)
    assert (
        "    0.200 →     0.230  p0   create interrupt x…-2, background, 200, run 019a…bbbbbb"
        in lines
    )
    assert "    0.210 →     0.225  p0   create reject x…-3, background, refused 409" in lines
    assert "    0.215 →     never  p0   create enqueue x…-4, background, UNKNOWN: reset" in lines


def test_a_run_s_statuses_are_one_line(cut_story):
    (line,) = [line for line in told(cut_story) if "pending" in line]
    assert line.startswith("    0.030 →     0.315  p*   ")
    statuses = "pending 0.035 → running 0.066..0.166 → interrupted 0.315"
    assert line.endswith(f"x…-1 run 019a…aaaaaa: {statuses}")


def test_a_status_that_changes_all_the_time_is_shortened(opened, op):
    reads = [
        op(RunRead, each, each, run_id="r", status=("pending", "running")[each % 2])
        for each in range(100)
    ]
    line = told([opened, *reads])[-1]
    assert line.count("→") <= 7
    assert "… 95 changes …" in line


def test_a_read_that_failed_is_told(opened, op):
    story = [
        opened,
        op(RunRead, 10, 11, run_id="r", status="running"),
        op(RunRead, 20, 21, run_id="r", outcome=Outcome.INFO, code=503),
        op(RunRead, 30, 31, run_id="r", status="success"),
    ]
    assert told(story)[-1].endswith("running 0.011 → UNKNOWN 503 0.021 → success 0.031")


def test_reads_of_a_thread_that_show_the_same_are_one_line(opened, op):
    statuses = ["busy", "busy", "idle", "busy"]
    reads = [op(ThreadRead, 10 * n, 10 * n + 1, status=each) for n, each in enumerate(statuses, 1)]
    assert [line.split("→")[1] for line in told([opened, *reads])[1:]] == [
        "     0.021  p0   thread busy (2x)",
        "     0.031  p0   thread idle",
        "     0.041  p0   thread busy",
    ]


def test_a_stream_tells_its_frames_and_how_it_ended(alone):
    frames = tuple(
        Frame(5_031_000_000 + n * 1_000_000, name)
        for n, name in enumerate(["metadata", "values", "values", "error"])
    )
    text = alone(
        Streamed, run_id="run-1", token=TOKEN, from_start=True, frames=frames, ending=Ending.BROKEN
    )
    assert text == (
        "stream x…-1 run run-1 from its start, 4 frames 0.031..0.034: "
        "metadata values (2x) error, broken"
    )


def test_a_stream_without_frames_is_told(alone):
    assert alone(Streamed, run_id="run-1", after_id="7", code=200) == (
        "stream x…-1 run run-1 after 7, 200, 0 frames, closed"
    )


def test_a_join_tells_what_it_got(alone):
    assert alone(Joined, run_id="run-1", status="error", failure="Rolled", log=("a", "b")) == (
        "join x…-1 run run-1, error, error Rolled, 2 marks"
    )


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (
            Cancelled,
            {"run_id": "run-1", "action": Action.ROLLBACK, "wait": True, "code": 204},
            "cancel rollback x…-1 run run-1 and wait, 204",
        ),
        (Deleted, {"run_id": "run-1", "code": 204}, "delete x…-1 run run-1, 204"),
        (Deleted, {"run_id": "other"}, "delete run other"),
        (Faulted, {"name": "kill -9 worker"}, "FAULT kill -9 worker"),
        (Settled, {"quiet": False}, "NOT quiet, the wait for it ended"),
        (
            StateRead,
            {"log": ("x2a-3-1:input",), "checkpoint_id": "c1", "questions": (TOKEN,), "code": 200},
            "state, 200: 1 mark up to x…-1:input, at c1, asks x…-1",
        ),
        (
            Created,
            {
                "token": "x2a-3-2",
                "strategy": Strategy.ROLLBACK,
                "endpoint": Endpoint.WAIT,
                "answers": TOKEN,
                "after_seconds": 1.5,
                "together": "g1",
                "outcome": Outcome.FAIL,
                "error": "gone",
            },
            "create rollback x…-2, wait, answers x…-1, after 1.5 s, together g1, not sent: gone",
        ),
        (
            Opened,
            {"label": "mixed", "probe": "p", "scenario": "s", "outcome": Outcome.INFO},
            "open x2a-3 = ?, mixed, p, s, UNKNOWN",
        ),
    ],
)
def test_every_kind_of_operation_is_told(alone, kind, fields, text):
    assert alone(kind, **fields) == text


def test_hostile_text_stays_on_its_line(alone):
    text = alone(Faulted, name="a\nb\x1b[31m" + "x" * 1000)
    assert text.startswith("FAULT a b\\x1b[31mxxx")
    assert len(text) == 130
