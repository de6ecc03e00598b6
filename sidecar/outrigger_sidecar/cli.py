"""The command `outrigger-sidecar`."""

import asyncio
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from outrigger_sidecar import app
from outrigger_sidecar.errors import ConfigurationError, ListenError
from outrigger_sidecar.settings import load_settings
from outrigger_telemetry.redaction import redact_text

EXIT_CANNOT_START = 1
EXIT_BAD_SETTINGS = 2


def main() -> None:
    """Run the sidecar. Exit codes: 0 stopped, 1 cannot listen, 2 bad settings."""
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command(help=serve.__doc__)(serve)
    try:
        command()
    except Exception:  # noqa: BLE001  Python would show it with all that it says
        print(redact_text(traceback.format_exc()), file=sys.stderr, end="")
        raise SystemExit(EXIT_CANNOT_START) from None


def serve(
    *,
    target: Annotated[
        str | None,
        typer.Option(help="URL of the server to watch; '' for none [http://127.0.0.1:8123]."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on [127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on [9464].")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="The server's data directory [.outrigger].")
    ] = None,
    metrics_dir: Annotated[
        Path | None, typer.Option(help="The server's metric files [DATA_DIR/metrics].")
    ] = None,
    stop_with_stdin: Annotated[
        bool | None,
        typer.Option("--stop-with-stdin", help="Stop when stdin ends; ignore signals."),
    ] = None,
) -> None:
    """Watch an Outrigger server: health, metrics."""
    overrides = dict(locals())
    try:
        settings = load_settings(os.environ, overrides)
        asyncio.run(app.run(settings))
    except ConfigurationError as error:
        _quit(error, EXIT_BAD_SETTINGS)
    except ListenError as error:
        _quit(error, EXIT_CANNOT_START)


def _quit(error: Exception, code: int) -> None:
    print(f"outrigger-sidecar: {error}", file=sys.stderr)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
