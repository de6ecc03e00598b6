import io

from rich.console import Console

from outrigger_loadtests.report.progress import ProgressBar, Standing


def log():
    return io.StringIO()


def test_without_a_terminal_a_plain_line_comes_every_ten_seconds_at_most():
    out = log()
    with ProgressBar(Console(file=out, width=40), 60) as bar:
        for second in range(31):
            bar.show(Standing(second, threads=second, runs=3 * second, operations=1000 * second))
    assert out.getvalue().splitlines() == [
        "load 0/60 s, threads 0, runs 0, operations 0",
        "load 10/60 s, threads 10, runs 30, operations 10,000",
        "load 20/60 s, threads 20, runs 60, operations 20,000",
        "load 30/60 s, threads 30, runs 90, operations 30,000",
    ]


def test_on_a_terminal_one_line_moves_and_is_gone_at_the_end():
    out = log()
    console = Console(file=out, width=100, force_terminal=True, force_interactive=True)
    with ProgressBar(console, 60) as bar:
        bar.show(Standing(12.4, threads=2, runs=3, operations=4, doing="[b]wait[/b]"))
        bar.show(Standing(90, doing="check"))
    text = out.getvalue()
    assert "[b]wait[/b] 12/60 s, threads 2, runs 3, operations 4" in text
    assert "check 90/60 s" in text
    assert text.rstrip("\r").endswith("\x1b[2K")


def test_a_bar_may_be_closed_without_having_shown_anything():
    out = log()
    with ProgressBar(Console(file=out), 60):
        pass
    assert out.getvalue() == ""


def test_a_dumb_terminal_gets_plain_lines():
    out = log()
    console = Console(file=out, force_terminal=True, force_interactive=False, color_system=None)
    with ProgressBar(console, 60) as bar:
        bar.show(Standing(1))
    assert out.getvalue() == "load 1/60 s, threads 0, runs 0, operations 0\n"
