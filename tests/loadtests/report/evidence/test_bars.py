from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.evidence.bars import COLUMNS, bar_lines
from outrigger_loadtests.report.evidence.scene import last_moment, scene_of, whole_scene
from outrigger_loadtests.verdict import Finding


def drawn(story, between=(), findings=(), budget=99):
    thread = read_thread(story)
    scene = scene_of(story, thread, findings) if findings else whole_scene(story, thread)
    lines = bar_lines(thread, scene, last_moment(story), between, budget)
    return [line.text for line in lines]


def cells(lines, label):
    (line,) = [line for line in lines if line.startswith(f"  {label} ")]
    return line[23 : 23 + COLUMNS]


def test_a_run_is_possibly_in_flight_around_the_time_it_definitely_is(cut_story):
    lines = drawn(cut_story)
    bar = cells(lines, "x…-1 enqueue").rstrip("·")
    assert bar == "░█████████████░░░░░░░░░░░░░░░"
    assert lines[0].endswith("one column = 0.011 s")
    assert lines[1].split() == ["0.010", "0.655"]


def test_all_bars_share_one_scale_and_stand_in_the_order_they_were_sent(cut_story):
    lines = drawn(cut_story)[2:]
    assert [line.split()[0] for line in lines] == ["x…-1", "x…-2", "x…-3", "x…-4"]
    starts = [line[23:].index(next(c for c in line[23:] if c != "·")) for line in lines]
    assert starts == sorted(starts)
    assert {len(line[23 : 23 + COLUMNS]) for line in lines} == {COLUMNS}


def test_a_refused_create_is_marked_for_as_long_as_it_took(cut_story):
    assert cells(drawn(cut_story), "x…-3 reject").strip("·") == "xxx"


def test_a_create_of_which_nobody_knows_may_be_in_flight_for_ever(cut_story):
    lines = drawn(cut_story)
    bar = cells(lines, "x…-4 enqueue")
    assert bar.endswith("░")
    assert "█" not in bar
    assert lines[-1].endswith("nobody knows")


def test_a_run_s_line_ends_with_its_status_and_its_whole_id(cut_story):
    assert drawn(cut_story)[2].endswith(" interrupted  019a2b3c-0000-7000-8000-aaaaaaaaaaaa")


def test_a_moment_that_is_looked_at_is_marked_under_the_bars(cut_story):
    lines = drawn(cut_story, between=[(5_200_000_000, 5_230_000_000)])
    assert cells(lines, "looked at").strip("·") == "^^^^"
    assert lines[-1].endswith("0.200..0.230")


def test_only_what_is_shown_sets_the_scale(long_story):
    findings = [Finding("G4.x", "x", "x2a-3", ("run-250",))]
    lines = drawn(long_story, findings=findings, budget=10)
    assert lines[1].split() == ["24.910", "25.260"]
    assert set(cells(lines, "x…-3 enqueue")) == {"·"}


def test_a_thread_without_runs_has_no_bars(opened):
    assert drawn([opened]) == []


def test_a_single_moment_can_be_drawn(opened, create):
    assert cells(drawn([opened, create(1, 10, 10)]), "x…-1 enqueue").startswith("░")
