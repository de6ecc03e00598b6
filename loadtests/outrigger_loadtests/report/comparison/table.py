"""A comparison as its terminal shows it."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from outrigger_loadtests.report.comparison.compare import Compared, Comparison, Exit
from outrigger_loadtests.report.comparison.rule import Change, Figure, loss_of
from outrigger_loadtests.report.text import NOTHING, one_line

_STYLES = {
    Change.WORSE: "bold red",
    Change.NOISY: "magenta",
    Change.BETTER: "green",
    Change.SAME: "",
    Change.UNKNOWN: "magenta",
}
_HEADLINES = {
    Exit.SAME: ("SAME", "bold green", "nothing got worse"),
    Exit.WORSE: ("WORSE", "bold red", "the candidate lost more than the measurements vary"),
    Exit.BROKEN: ("FAIL", "bold red", "the candidate breaks promises that the base kept"),
    Exit.UNKNOWN: ("UNKNOWN", "bold magenta", "it cannot be told"),
}


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print what came of it, every broken promise, every figure and every doubt."""
    word, style, words = _HEADLINES[comparison.exit_code]
    console.print(Text.assemble((word, style), f" {words}"), soft_wrap=True)
    for each in comparison.broken:
        console.print(Text(f"broken by the candidate only: {one_line(each)}"), soft_wrap=True)
    if comparison.figures:
        console.print(_figures(comparison))
    for each in comparison.doubts:
        console.print(Text(f"in doubt: {one_line(each)}"), soft_wrap=True)


def _figures(comparison: Comparison) -> Table:
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("figure")
    for name in ("base", "its range", "candidate", "its range", "change"):
        table.add_column(name, justify="right")
    table.add_column("")
    for each in comparison.figures:
        table.add_row(
            one_line(each.name, 60),
            *_told(each.base),
            *_told(each.candidate),
            _change(each),
            Text(each.change, _STYLES[each.change]),
        )
    return table


def _told(figure: Figure | None) -> tuple[str, str]:
    if figure is None or not figure.repeats:
        return NOTHING, NOTHING
    low, high = min(figure.repeats), max(figure.repeats)
    return f"{figure.value:,.3g}{figure.unit}", f"{low:,.3g} to {high:,.3g}"


def _change(each: Compared) -> str:
    if each.base is None or each.candidate is None or each.change is Change.UNKNOWN:
        return NOTHING
    loss = loss_of(each.base, each.candidate)
    gained = loss if not each.base.more_is_better else -loss
    return f"{100 * gained:+.0f} %"
