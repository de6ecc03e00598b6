"""What a finding says must not be, as edges of a drawing: every finding has one at least.

from a checkpoint to a parent it must not have            ChainEdge
from a run to a checkpoint that must not be there         LeftEdge
from one run to another                                   LaneEdge
from one moment to another, of a run or of the thread     SpanEdge
from a run to what is there at rest                       RestEdge
"""

from collections.abc import Iterator
from dataclasses import dataclass

from outrigger_loadtests.models.segment import Chain
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.verdict import Finding


@dataclass(frozen=True)
class ChainEdge:
    """A checkpoint and a parent, both as numbers in the chain; None for one that is not there."""

    child: int
    parent: int | None


@dataclass(frozen=True)
class LeftEdge:
    """A run, and a checkpoint that it should not have left."""

    run_id: str
    checkpoint: int


@dataclass(frozen=True)
class LaneEdge:
    """Two runs that do not go together."""

    one: str
    other: str


@dataclass(frozen=True)
class SpanEdge:
    """Two moments, of a run or, when it is empty, of the whole thread."""

    run_id: str
    start: int
    stop: int


@dataclass(frozen=True)
class RestEdge:
    """A run that does not go with what is there at rest; of the whole thread when it is empty."""

    run_id: str


LEFT = ".checkpoint_left"

Edge = ChainEdge | LeftEdge | LaneEdge | SpanEdge | RestEdge


def forbidden_edges(finding: Finding, thread: Thread) -> list[Edge]:
    """Return what a finding forbids; never nothing."""
    edges: list[Edge] = [*_of_checkpoints(finding, thread.chain)]
    if finding.between:
        start, stop = finding.between
        edges += [SpanEdge(each, start, stop) for each in finding.runs[:2] or ("",)]
    if edges:
        return edges
    known = [run_id for run_id in finding.runs if run_id in thread.by_id]
    if len(known) > 1:
        return [LaneEdge(known[0], each) for each in known[1:]]
    return [RestEdge(known[0] if known else "")]


def _of_checkpoints(finding: Finding, chain: Chain) -> Iterator[Edge]:
    places = (chain.index.get(each) for each in finding.checkpoints)
    named = [number for number in places if number is not None]
    if finding.rule.endswith(LEFT) and finding.runs:
        yield from (LeftEdge(finding.runs[0], number) for number in named)
        return
    parents = {number: chain.index.get(chain.checkpoints[number].parent_id) for number in named}
    inside = [each for each in named if parents[each] in parents]
    children = inside or [each for each in named if parents[each] is None]
    taken: set[int | None] = set()
    for number in sorted(children):
        parent = parents[number]
        alone = sum(parents[each] == parent for each in children) == 1
        if alone or parent in taken:  # of several that follow the same one, the first may
            yield ChainEdge(number, parent)
        taken.add(parent)
