"""The `outrigger-loadtest` command. Exit codes: 0 pass, 2 usage, 3 fail, 4 unknown."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from outrigger_loadtests.errors import LoadTestError
from outrigger_loadtests.profiles import PROFILES
from outrigger_loadtests.settings import (
    ALL,
    DEFAULT_HOST,
    DEFAULT_OUTPUT,
    DEFAULT_SECONDS,
    DEFAULT_THREADS,
    LABELS,
    PROBES,
    check_settings,
)

EXIT_USAGE = 2
_STRATEGIES = f"{', '.join(LABELS)} or all, one thread after the other."
_PROBES = f"Graph to talk to: {', '.join(PROBES)}, or all, one after the other."
_PROFILE = f"What may be expected: {', '.join(each.name for each in PROFILES)}."

cli = typer.Typer(
    name="outrigger-loadtest",
    help="Does a LangGraph server keep its double-texting promises?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@cli.callback()
def commands() -> None:
    """Test a LangGraph server."""


@cli.command()
def check(  # noqa: PLR0913  one for each option
    *,
    host: Annotated[str, typer.Option(help="URL of the server.")] = DEFAULT_HOST,
    strategy: Annotated[str, typer.Option(help=_STRATEGIES)] = ALL,
    probe: Annotated[str, typer.Option(help=_PROBES)] = ALL,
    threads: Annotated[int, typer.Option(help="Conversations at once.")] = DEFAULT_THREADS,
    duration: Annotated[float, typer.Option(help="Seconds of sending.")] = DEFAULT_SECONDS,
    seed: Annotated[int | None, typer.Option(help="Same seed, same plan; drawn if none.")] = None,
    output: Annotated[Path, typer.Option(help="Folder of history and reports.")] = DEFAULT_OUTPUT,
    api_key: Annotated[
        str | None, typer.Option(help="Sent as X-Api-Key.", envvar="LANGGRAPH_API_KEY")
    ] = None,
    server_profile: Annotated[str, typer.Option(help=_PROFILE)] = PROFILES[0].name,
) -> None:
    """Double-text a server and prove or disprove what each strategy promises."""
    settings = check_settings(
        host=host,
        strategy=strategy,
        probe=probe,
        threads=threads,
        duration=duration,
        seed=seed,
        output=output,
        api_key=api_key,
        server_profile=server_profile,
    )
    from outrigger_loadtests.check import check as run  # it patches the process, and takes its time

    raise typer.Exit(run(settings, Console()))


def main() -> None:
    """Run the command; what is wrong with its options or its target is said in one line."""
    try:
        cli()
    except LoadTestError as error:
        _quit(str(error))
    except OSError as error:
        _quit(f"{error.filename or 'the output'} cannot be written: {error.strerror}")


def _quit(reason: str) -> None:
    print(f"outrigger-loadtest: {reason}", file=sys.stderr)
    sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
