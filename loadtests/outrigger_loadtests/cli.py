"""The `outrigger-loadtest` command.

Exit codes: 0 pass, 1 objectives missed (`capacity`) or worse (`compare`), 2 usage or no server to
test, 3 fail, 4 unknown or inconclusive, 130 stopped before it began.
"""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from typing_extensions import override

from outrigger_loadtests.behaviour.file import DEFAULT as DEFAULT_PROFILE
from outrigger_loadtests.behaviour.file import SHIPPED
from outrigger_loadtests.capacity import settings as capacity_options
from outrigger_loadtests.errors import LoadTestError, UsageError
from outrigger_loadtests.faults.target import FAULTS
from outrigger_loadtests.profiles import PROFILES
from outrigger_loadtests.report.text import one_line
from outrigger_loadtests.settings import (
    ALL,
    DEFAULT_HOST,
    DEFAULT_OUTPUT,
    DEFAULT_SECONDS,
    DEFAULT_THREADS,
    LABELS,
    PROBES,
    check_settings,
    grafana,
)

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
WIDTH_OF_FILES = 120
_STRATEGIES = f"{', '.join(LABELS)} or all, one thread after the other."
_PROBES = f"Graph to talk to: {', '.join(PROBES)}, or all, one after the other."
_FAULTS = "Where whoever injects faults writes them down, a line of JSON each."
_GRAFANA = "URL of a Grafana dashboard; the report links to it with the time of the test."
_FOLDER = "Folder of an earlier run."
_START = "langgraph.json of an Outrigger to start, with a PostgreSQL and a Redis of its own."
_HARM = f"Done to the started server, with commas between: {', '.join(FAULTS)}."
_PROFILE = f"What may be expected: {', '.join(each.name for each in PROFILES)}."
_BEHAVIOUR = f"How people behave: a TOML file, or {', '.join(SHIPPED)}."
_OBJECTIVES = (
    "OPERATION=TIME for its p95, such as first_event=1s; again for more. "
    f"Without any: {', '.join(capacity_options.DEFAULT_OBJECTIVES)}."
)
# Options that several commands have.
Host = Annotated[str, typer.Option(help="URL of the server.")]
Seed = Annotated[int | None, typer.Option(help="Same seed, same plan; drawn if none.")]
Output = Annotated[Path, typer.Option(help="Folder of history and reports.")]
ApiKey = Annotated[str | None, typer.Option(help="Sent as X-Api-Key.", envvar="LANGGRAPH_API_KEY")]
ServerProfile = Annotated[str, typer.Option(help=_PROFILE)]
GrafanaUrl = Annotated[str, typer.Option(help=_GRAFANA)]
Strategies = Annotated[str, typer.Option(help=_STRATEGIES)]
MasterPort = Annotated[int, typer.Option(help="At which port.", min=1, max=65535)]
# What typer raises for options it cannot read. Newer ones bring their own click, older ones do not.
_Misused: type[Exception] = typer.BadParameter.__mro__[1]

cli = typer.Typer(
    name="outrigger-loadtest",
    help="Does a LangGraph server keep its double-texting promises, and how much does it hold?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@cli.callback(invoke_without_command=True)
def commands(context: typer.Context) -> None:
    """Test a LangGraph server."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise UsageError("a command is missing, such as check")


@cli.command()
def check(  # noqa: PLR0913  one for each option
    *,
    host: Host = DEFAULT_HOST,
    strategy: Strategies = ALL,
    probe: Annotated[str, typer.Option(help=_PROBES)] = ALL,
    threads: Annotated[int, typer.Option(help="Conversations at once.")] = DEFAULT_THREADS,
    duration: Annotated[float, typer.Option(help="Seconds of sending.")] = DEFAULT_SECONDS,
    seed: Seed = None,
    output: Output = DEFAULT_OUTPUT,
    api_key: ApiKey = None,
    server_profile: ServerProfile = PROFILES[0].name,
    faults_log: Annotated[Path | None, typer.Option(help=_FAULTS)] = None,
    grafana_url: GrafanaUrl = "",
    start: Annotated[Path | None, typer.Option(help=_START)] = None,
    faults: Annotated[str, typer.Option(help=_HARM)] = "",
    profile: Annotated[str, typer.Option(help=f"{_BEHAVIOUR} Without it: as hard as can be.")] = "",
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
        faults_log=faults_log,
        grafana_url=grafana_url,
        start=start,
        faults=faults,
        environment=os.environ,
        behaviour=profile,
    )
    from outrigger_loadtests.check import check as run  # it patches the process, and takes its time

    raise typer.Exit(run(settings, _Screen()))


@cli.command()
def capacity(  # noqa: PLR0913  one for each option
    *,
    host: Host = DEFAULT_HOST,
    strategy: Strategies = ALL,
    probe: Annotated[str, typer.Option(help=f"Graph to talk to: {', '.join(PROBES)}.")] = PROBES[0],
    profile: Annotated[str, typer.Option(help=_BEHAVIOUR)] = DEFAULT_PROFILE,
    slo_p95: Annotated[list[str] | None, typer.Option(help=_OBJECTIVES)] = None,
    error_budget: Annotated[
        float, typer.Option(help="Share of requests that may fail.")
    ] = capacity_options.ERROR_BUDGET,
    stage: Annotated[
        float, typer.Option(help="Measured seconds of a stage.")
    ] = capacity_options.DEFAULT_STAGE,
    warm_up: Annotated[
        float, typer.Option(help="Seconds of a stage before them.")
    ] = capacity_options.DEFAULT_WARM_UP,
    repeats: Annotated[
        int, typer.Option(help="Searches, for the range.")
    ] = capacity_options.DEFAULT_REPEATS,
    start_rate: Annotated[
        float, typer.Option(help="Conversations a second to begin with.")
    ] = capacity_options.DEFAULT_START,
    max_rate: Annotated[
        float, typer.Option(help="Do not try more.")
    ] = capacity_options.DEFAULT_MOST,
    target_rate: Annotated[float | None, typer.Option(help="Exit with 1 if it holds less.")] = None,
    checked_share: Annotated[
        float, typer.Option(help="Share of conversations the checker judges.")
    ] = capacity_options.DEFAULT_CHECKED,
    closed_users: Annotated[
        str, typer.Option(help="Users of the closed stages; empty for none.")
    ] = capacity_options.DEFAULT_USERS,
    in_flight_cap: Annotated[
        int, typer.Option(help="Conversations at once, of each worker.")
    ] = capacity_options.CAP,
    max_send_lag: Annotated[
        float, typer.Option(help="Seconds of send lag p99 up to which the generator is believed.")
    ] = capacity_options.MAX_SEND_LAG,
    max_cpu: Annotated[
        float, typer.Option(help="Share of a core up to which the generator is believed.")
    ] = capacity_options.MAX_CPU,
    seed: Seed = None,
    output: Output = DEFAULT_OUTPUT,
    api_key: ApiKey = None,
    server_profile: ServerProfile = PROFILES[0].name,
    processes: Annotated[int, typer.Option(help="Generators on this machine.", min=1, max=256)] = 1,
    expect_workers: Annotated[
        int, typer.Option(help="Lead so many workers that dial in.", min=0, max=1000)
    ] = 0,
    master_bind: Annotated[str, typer.Option(help="Where they dial in.")] = "127.0.0.1",
    master_port: MasterPort = 5557,
    metrics_address: Annotated[
        str | None, typer.Option(help="HOST:PORT of the generator's own metrics.")
    ] = None,
    grafana_url: GrafanaUrl = "",
) -> None:
    """Find how much a server holds under your objectives, for each strategy."""
    check = capacity_options.one_probe(
        host=host,
        strategy=strategy,
        probe=probe,
        seed=seed,
        output=output,
        api_key=api_key,
        server_profile=server_profile,
        grafana_url=grafana_url,
    )
    settings = capacity_options.capacity_settings(
        check=check,
        profile=profile,
        slo_p95=slo_p95 or capacity_options.DEFAULT_OBJECTIVES,
        error_budget=error_budget,
        stage=stage,
        warm_up=warm_up,
        repeats=repeats,
        start=start_rate,
        most=max_rate,
        target=target_rate,
        checked_share=checked_share,
        closed_users=closed_users,
        limits=capacity_options.Limits(max_send_lag, max_cpu),
        cap=in_flight_cap,
    )
    if api_key is not None:
        os.environ["LANGGRAPH_API_KEY"] = api_key  # for workers of our own, and not in their words
    from outrigger_loadtests.capacity.command import Crew
    from outrigger_loadtests.capacity.command import capacity as run
    from outrigger_loadtests.generator.metrics import address

    place = None if metrics_address is None else address("--metrics-address", metrics_address)
    crew = Crew(processes, expect_workers, master_bind, master_port, place)
    raise typer.Exit(run(settings, crew, _Screen()))


@cli.command()
def worker(
    *,
    host: Host = DEFAULT_HOST,
    master_host: Annotated[str, typer.Option(help="Who leads the test.")] = "127.0.0.1",
    master_port: MasterPort = 5557,
    api_key: ApiKey = None,
) -> None:
    """Make load for a capacity test that another process leads, until it ends."""
    check_settings(host=host, api_key=api_key)
    from outrigger_loadtests.capacity.command import work

    raise typer.Exit(work(host, api_key, master_host, master_port))


@cli.command()
def report(
    folder: Annotated[Path, typer.Argument(help=_FOLDER)],
    *,
    grafana_url: GrafanaUrl = "",
) -> None:
    """Write the report of an earlier run anew, from its files."""
    from outrigger_loadtests.rendering import render_again  # what it needs takes its time

    for path in render_again(folder, grafana(grafana_url)):
        print(f"wrote {path}")


@cli.command()
def compare(
    base: Annotated[Path, typer.Argument(help="Folder of the run to compare with.")],
    candidate: Annotated[Path, typer.Argument(help="Folder of the run that may be worse.")],
) -> None:
    """Say whether a candidate is worse than its base: 0 no, 1 slower, 3 wrong, 4 in doubt."""
    from outrigger_loadtests.comparing import compare_folders  # what it needs takes its time

    raise typer.Exit(compare_folders(base, candidate, _Screen()))


class _Screen(Console):
    """Where a check shows how far it is; its report does not depend on anybody looking.

    A file has no width: its lines are long enough for the widest table.
    """

    def __init__(self) -> None:
        super().__init__()
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = WIDTH_OF_FILES

    @override
    def on_broken_pipe(self) -> None:
        """Go on unseen, for whoever read the output has gone."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command; what is wrong with its options or its target is said in one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a character it lacks is no reason to stop
    try:
        code = cli(standalone_mode=False)
    except LoadTestError as error:
        _quit(str(error))
    except _Misused as error:
        _quit(getattr(error, "format_message", error.__str__)())
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        _quit(f"{error.filename or 'the output'} cannot be written: {error.strerror or error}")
    sys.exit(code)


def _quit(reason: str) -> NoReturn:
    print(f"outrigger-loadtest: {one_line(reason)}", file=sys.stderr)
    sys.exit(EXIT_USAGE)


if __name__ == "__main__":
    main()
