"""The `outrigger` command: reads the environment once, starts the server, ends with it."""

import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop

from outrigger_server.api.application import make_api
from outrigger_server.api.auth.api_keys import NAME, digest_of, new_key
from outrigger_server.api.surroundings import open_surroundings
from outrigger_server.app import Running, open_server
from outrigger_server.assistants_apply.cli import assistants
from outrigger_server.configuration.cli import config as config_cli
from outrigger_server.configuration.reading import Configuration, read_configuration
from outrigger_server.dockerfile import dockerfile as written_dockerfile
from outrigger_server.dockerfile import read_image_spec
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.environment import give_secrets
from outrigger_server.graphs.registry import GraphRegistry, load_graphs
from outrigger_server.relayed_traces import relayed_traces
from outrigger_server.serving import HttpServer, StopSignals, http_server, listen, url_of
from outrigger_server.settings import Settings, load_settings
from outrigger_server.sidecar_process import (
    SidecarProcess,
    free_port,
    url_from_here,
    with_plain_port,
)
from outrigger_telemetry.line_output import LineOutput
from outrigger_telemetry.logging import configure_logging, get_logger
from outrigger_telemetry.metrics import Metrics, open_process_metrics
from outrigger_telemetry.redaction import redact_text

cli = typer.Typer(
    name="outrigger",
    help="A LangGraph server that ships with its own ops.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(assistants)
cli.add_typer(config_cli)
keys_cli = typer.Typer(help="API keys for OUTRIGGER_AUTH=api_key.", no_args_is_help=True)
cli.add_typer(keys_cli, name="keys")
log = get_logger("outrigger")

HAND_BACK_SECONDS = 5.0
"""What handing runs back may take beyond the grace, and again in a hurry."""

GARBAGE_OBJECTS = 20_000
"""New objects after which the garbage collector looks at them; a run makes thousands."""

Config = Annotated[Path | None, typer.Option(help="The langgraph.json to serve.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the database and metrics.")]
SidecarPort = Annotated[int | None, typer.Option(help="Port of the sidecar.")]
NoSidecar = Annotated[bool, typer.Option("--no-sidecar", help="Start no sidecar.")]
NoWorker = Annotated[bool, typer.Option("--no-worker", help="Serve the API, run nothing.")]


@cli.command()
def up(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    sidecar_port: SidecarPort = None,
    no_sidecar: NoSidecar = False,  # noqa: FBT002  a flag
) -> None:
    """Start the server with its sidecar; Ctrl-C stops both."""
    whole = _configuration(
        config=config,
        host=host,
        port=port,
        data_dir=data_dir,
        sidecar_port=sidecar_port,
        no_sidecar=no_sidecar or None,
    )
    _run(whole, with_sidecar=not whole.settings.sidecar.no_sidecar)


@cli.command()
def serve(
    config: Config = None,
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    no_worker: NoWorker = False,  # noqa: FBT002  a flag
) -> None:
    """Start the server alone."""
    whole = _configuration(
        config=config,
        host=host,
        port=port,
        data_dir=data_dir,
        no_worker=no_worker or None,
    )
    _run(whole, with_sidecar=False)


@cli.command()
def worker(config: Config = None, data_dir: DataDir = None) -> None:
    """Work off the runs of a PostgreSQL that other processes serve; no API."""
    whole = _configuration(serves=False, config=config, data_dir=data_dir, no_worker=False)
    registry = load_graphs(whole.manifest)
    _run_to_the_end(_work(whole, registry))


@keys_cli.command("new")
def new_api_key(name: str) -> None:
    """Make an API key for NAME: print it once, and the line for OUTRIGGER_API_KEYS_FILE."""
    if not NAME.fullmatch(name):
        raise ConfigurationError([f"{name!r}: a name has letters, digits and . _ @ -"])
    key = new_key()
    print(f"key   {key}")
    print(f"line  {name}:{digest_of(key)}")


@cli.command()
def migrate() -> None:
    """Bring the schema of the PostgreSQL at POSTGRES_URI up to date; safe to run again."""
    settings = load_settings(os.environ)
    uri = settings.scale.postgres_uri
    if uri is None:
        raise ConfigurationError(["POSTGRES_URI: set it; SQLite is migrated by every start"])
    from outrigger_server.stores.postgres import migrate_postgres
    from outrigger_telemetry.schema_revision import SCHEMA_REVISION

    migrate_postgres(uri.get_secret_value())
    print(f"The schema is at {SCHEMA_REVISION}.")


@cli.command()
def dockerfile(
    config: Config = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; else stdout.")
    ] = None,
) -> None:
    """Write a Dockerfile for the graphs of a langgraph.json, without any value of its env."""
    spec = read_image_spec(load_settings(os.environ, config=config).server.config)
    release = version("langgraph-outrigger")
    text = written_dockerfile(spec, f"langgraph-outrigger[server,postgres,redis]=={release}")
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, encoding="utf-8")
    if not (spec.folder / ".dockerignore").exists():
        advice = "without a .dockerignore a build copies all of it, also .git and .venv"
        print(f"outrigger: {spec.folder}: {advice}", file=sys.stderr)


def main() -> None:
    """Run the command; a wrong configuration is said in plain lines, exit code 1.

    What stops it is told without secrets, whatever it is.
    """
    try:
        cli()
    except ConfigurationError as error:
        for fault in error.faults:
            print(f"outrigger: {fault}", file=sys.stderr)
        sys.exit(1)
    except Exception:  # noqa: BLE001  Python would show it with all that it says
        print(redact_text(traceback.format_exc()), file=sys.stderr, end="")
        sys.exit(1)


def _run(whole: Configuration, *, with_sidecar: bool) -> None:
    sidecar = _prepare_sidecar(whole) if with_sidecar else None
    registry = load_graphs(whole.manifest)
    _run_to_the_end(_serve(whole, registry, sidecar))


def _configuration(*, serves: bool = True, **flags: object) -> Configuration:
    """What this process is to go by. Graphs find their secrets in the environment as ever."""
    give_secrets()
    return read_configuration(os.environ, serves=serves, **flags)


def _prepare_sidecar(whole: Configuration) -> SidecarProcess:
    """Choose the sidecar's port, and point tracing at it before a graph can look."""
    settings = whole.settings
    environ = with_plain_port({**whole.manifest.environment, **whole.environ})
    host = settings.sidecar.sidecar_host
    port = free_port(host, settings.sidecar.sidecar_port)
    relayed = relayed_traces(settings, environ, url_from_here(host, port, environ))
    os.environ.update(relayed.server)
    kept = {name: value for name, value in environ.items() if name not in relayed.hidden}
    return SidecarProcess(settings, port, kept)


def _run_to_the_end(main: Coroutine[None, None, bool]) -> None:
    """Run `main`, and end the process even though it says that a thread is stuck."""
    _look_at_new_objects_only()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stuck = runner.run(main)
    if stuck:
        # A node or a sender of traces that never returns: Python would wait for its thread.
        os._exit(0)


def _look_at_new_objects_only() -> None:
    """Spare the garbage collector what was imported: it is large, and stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 20, 20)


async def _serve(
    whole: Configuration, registry: GraphRegistry, sidecar: SidecarProcess | None
) -> bool:
    """Serve until a signal; True when a thread is left that would keep the process."""
    settings, manifest = whole.settings, whole.manifest
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(StopSignals())
        listener = stack.enter_context(listen(settings.server.host, settings.server.port))
        url = url_of(settings.server.host, listener.getsockname()[1])
        if sidecar is not None:
            await stack.enter_async_context(sidecar.watch(url))
        metrics = _open_metrics(settings)
        stack.callback(metrics.close)
        output = _configure_logging(settings, metrics, service="server")
        _log_warnings(whole)
        running = await stack.enter_async_context(
            open_server(settings, registry, metrics, manifest)
        )
        around = await stack.enter_async_context(
            open_surroundings(manifest, settings.auth, metrics)
        )
        server = http_server(make_api(running.services, around), settings.server.trusted_proxies)
        serving = asyncio.ensure_future(server.serve([listener]))
        if sidecar is not None:
            await sidecar.ready()
        _announce(url, sidecar, registry)
        stopping = asyncio.ensure_future(signals.stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await _stop(running, server, signals, settings)
        await serving
    if running.stuck:
        output.close()  # the process ends without its usual last steps
        return True
    return False


async def _work(whole: Configuration, registry: GraphRegistry) -> bool:
    """Work until a signal; True when a thread is left that would keep the process."""
    settings, manifest = whole.settings, whole.manifest
    async with AsyncExitStack() as stack:
        signals = stack.enter_context(StopSignals())
        metrics = _open_metrics(settings, role="worker")
        stack.callback(metrics.close)
        output = _configure_logging(settings, metrics, service="worker")
        _log_warnings(whole)
        running = await stack.enter_async_context(
            open_server(settings, registry, metrics, manifest)
        )
        log.info("ready", graphs=list(registry.ids), slots=settings.worker.worker_slots)
        await signals.stop.wait()
        await _drain(running, signals, settings)
    if running.stuck:
        output.close()  # the process ends without its usual last steps
        return True
    return False


def _log_warnings(whole: Configuration) -> None:
    for warning in whole.manifest.warnings:
        log.warning("manifest", reason=warning)
    for warning in whole.warnings:
        log.warning("environment", reason=warning)


def _configure_logging(settings: Settings, metrics: Metrics, *, service: str) -> LineOutput:
    return configure_logging(
        service=service,
        format=_log_format(settings),
        level=settings.logs.log_level,
        metrics=metrics,
    )


def _open_metrics(settings: Settings, *, role: str = "server") -> Metrics:
    storage = settings.storage
    setting, folder = "OUTRIGGER_DATA_DIR", storage.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        setting, folder = "OUTRIGGER_METRICS_DIR", storage.metrics_dir
        return open_process_metrics(folder, role=role)
    except OSError as error:
        flag = "--data-dir" if folder.is_relative_to(storage.data_dir) else setting
        fault = (
            f"{setting}: {folder} cannot be used: {error.strerror}. "
            f"Give {flag} a folder that can be written and has free space."
        )
        raise ConfigurationError([fault]) from error


async def _stop(
    running: Running, server: HttpServer, signals: StopSignals, settings: Settings
) -> None:
    """Drain the runs, unless in a hurry, then let the HTTP server go."""
    await _drain(running, signals, settings)
    server.should_exit = True


async def _drain(running: Running, signals: StopSignals, settings: Settings) -> None:
    log.info("stopping", grace_seconds=settings.server.shutdown_grace_seconds)
    grace = settings.server.shutdown_grace_seconds
    draining = asyncio.ensure_future(running.drain(grace))
    hurrying = asyncio.ensure_future(signals.hurry.wait())
    await asyncio.wait(
        {draining, hurrying},
        timeout=grace + HAND_BACK_SECONDS,
        return_when=asyncio.FIRST_COMPLETED,
    )
    hurrying.cancel()
    if not draining.done():
        hasty = asyncio.ensure_future(running.drain(0))
        await asyncio.wait({draining, hasty}, timeout=HAND_BACK_SECONDS)
        if not draining.done():  # the database takes nothing any more
            log.error("runs_not_handed_back")
            running.abandon()
        await asyncio.wait({draining, hasty})


def _announce(url: str, sidecar: SidecarProcess | None, registry: GraphRegistry) -> None:
    graph_id = registry.ids[0]
    talks = registry.source(graph_id).takes_messages
    message = '{"messages": [{"role": "user", "content": "add task buy milk"}]}'
    attempt = (
        f"curl -s {url}/threads/$(curl -s -X POST {url}/threads -d '{{}}' | cut -d'\"' -f4)"
        f'/runs/wait -d \'{{"assistant_id": "{graph_id}", '
        f'"input": {message if talks else "{}"}}}\''
    )
    log.info(
        "ready",
        server=url,
        sidecar=sidecar.url if sidecar is not None else None,
        graphs=list(registry.ids),
    )
    lines = [f"Server   {url}        API docs {url}/docs"]
    if sidecar is not None:
        lines.append(f"Sidecar  {sidecar.url}        /health  /metrics")
    lines += [f"Graphs   {', '.join(registry.ids)}", "Try      " + attempt, "Stop     Ctrl-C"]
    print("\n".join(["", *lines, ""]), file=sys.stderr, flush=True)


def _log_format(settings: Settings) -> Literal["json", "console"]:
    if settings.logs.log_format != "auto":
        return settings.logs.log_format
    return "console" if sys.stdout.isatty() else "json"
