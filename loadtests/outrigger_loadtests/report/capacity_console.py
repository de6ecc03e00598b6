"""The end of a capacity test as its terminal shows it: a line for each strategy."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from outrigger_loadtests.report.capacity_json import CapacityPart, CapacityVerdict, StrategyPart
from outrigger_loadtests.report.text import one_line

_STYLES = {
    CapacityVerdict.PASS: "bold green",
    CapacityVerdict.SLO_MISS: "bold red",
    CapacityVerdict.FAIL: "bold red",
    CapacityVerdict.INCONCLUSIVE: "bold magenta",
}
_COLUMNS = ("strategy", "verdict", "conversations/s", "range", "runs/s", "409", "wasted")


def print_capacity(console: Console, part: CapacityPart) -> None:
    """Print what each strategy came to."""
    held = ", ".join(
        f"p{each.percentile:g} {each.operation} ≤ {each.seconds:g} s" for each in part.objectives
    )
    told = f" capacity under {held}, {part.error_budget:.1%} errors"
    console.print(
        Text.assemble((part.verdict.words, _STYLES[part.verdict]), told),
        soft_wrap=True,
    )
    table = Table(box=SIMPLE, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in {"strategy", "verdict"} else "right")
    for each in part.strategies:
        table.add_row(*_row(each))
    console.print(table)
    for each in part.strategies:
        if each.reason:
            console.print(Text(f"{each.strategy}: {one_line(each.reason)}"), soft_wrap=True)
        if each.usl and each.usl.knee:
            knee = f"{each.strategy}: knee at about {each.usl.knee:.0f} users (a heuristic fit)"
            console.print(Text(knee), soft_wrap=True)


def _row(part: StrategyPart) -> tuple[Text | str, ...]:
    unknown = part.capacity is None
    return (
        part.strategy,
        Text(part.verdict.words, _STYLES[part.verdict]),
        "unknown" if unknown else f"{part.capacity:.3g}",
        "" if unknown else f"{part.low:.3g} to {part.high:.3g}",
        "" if part.runs is None else f"{part.runs:.3g}",
        "" if part.cost is None else f"{part.cost.refused_share:.1%}",
        "" if part.cost is None else f"{part.cost.wasted_share:.1%}",
    )
