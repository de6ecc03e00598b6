import pytest

from fakes.graph_server.bugs import Bug
from harness.simulated import converse, judged, plans
from outrigger_loadtests.models.reading import read_thread
from outrigger_loadtests.report.html.edges import (
    ChainEdge,
    LaneEdge,
    LeftEdge,
    RestEdge,
    SpanEdge,
    forbidden_edges,
)
from outrigger_loadtests.verdict import Finding

VICTIM = "019a2b3c-0000-7000-8000-aaaaaaaaaaaa"
NEWCOMER = "019a2b3c-0001-7000-8000-bbbbbbbbbbbb"


def finding(rule="G3.fork", **rest):
    return Finding(rule, "x", "x2a-3", **rest)


def test_a_checkpoint_with_a_wrong_parent(cut_thread):
    edges = forbidden_edges(
        finding("I5.base", runs=(NEWCOMER,), checkpoints=("ckpt-3", "ckpt-0")), cut_thread
    )
    assert edges == [ChainEdge(3, 0)]


def test_of_several_that_follow_the_same_one_the_first_may(cut_thread):
    edges = forbidden_edges(finding(checkpoints=("ckpt-0", "ckpt-1", "ckpt-3")), cut_thread)
    assert edges == [ChainEdge(3, 0)]


def test_a_checkpoint_without_a_parent(cut_thread):
    assert forbidden_edges(finding("G3.dangling_parent", checkpoints=("ckpt-0",)), cut_thread) == [
        ChainEdge(0, None)
    ]


def test_checkpoints_that_a_run_left(cut_thread):
    left = finding("B2.checkpoint_left", runs=(VICTIM,), checkpoints=("ckpt-0", "ckpt-1"))
    assert forbidden_edges(left, cut_thread) == [LeftEdge(VICTIM, 0), LeftEdge(VICTIM, 1)]


def test_a_stretch_of_time_of_a_run_or_of_the_thread(cut_thread):
    assert forbidden_edges(finding("G8.x", runs=(VICTIM,), between=(1, 2)), cut_thread) == [
        SpanEdge(VICTIM, 1, 2)
    ]
    assert forbidden_edges(finding("R1.x", between=(1, 2)), cut_thread) == [SpanEdge("", 1, 2)]


def test_two_runs_or_one_that_does_not_go_with_the_rest(cut_thread):
    assert forbidden_edges(finding("I7.x", runs=(VICTIM, NEWCOMER)), cut_thread) == [
        LaneEdge(VICTIM, NEWCOMER)
    ]
    assert forbidden_edges(finding("G1.x", runs=(VICTIM,)), cut_thread) == [RestEdge(VICTIM)]
    assert forbidden_edges(finding("G2.x"), cut_thread) == [RestEdge("")]
    assert forbidden_edges(finding("G2.x", runs=("nobody",)), cut_thread) == [RestEdge("")]


@pytest.mark.parametrize("bug", Bug, ids=lambda bug: bug.name.lower())
def test_whatever_is_found_has_an_edge(bug):
    for operations in converse(plans(3, range(10)), 3, frozenset({bug})):
        thread = read_thread(operations)
        for examination in judged([operations]).values():
            for each in examination.findings[:20]:
                assert forbidden_edges(each, thread), each
