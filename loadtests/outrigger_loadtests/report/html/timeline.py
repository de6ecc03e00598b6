"""One thread as a picture: when each run was in flight, what it wrote, and what must not be.

Above, time: a light bar while a run was possibly in flight, a dark one while it definitely was.
Below, in the order the server has them, the checkpoints, each on the line of the run that wrote it,
with an arrow to its parent. What a finding forbids is red.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from outrigger_loadtests.models.run import NANOSECONDS
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.report.evidence.lines import ELSEWHERE
from outrigger_loadtests.report.evidence.scene import Scene
from outrigger_loadtests.report.html.edges import (
    ChainEdge,
    Edge,
    LaneEdge,
    LeftEdge,
    RestEdge,
    SpanEdge,
    forbidden_edges,
)
from outrigger_loadtests.report.html.lanes import Lane, Lanes, faults_in, lanes_of, span_of
from outrigger_loadtests.report.html.markup import element, fragment, text
from outrigger_loadtests.report.html.scale import Scale
from outrigger_loadtests.report.text import ELLIPSIS, one_line, times
from outrigger_loadtests.verdict import Finding

WIDTH = 940
LEFT = 190
RIGHT = 110
ROW = 22
BAR = 12
TOP = 30
BETWEEN = 54
TICKS = 6
MOST_CHECKPOINTS = 60
_RADIUS = 5.5


@dataclass(frozen=True)
class _Canvas:
    """Where everything lies: times and lines above, checkpoints below."""

    lanes: Lanes
    across: Scale
    chain: dict[int, float]  # the places of the checkpoints that are shown, by number
    below: float

    def lane(self, number: int) -> float:
        """The middle of a line above."""
        return TOP + ROW * number + ROW / 2

    def of_run(self, run_id: str) -> float:
        """The middle of a run's line above; of one that has none, under them all."""
        number = self.lanes.number_of(run_id)
        return self.lane(len(self.lanes.shown) if number is None else number)

    def node(self, number: int, thread: Thread) -> tuple[float, float]:
        """The place of a checkpoint."""
        lane = self.lanes.number_of(thread.chain.checkpoints[number].run_id)
        row = len(self.lanes.shown) if lane is None else lane
        return self.chain[number], self.below + ROW * row + ROW / 2


def thread_svg(
    thread: Thread, scene: Scene, findings: Sequence[Finding], last_moment: int, name: str
) -> Markup:
    """Draw a thread and what findings forbid of it. `name` is unique on the page."""
    lanes = lanes_of(thread, scene)
    between = [each.between for each in findings if each.between]
    start, stop = span_of(lanes.shown, between, last_moment)
    numbers = _checkpoints(thread, scene, lanes)
    rows = len(lanes.shown) + 1
    below = TOP + ROW * rows + BETWEEN
    canvas = _Canvas(
        lanes,
        Scale(start, stop, LEFT, WIDTH - RIGHT),
        dict(zip(numbers, _spread(len(numbers)), strict=True)),
        below,
    )
    forbidden = [edge for each in findings for edge in forbidden_edges(each, thread)]
    red = frozenset(edge for edge in forbidden if isinstance(edge, ChainEdge))
    height = below + ROW * rows + 8 if numbers else below - BETWEEN + 30
    return element(
        "svg",
        element("title", f"Timeline of {scene.thread}"),
        _heads(name),
        _faults(thread, canvas, start, stop),
        _axis(canvas, scene, start, stop),
        *(_bar(lane, n, canvas, start) for n, lane in enumerate(lanes.shown)),
        _chain(thread, scene, canvas, red, name) if numbers else "",
        *(_forbidden(edge, thread, canvas, name) for edge in dict.fromkeys(forbidden)),
        _missing(lanes, thread, numbers, height),
        viewBox=f"0 0 {WIDTH} {height:.0f}",
        class_="timeline",
        role="img",
    )


def _checkpoints(thread: Thread, scene: Scene, lanes: Lanes) -> list[int]:
    """Return the checkpoints that are shown: all, or of too many those near what was found."""
    chain = thread.chain.checkpoints
    if len(chain) <= MOST_CHECKPOINTS:
        return list(range(len(chain)))
    named = [n for n, each in enumerate(chain) if each.checkpoint_id in scene.checkpoints]
    parents = [thread.chain.index.get(chain[number].parent_id) for number in named]
    near = [n for n, each in enumerate(chain) if scene.rank_of_run(each.run_id) < ELSEWHERE]
    shown = {lane.run_id for lane in lanes.shown}
    rest = [n for n, each in enumerate(chain) if each.run_id in shown]
    wanted = dict.fromkeys([*named, *(n for n in parents if n is not None), *near, *rest])
    return sorted(list(wanted)[:MOST_CHECKPOINTS])


def _spread(number: int) -> list[float]:
    step = min(40.0, (WIDTH - RIGHT - LEFT - 20) / max(1, number - 1))
    return [LEFT + 10 + step * each for each in range(number)]


def _heads(name: str) -> Markup:
    """Define the heads of arrows; their names are unique on the page."""
    heads = [
        element(
            "marker",
            element("path", d="M0 0 L8 4 L0 8 z", class_=f"head {kind}"),
            id=f"{name}-{kind}",
            viewBox="0 0 8 8",
            refX=7,
            refY=4,
            markerWidth=size,
            markerHeight=size,
            markerUnits="userSpaceOnUse",
            orient="auto-start-reverse",
        )
        for kind, size in (("plain", 7), ("forbidden", 10))
    ]
    return element("defs", *heads)


def _axis(canvas: _Canvas, scene: Scene, start: int, stop: int) -> Markup:
    lines: list[Markup] = []
    bottom = TOP + ROW * len(canvas.lanes.shown)
    for each in range(TICKS + 1):
        moment = start + (stop - start) * each // TICKS
        x = canvas.across.at(moment)
        lines.append(element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="grid"))
        lines.append(text(x, TOP - 8, f"{scene.at(moment)} s", "tick", "middle"))
    return fragment(*lines, text(8, TOP - 8, "in flight", "head-line"))


def _faults(thread: Thread, canvas: _Canvas, start: int, stop: int) -> Markup:
    bands = []
    for fault in faults_in(thread, start, stop):
        begin = canvas.across.at(fault.invoked)
        end = canvas.across.at(fault.completed or fault.invoked)
        height = ROW * len(canvas.lanes.shown)
        box = element(
            "rect", x=begin, y=TOP, width=max(2.0, end - begin), height=height, class_="band fault"
        )
        bands += [box, text(begin + 2, TOP + height + 12, fault.name, "band-name fault")]
    return fragment(*bands)


def _bar(lane: Lane, number: int, canvas: _Canvas, start: int) -> Markup:
    y = canvas.lane(number)
    begin, end = canvas.across.at(lane.begin), canvas.across.at(lane.end)
    parts = [
        text(8, y + 4, f"{lane.name} {lane.strategy}", "lane"),
        element(
            "rect",
            x=begin,
            y=y - BAR / 2,
            width=max(2.0, end - begin),
            height=BAR,
            rx=3,
            class_="refused" if lane.refused else "possibly",
        ),
    ]
    if lane.surely:
        sure, until = (canvas.across.at(each) for each in lane.surely)
        width = max(2.0, until - sure)
        parts.append(
            element(
                "rect", x=sure, y=y - BAR / 2, width=width, height=BAR, rx=3, class_="definitely"
            )
        )
    parts.append(text(WIDTH - RIGHT + 8, y + 4, lane.told, "told"))
    told = f"{lane.run_id or lane.name}: {lane.told}, {(lane.begin - start) / NANOSECONDS:.3f} s"
    return element("g", element("title", told), *parts, class_=f"run {lane.strategy}")


def _chain(
    thread: Thread, scene: Scene, canvas: _Canvas, red: frozenset[ChainEdge], name: str
) -> Markup:
    """Draw the checkpoints that are shown and the arrows between them."""
    chain = thread.chain
    on_line = set(chain.head_line)
    parts = [text(8, canvas.below - 12, "checkpoints, oldest first", "head-line")]
    parts += [
        text(8, canvas.lane(n) - TOP + canvas.below + 4, lane.name, "lane")
        for n, lane in enumerate(canvas.lanes.shown)
    ]
    for number in canvas.chain:
        parent = chain.index.get(chain.checkpoints[number].parent_id)
        if parent in canvas.chain and ChainEdge(number, parent) not in red:
            path = _arc(canvas.node(number, thread), canvas.node(parent, thread))
            parts.append(element("path", d=path, class_="parent", marker_end=f"url(#{name}-plain)"))
    for number in canvas.chain:
        x, y = canvas.node(number, thread)
        checkpoint = chain.checkpoints[number]
        added = " ".join(one_line(each, 60) for each in checkpoint.added[:4])
        told = f"{checkpoint.checkpoint_id} of {checkpoint.run_id}, adds {added or 'nothing'}"
        sort = "node" if number in on_line else "node beside"
        named = " named" if checkpoint.checkpoint_id in scene.checkpoints else ""
        strategy = (
            thread.by_id[checkpoint.run_id].strategy if checkpoint.run_id in thread.by_id else ""
        )
        circle = element("circle", cx=x, cy=y, r=_RADIUS, class_=f"{sort}{named}")
        parts.append(element("g", element("title", told), circle, class_=f"run {strategy}"))
    return fragment(*parts)


def _forbidden(edge: Edge, thread: Thread, canvas: _Canvas, name: str) -> Markup:
    path = _path(edge, thread, canvas)
    if not path:
        return Markup()
    return element("path", d=path, class_="forbidden", marker_end=f"url(#{name}-forbidden)")


def _path(edge: Edge, thread: Thread, canvas: _Canvas) -> str:
    match edge:
        case ChainEdge(child, parent):
            return _of_chain(child, parent, thread, canvas)
        case LeftEdge(run_id, checkpoint):
            return _of_left(run_id, checkpoint, thread, canvas)
        case LaneEdge(one, other):
            x = max(_begin_of(one, canvas), _begin_of(other, canvas))
            return f"M{x:.1f} {canvas.of_run(one):.1f} L{x:.1f} {canvas.of_run(other):.1f}"
        case SpanEdge(run_id, start, stop):
            y = canvas.of_run(run_id)
            begin, end = canvas.across.at(start), canvas.across.at(stop)
            return f"M{min(begin, end - 6):.1f} {y:.1f} L{max(end, begin + 6):.1f} {y:.1f}"
        case RestEdge(run_id):
            y, x = canvas.of_run(run_id), _end_of(run_id, canvas)
            edge_of_page = WIDTH - RIGHT + 4
            return f"M{min(x, edge_of_page - 14):.1f} {y:.1f} L{edge_of_page} {y:.1f}"


def _of_chain(child: int, parent: int | None, thread: Thread, canvas: _Canvas) -> str:
    if child not in canvas.chain:
        return ""
    begin = canvas.node(child, thread)
    if parent is None or parent not in canvas.chain:
        return _arc(begin, (begin[0] - 26, begin[1] - ROW))  # to where nothing is
    return _arc(begin, canvas.node(parent, thread))


def _of_left(run_id: str, checkpoint: int, thread: Thread, canvas: _Canvas) -> str:
    if checkpoint not in canvas.chain:
        return ""
    begin = _end_of(run_id, canvas), canvas.of_run(run_id)
    return _arc(begin, canvas.node(checkpoint, thread))


def _begin_of(run_id: str, canvas: _Canvas) -> float:
    number = canvas.lanes.number_of(run_id)
    return canvas.across.at(canvas.lanes.shown[number].begin) if number is not None else LEFT


def _end_of(run_id: str, canvas: _Canvas) -> float:
    number = canvas.lanes.number_of(run_id)
    return canvas.across.at(canvas.lanes.shown[number].end) if number is not None else LEFT


def _arc(begin: tuple[float, float], end: tuple[float, float]) -> str:
    """Return a line from the rim of one circle to that of another, bent when they are far apart."""
    (x1, y1), (x2, y2) = begin, end
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5 or 1.0
    dx, dy = (x2 - x1) / length * (_RADIUS + 1), (y2 - y1) / length * (_RADIUS + 1)
    far = abs(x2 - x1) > 60 and abs(y2 - y1) < ROW / 2  # noqa: PLR2004  over others on its line
    lift = -14 if far else 0
    middle = f"{(x1 + x2) / 2:.1f} {(y1 + y2) / 2 + 2 * lift:.1f}"
    return f"M{x1 + dx:.1f} {y1 + dy:.1f} Q{middle} {x2 - dx:.1f} {y2 - dy:.1f}"


def _missing(lanes: Lanes, thread: Thread, numbers: Sequence[int], height: float) -> Markup:
    """Say what there was no room for."""
    told = []
    if lanes.left_out:
        told.append(times(lanes.left_out, "run"))
    if hidden := len(thread.chain.checkpoints) - len(numbers):
        told.append(times(hidden, "checkpoint"))
    if not told:
        return Markup()
    return text(WIDTH - 8, height - 4, f"{ELLIPSIS} {' and '.join(told)} left out", "tick", "end")
