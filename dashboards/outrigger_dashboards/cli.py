"""The command `outrigger-dashboards`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from outrigger_dashboards import files
from outrigger_dashboards.artifacts import generated, runbook_pages
from outrigger_dashboards.config import Config, load_config
from outrigger_dashboards.errors import DashboardsError, Drift
from outrigger_dashboards.linter.boards import lint_files
from outrigger_dashboards.metrics.catalogue import full_catalogue
from outrigger_dashboards.preview.pictures import draw, last_minutes

EXIT_FAULTS = 1
EXIT_WRONG = 2
OUTPUT = Path("dashboards/generated")
RUNBOOKS = Path("docs/runbooks")
PICTURES = Path("docs/pictures")
PREVIEW = Path("dashboards/preview")

Objectives = Annotated[Path | None, typer.Option("--slo", help="TOML file with your objectives.")]
Output = Annotated[Path, typer.Option(help="Folder of the generated files.")]
Prometheus = Annotated[str, typer.Option(help="URL of a Prometheus that scrapes a sidecar.")]
Minutes = Annotated[float, typer.Option(min=0.5, help="How far back the pictures go.")]
Pictures = Annotated[Path, typer.Option(help="Folder of the pictures.")]
Runbooks = Annotated[Path, typer.Option(help="Folder of the runbooks.")]


def main() -> None:
    """Build boards and rules. Exit codes: 0 done, 1 drift or lint, 2 cannot be built."""
    command = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True
    )
    for function in (build, check, lint, preview):
        command.command(help=function.__doc__)(function)
    try:
        command()
    except DashboardsError as error:
        print(f"outrigger-dashboards: {error}", file=sys.stderr)
        raise SystemExit(EXIT_WRONG) from error


def build(slo: Objectives = None, output: Output = OUTPUT, runbooks: Runbooks = RUNBOOKS) -> None:
    """Write boards, rules, alerts, their tests, and the facts in the runbooks."""
    config = load_config(slo)
    changed = files.write(output, generated(config, full_catalogue()))
    if runbooks.is_dir() and slo is None:
        pages = runbook_pages(config, full_catalogue(), runbooks)
        for name, text in pages.items():
            (runbooks / name).write_text(text, encoding="utf-8")
    print(f"{output}: {len(changed)} files changed")


def check(slo: Objectives = None, output: Output = OUTPUT, runbooks: Runbooks = RUNBOOKS) -> None:
    """Find out whether the files are what would be built; write nothing."""
    config = load_config(slo)
    faults = _drift(config, output)
    if slo is None:
        pages = runbook_pages(config, full_catalogue(), runbooks)
        faults += [
            f"{runbooks / name}: is out of date; run: make dashboards"
            for name, text in pages.items()
            if not (runbooks / name).exists()
            or (runbooks / name).read_text(encoding="utf-8") != text
        ]
    _end(faults)


def lint(output: Output = OUTPUT) -> None:
    """Hold the boards against the rules of the linter."""
    _end(lint_files(output / "grafana"))


def preview(
    prometheus: Prometheus = "http://127.0.0.1:9090",
    minutes: Minutes = 15,
    output: Output = OUTPUT,
    pictures: Pictures = PICTURES,
) -> None:
    """Draw every board as a picture, from a Prometheus; needs npm and Chromium."""
    drawn = draw(prometheus, output / "grafana", PREVIEW, pictures, last_minutes(minutes))
    print(f"{pictures}: {len(drawn)} pictures")


def _drift(config: Config, output: Path) -> list[str]:
    try:
        files.compare(output, generated(config, full_catalogue()))
    except Drift as drift:
        return str(drift).splitlines()
    return []


def _end(faults: list[str]) -> None:
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        raise SystemExit(EXIT_FAULTS)


if __name__ == "__main__":
    main()
