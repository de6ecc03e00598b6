from outrigger_loadtests.history.operations import (
    Checkpoint,
    HistoryRead,
    RunRow,
    RunsRead,
    Settled,
    StateRead,
    ThreadRead,
)
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.evidence.checkpoints import checkpoint_lines, log_text, rest_lines
from outrigger_loadtests.report.evidence.lines import ELSEWHERE, NAMED, NEAR
from outrigger_loadtests.report.evidence.scene import scene_of, whole_scene
from outrigger_loadtests.verdict import Finding


def chain_of(story):
    thread = read_thread(story)
    return [line.text for line in checkpoint_lines(thread, whole_scene(story, thread))]


def rest_of(story):
    thread = read_thread(story)
    return rest_lines(thread, whole_scene(story, thread))


def test_a_chain_shows_its_marks_its_forks_and_what_was_dropped(cut_story):
    assert chain_of(cut_story) == [
        "  ckpt-0  x…-1 run 019a…aaaaaa  + input",
        "╎ ckpt-1  x…-1 run 019a…aaaaaa  + first  next middle",
        "╎ ckpt-2  x…-1 run 019a…aaaaaa  + middle",
        "  ckpt-3 ← ckpt-0  x…-2 run 019a…bbbbbb  + input  next first",
    ]


def test_missing_parents_second_roots_lost_and_foreign_marks_are_told(op, create, opened):
    checkpoints = [
        Checkpoint("a", "elsewhere", "run-1", "", 0, ("x2a-3-1:input", "x2a-3-1:first")),
        Checkpoint("b", "a", "run-1", "", 1, ("x9-9-9:input",)),
        Checkpoint("c", "", "nobody", "", 0, ()),
    ]
    history = op(HistoryRead, 50, 60, checkpoints=tuple(checkpoints[::-1]))
    assert [line[2:] for line in chain_of([opened, create(1, 10, 20), history])] == [
        "a ← elsewhere (missing)  x…-1 run run-1  + input first",
        "b  x…-1 run run-1  KEPT 1 of 2 marks  + x9-9-9:input",
        "c ← nothing  run nobody",
    ]


def test_named_checkpoints_are_pointed_at_and_their_parents_are_near(long_story):
    thread = read_thread(long_story)
    scene = scene_of(long_story, thread, [Finding("G3.x", "x", "x2a-3", (), ("c-250",))])
    lines = checkpoint_lines(thread, scene)
    assert lines[250].text.startswith("▶ c-250 ")
    assert [line.rank for line in lines[247:252]] == [ELSEWHERE, ELSEWHERE, NEAR, NAMED, NEAR]


def test_at_rest_equal_logs_are_said_once(cut_story):
    assert rest_of(cut_story) == [
        "at rest     thread idle, quiet",
        "  state log   x…-1: input | x…-2: input",
        "  thread log  the same",
        "  history log the same",
    ]


def test_at_rest_every_difference_is_told(op, opened):
    story = [
        opened,
        op(Settled, 10, 10, quiet=False),
        op(RunsRead, 20, 21, rows=(RunRow("stranger", "success", ""),)),
        op(StateRead, 30, 31, final=True, log=("x2a-3-1:input",), questions=("x2a-3-1",)),
        op(ThreadRead, 40, 41, final=True, status="busy"),
    ]
    assert rest_of(story) == [
        "at rest     thread busy, NOT quiet",
        "  state log   x…-1: input",
        "  thread log  empty",
        "  history log not read",
        "  asks        x…-1",
        "  besides     1 run that nobody here created: stranger",
    ]


def test_a_thread_that_nobody_read_says_so(opened):
    assert rest_of([opened])[:2] == [
        "at rest     thread not read, nobody waited",
        "  state log   not read",
    ]


def test_a_long_log_keeps_what_is_near_and_its_end(long_story):
    thread = read_thread(long_story)
    scene = scene_of(long_story, thread, [Finding("G4.x", "x", "x2a-3", ("run-250",))])
    assert log_text(thread.last_state.log, scene) == (
        "… 249 marks … | x…-249: input | x…-250: input | x…-251: input | … 244 marks … | "
        "x…-496: input | x…-497: input | x…-498: input | x…-499: input"
    )
