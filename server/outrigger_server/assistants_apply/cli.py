"""The commands `outrigger assistants …`. Exit codes: 0 done, 1 something differs, 2 wrong."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from outrigger_server.assistants_apply.apply import Step, carry_out, plan
from outrigger_server.assistants_apply.assistants_file import read_assistants
from outrigger_server.assistants_apply.remote import RemoteAssistants
from outrigger_server.errors import ConfigurationError

assistants = typer.Typer(name="assistants", help="Assistants as files.", no_args_is_help=True)

DIFFERENT = 1
WRONG = 2

File = Annotated[Path, typer.Argument(help="YAML or JSON: a list of assistants.")]
Url = Annotated[str, typer.Option(help="The server.")]
ApiKey = Annotated[str | None, typer.Option(envvar="LANGGRAPH_API_KEY", help="Sent as x-api-key.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what differs; exit code 1 if so.")]


@assistants.callback()
def _assistants() -> None:
    """Assistants as files."""


@assistants.command()
def apply(
    file: File,
    url: Url = "http://127.0.0.1:8123",
    api_key: ApiKey = None,
    dry_run: DryRun = False,  # noqa: FBT002  a flag
) -> None:
    """Bring a server's assistants in line with a file; a new version only where one differs."""
    try:
        wanted = read_assistants(file)
        with RemoteAssistants(url, api_key) as remote:
            steps = plan(wanted, remote)
            for line in _told(steps) if dry_run else carry_out(steps, remote):
                print(line, flush=True)
    except ConfigurationError as error:
        for fault in error.faults:
            print(f"outrigger: {fault}", file=sys.stderr)
        sys.exit(WRONG)
    if dry_run and any(step.changes for step in steps):
        sys.exit(DIFFERENT)


def _told(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        yield from step.lines()
