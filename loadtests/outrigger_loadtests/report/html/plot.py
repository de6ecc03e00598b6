"""Plots as SVG: lines over time or over anything else, with bands of stages and faults behind."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from outrigger_loadtests.report.html.markup import element, fragment, text
from outrigger_loadtests.report.html.scale import Scale, clock, clock_ticks, number, ticks

WIDTH = 520
HEIGHT = 210
LEFT, RIGHT, TOP, BOTTOM = 52, 24, 30, 26
_LABEL_ROOM = 6.0  # of one character of a band's name
MOST_COLOURS = 8


@dataclass(frozen=True)
class Point:
    """One value; None where there is none, and the line has a gap."""

    x: float
    y: float | None


@dataclass(frozen=True)
class Series:
    """A line with a name, or only its `dots`. `role` picks the colour: `ok`, `fail`, a strategy."""

    name: str
    points: Sequence[Point]
    role: str
    dashed: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Band:
    """A stretch of the x axis: a stage of the load, or a fault."""

    kind: str
    name: str
    start: float
    stop: float


@dataclass(frozen=True)
class Plot:
    """One plot: what it shows and how its axes are told."""

    title: str
    series: Sequence[Series]
    bands: Sequence[Band] = ()
    unit: str = ""
    x_ticks: Sequence[float] = ()
    x_name: Callable[[float], str] = clock
    note: str = ""

    @property
    def has_marks(self) -> bool:
        """Whether there is anything to draw."""
        return any(point.y is not None for each in self.series for point in each.points)


def plot_svg(plot: Plot) -> Markup:
    """Draw a plot; one that has no value says so."""
    xs = [point.x for each in plot.series for point in each.points]
    ys = [point.y for each in plot.series for point in each.points if point.y is not None]
    if not ys:
        return element("p", "Nothing was measured.", class_="nothing")
    x_ticks = plot.x_ticks or clock_ticks(max(xs))
    y_ticks = ticks(max(ys))
    across = Scale(min(0.0, *xs, *x_ticks), max(*xs, *x_ticks), LEFT, WIDTH - RIGHT)
    up = Scale(0, y_ticks[-1], HEIGHT - BOTTOM, TOP)
    return element(
        "svg",
        element("title", plot.title),
        _bands(plot.bands, across),
        _grid(plot, x_ticks, y_ticks, across, up),
        *(_line(each, across, up, plot) for each in plot.series),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="plot",
        role="img",
    )


def legend(plot: Plot) -> Markup:
    """Return the names of the lines, each with its colour."""
    return element(
        "p",
        *(
            element("span", element("i", class_=f"key {each.role}"), each.name)
            for each in plot.series
        ),
        class_="legend",
    )


def _bands(bands: Iterable[Band], across: Scale) -> Markup:
    """Draw the bands, and their names where there is room for them."""
    drawn, free = [], {"stage": float(LEFT), "fault": float(LEFT)}
    for band in sorted(bands, key=lambda each: each.start):
        begin, end = across.at(band.start), across.at(band.stop)
        rectangle = element(
            "rect",
            element("title", f"{band.name}: {clock(band.start)} to {clock(band.stop)}"),
            x=begin,
            y=TOP,
            width=max(1.5, end - begin),
            height=HEIGHT - BOTTOM - TOP,
            class_=f"band {band.kind}",
        )
        drawn.append(rectangle)
        room = _LABEL_ROOM * len(band.name)
        if begin >= free[band.kind] and begin + room <= WIDTH:
            row = TOP - 4 if band.kind == "stage" else TOP + 10
            drawn.append(text(begin + 2, row, band.name, f"band-name {band.kind}"))
            free[band.kind] = begin + room
    return fragment(*drawn)


def _grid(
    plot: Plot, x_ticks: Iterable[float], y_ticks: Iterable[float], across: Scale, up: Scale
) -> Markup:
    lines: list[Markup] = []
    for value in y_ticks:
        y = up.at(value)
        lines.append(element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="grid"))
        lines.append(text(LEFT - 6, y + 4, number(value), "tick", "end"))
    for value in x_ticks:
        x = across.at(value)
        lines.append(text(x, HEIGHT - BOTTOM + 16, plot.x_name(value), "tick", "middle"))
        lines.append(element("line", x1=x, x2=x, y1=up.begin, y2=up.begin + 4, class_="axis"))
    base = element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=up.begin, y2=up.begin, class_="axis")
    return fragment(*lines, base, text(4, 11, plot.unit, "tick"))


def _line(series: Series, across: Scale, up: Scale, plot: Plot) -> Markup:
    pieces = []
    for there, points in groupby(series.points, key=lambda each: each.y is not None):
        if there:
            pieces.append(_piece(list(points), series, across, up))
    last = next((each for each in reversed(series.points) if each.y is not None), None)
    told = f"{series.name}: {number(last.y)} {plot.unit}" if last and last.y is not None else ""
    return element("g", element("title", told or series.name), *pieces, class_=series.role)


def _piece(points: Sequence[Point], series: Series, across: Scale, up: Scale) -> Markup:
    """Draw values without a gap between them: a line, or dots, also when there is only one."""
    places = [(across.at(each.x), up.at(each.y)) for each in points if each.y is not None]
    if series.dots or len(places) == 1:
        dots = (element("circle", cx=x, cy=y, r=2.5, class_="mark dot") for x, y in places)
        return fragment(*dots)
    path = " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return element(
        "path", d=f"M{path}", class_="mark line dashed" if series.dashed else "mark line"
    )
