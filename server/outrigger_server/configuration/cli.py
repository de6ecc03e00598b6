"""The commands `outrigger config …`. Exit codes: 0 good, 1 faults or drift, 2 no such file."""

import json
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from outrigger_server.configuration.drift import Drift
from outrigger_server.configuration.env_files import read_env_file
from outrigger_server.configuration.reading import Survey, surveyed
from outrigger_server.configuration.shown import shown_values, table
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.environment import give_environment, give_secrets
from outrigger_telemetry.setting_names import FILE, SECRET_NAMES

config = typer.Typer(name="config", help="Check, show and compare.", no_args_is_help=True)

FAULTS = 1
DRIFT = 1
WRONG = 2


class Format(StrEnum):
    """How values are written."""

    TEXT = "text"
    JSON = "json"


Manifest = Annotated[Path | None, typer.Option("--config", help="The langgraph.json to serve.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the database and metrics.")]
EnvFile = Annotated[
    Path | None,
    typer.Option(help="Variables the process will get, NAME=value a line; the environment wins."),
]
Worker = Annotated[bool, typer.Option("--worker", help="As `outrigger worker` would start.")]
Shown = Annotated[Format, typer.Option("--format", help="text or json.")]
File = Annotated[Path, typer.Argument(help="NAME=value a line.")]


@config.command()
def check(
    manifest: Manifest = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    worker: Worker = False,  # noqa: FBT002  a flag
) -> None:
    """Say everything that is wrong with settings, langgraph.json and graphs; start nothing."""
    given = _from_file(env_file)
    give_environment(given)  # for the graphs, which are imported
    give_secrets()
    survey = surveyed(
        os.environ, serves=not worker, config=manifest, host=host, port=port, data_dir=data_dir
    )
    faults = survey.with_imports(serves=not worker)
    _warn([*_of_manifest(survey), *survey.warnings])
    if faults:
        _tell(faults)
        sys.exit(FAULTS)
    print(_praise(survey))


@config.command()
def show(
    manifest: Manifest = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    env_file: EnvFile = None,
    shown: Shown = Format.TEXT,
) -> None:
    """Show every effective value and where it comes from; secrets are masked."""
    given = _from_file(env_file)
    environ = {**given, **os.environ}
    survey = surveyed(
        environ, serves=True, config=manifest, host=host, port=port, data_dir=data_dir
    )
    files = {name: str(env_file) for name in given if name not in os.environ}
    files |= {name: name + FILE for name in SECRET_NAMES if name + FILE in environ}
    values = shown_values(survey, survey.environ, files)
    if shown == Format.JSON:
        print(json.dumps({"settings": [each.as_json() for each in values]}, indent=2))
    else:
        print("\n".join(table(values)))
    if survey.faults:
        _tell(survey.faults)
        sys.exit(FAULTS)


@config.command()
def diff(first: File, second: File) -> None:
    """Say what two files of variables differ in; exit code 1 if anything does."""
    try:
        drift = Drift((str(first), str(second)), read_env_file(first), read_env_file(second))
    except ConfigurationError as error:
        _tell(error.faults)
        sys.exit(WRONG)
    _warn(drift.warnings())
    if drift.is_none:
        print(f"{first} and {second} say the same: {len(drift.first)} variables")
        return
    print("\n".join(drift.lines()))
    sys.exit(DRIFT)


def _from_file(path: Path | None) -> dict[str, str]:
    try:
        return read_env_file(path) if path is not None else {}
    except ConfigurationError as error:
        _tell(error.faults)
        sys.exit(WRONG)


def _of_manifest(survey: Survey) -> Sequence[str]:
    manifest = survey.found.manifest
    return manifest.warnings if manifest is not None else ()


def _praise(survey: Survey) -> str:
    settings, manifest = survey.read.settings, survey.found.manifest
    graphs = ", ".join(manifest.graphs) if manifest is not None else ""
    return f"good for {settings.deployment.environment}: {settings.server.config} with {graphs}"


def _warn(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"outrigger: warning: {line}", file=sys.stderr)


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        print(f"outrigger: {line}", file=sys.stderr)
