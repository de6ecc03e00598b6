from xml.etree import ElementTree as ET

from outrigger_loadtests.history.operations import Faulted
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.evidence.scene import last_moment, scene_of
from outrigger_loadtests.report.html.lanes import MOST_LANES
from outrigger_loadtests.report.html.timeline import MOST_CHECKPOINTS, thread_svg
from outrigger_loadtests.verdict import Finding

VICTIM = "019a2b3c-0000-7000-8000-aaaaaaaaaaaa"
NEWCOMER = "019a2b3c-0001-7000-8000-bbbbbbbbbbbb"
CUT = Finding("I5.base", "x", "x2a-3", (NEWCOMER,), ("ckpt-3", "ckpt-0"))


def drawn(operations, *findings):
    thread = read_thread(operations)
    scene = scene_of(operations, thread, findings)
    return ET.fromstring(thread_svg(thread, scene, findings, last_moment(operations), "here"))


def of_class(root, name):
    return [each for each in root.iter() if name in each.get("class", "").split()]


def test_every_run_has_a_bar_and_a_surer_one_within_it(cut_story):
    root = drawn(cut_story, CUT)
    (wide, *_), (sure, *_) = of_class(root, "possibly"), of_class(root, "definitely")
    begin, width = float(wide.get("x")), float(wide.get("width"))
    assert begin <= float(sure.get("x"))
    assert float(sure.get("x")) + float(sure.get("width")) <= begin + width
    assert len(of_class(root, "possibly")) == 3  # two runs, and a create of which nobody knows
    assert len(of_class(root, "refused")) == 1


def test_checkpoints_have_arrows_to_their_parents_and_the_wrong_one_is_red(cut_story):
    root = drawn(cut_story, CUT)
    assert len(of_class(root, "node")) == 4
    assert len(of_class(root, "named")) == 2
    assert len(of_class(root, "parent")) == 2
    (red,) = (
        each for each in of_class(root, "forbidden") if each.get("d") and each.get("marker-end")
    )
    assert red.get("marker-end") == "url(#here-forbidden)"
    assert {each.get("id") for each in root.iter("marker")} == {"here-plain", "here-forbidden"}


def test_what_the_newest_does_not_stand_on_is_beside(cut_story):
    assert len(of_class(drawn(cut_story, CUT), "beside")) == 2


def test_faults_are_bands_with_their_names(cut_story, op):
    story = [*cut_story, op(Faulted, 100, 150, name="kill <worker>")]
    root = drawn(story, CUT)
    assert len(of_class(root, "band")) == 1
    assert "kill <worker>" in [each.text for each in root.iter("text")]


def test_a_long_thread_is_bounded_and_says_what_is_left_out(long_story):
    finding = Finding("G1.lost", "x", "x2a-3", ("run-250",), ("c-250",))
    root = drawn(long_story, finding)
    assert 1 <= len(of_class(root, "possibly")) <= MOST_LANES
    assert 1 <= len(of_class(root, "node")) <= MOST_CHECKPOINTS
    assert any("left out" in (each.text or "") for each in root.iter("text"))


def test_a_thread_of_which_nothing_is_known_can_be_drawn(opened):
    root = drawn([opened], Finding("G2.x", "x", "x2a-3"))
    assert root.tag == "svg"
    assert len([each for each in of_class(root, "forbidden") if each.get("marker-end")]) == 1
