"""The checker's idea of the probe graphs' marks is the probe graphs' own."""

import importlib.util
import json
from pathlib import Path

from outrigger_loadtests import marks
from outrigger_loadtests.settings import PROBES

FOLDER = Path(__file__).parents[2] / "loadtests" / "probe"


def probe_graphs():
    spec = importlib.util.spec_from_file_location("probe_graphs_of_marks", FOLDER / "graphs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_steps_and_marks_are_those_of_the_probe_graphs() -> None:
    graphs = probe_graphs()
    names = (graphs.INPUT, graphs.FIRST, graphs.MIDDLE, graphs.LAST)
    assert names == marks.STEPS
    token = marks.token(marks.thread_name(255, 3), 1)
    assert token == "xff-3-1"
    for step in names:
        assert graphs.mark(token, step) == marks.mark(token, step)
        assert marks.MARK.fullmatch(marks.mark(token, step))
    answer = marks.token(marks.thread_name(255, 3), 2)
    assert graphs.answer_mark(token, answer) == marks.answer_mark(token, answer)
    assert marks.MARK.fullmatch(marks.answer_mark(token, answer))


def test_the_manifest_serves_every_probe() -> None:
    manifest = json.loads((FOLDER / "langgraph.json").read_text())
    assert set(manifest["graphs"]) == {f"probe_{name}" for name in PROBES}


def test_steps_are_found_by_whole_tokens() -> None:
    log = ["x1-1-1:input", "x1-1-10:input", "x1-1-1:first", "x1-1-1:answer:x1-1-2"]
    assert marks.steps_by_token(log) == {
        "x1-1-1": ["input", "first", "answer:x1-1-2"],
        "x1-1-10": ["input"],
    }
