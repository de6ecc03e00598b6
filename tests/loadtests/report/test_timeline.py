from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.timeline import evidence_timeline
from outrigger_loadtests.verdict import Finding

NEWCOMER = "019a2b3c-0001-7000-8000-bbbbbbbbbbbb"


def test_a_timeline_tells_what_was_sent_the_bars_the_chain_and_the_rest_in_this_order(cut_story):
    text = evidence_timeline(cut_story, read_thread(cut_story), [])
    parts = ["thread x2a-3", "0.010 ", "in flight", "checkpoints, oldest first", "at rest"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_the_evidence_of_a_short_thread_leaves_nothing_out(cut_story):
    thread = read_thread(cut_story)
    finding = Finding(
        "I5.fork", "x", "x2a-3", (NEWCOMER,), ("ckpt-3",), (5_200_000_000, 5_230_000_000)
    )
    evidence = evidence_timeline(cut_story, thread, [finding])
    assert "left out" not in evidence
    assert "▶ ckpt-3 ← ckpt-0" in evidence
    assert "0.200..0.230" in evidence


def test_the_evidence_of_a_long_thread_is_short_and_says_what_it_leaves_out(long_story):
    thread = read_thread(long_story)
    evidence = evidence_timeline(long_story, thread, [Finding("G4.x", "x", "x2a-3", ("run-250",))])
    lines = evidence.splitlines()
    assert len(lines) <= 80
    for run in ("x…-249", "x…-250", "x…-251"):
        assert f"create enqueue {run}, " in evidence
    assert "create enqueue x…-247, " not in evidence
    assert [line for line in lines if line.endswith("operations left out")]
    assert [line for line in lines if line.endswith("runs left out")]
    assert [line for line in lines if line.endswith("checkpoints left out")]


def test_the_evidence_is_bounded_when_everything_overlaps(op, create, opened):
    story = [opened, *(create(number, 10, 20 + number) for number in range(1_000))]
    thread = read_thread(story)
    named = tuple(f"run-{number}" for number in range(500))
    between = [(number, number + 1) for number in range(50)]
    findings = [Finding("R3.two", "x", "x2a-3", named, (), each) for each in between]
    for each in (findings, findings[:1], []):
        assert len(evidence_timeline(story, thread, each).splitlines()) <= 80


def test_a_finding_that_names_nothing_is_shown_with_the_whole_thread(cut_story):
    thread = read_thread(cut_story)
    evidence = evidence_timeline(cut_story, thread, [Finding("G2.stuck", "x", "x2a-3")])
    assert evidence == evidence_timeline(cut_story, thread, [])
    assert "left out" not in evidence


def test_a_finding_that_names_an_unknown_run_is_shown_all_the_same(cut_story):
    finding = Finding("G11.x", "x", "x2a-3", ("nobody",))
    assert "ckpt-3" in evidence_timeline(cut_story, read_thread(cut_story), [finding])


def test_a_thread_that_was_never_opened_has_only_its_operations(create):
    story = [create(1, 10, 20)]
    text = evidence_timeline(story, read_thread(story), [Finding("G1.x", "x", "x2a-3", ("run-1",))])
    assert "create enqueue x…-1" in text
    assert text.endswith("The thread was never opened, so nothing is known of its runs.")


def test_no_operations_make_a_timeline_too():
    assert evidence_timeline([], None, []).startswith("thread ")
