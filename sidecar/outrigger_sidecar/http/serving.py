"""Runs uvicorn on sockets until someone says stop; ends with a clean return, not a signal."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from outrigger_sidecar.http.connection import BoundedConnection, Limits
from outrigger_telemetry.metric_specs import SIDECAR_REFUSED_TOTAL
from outrigger_telemetry.metrics import Metrics

GRACE_SECONDS = 2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STDIN = 0


class QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to us.

    Its own handling raises a caught signal again once it has stopped, and the process would
    end by that signal in place of exit code 0.
    """

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of TLS: a certificate with its chain, and its key."""

    chain: Path
    key: Path


def http_server(
    app: ASGIApp, metrics: Metrics, certificate: Certificate | None, limits: Limits
) -> QuietServer:
    """Make the server; what it refuses is counted."""

    def refused(reason: str) -> None:
        metrics.increment(SIDECAR_REFUSED_TOTAL, reason=reason)

    connection: Any = partial(BoundedConnection, limits=limits, refused=refused)
    return QuietServer(
        uvicorn.Config(
            app,
            http=connection,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=certificate.chain if certificate else None,
            ssl_keyfile=certificate.key if certificate else None,
        )
    )


async def serve_until_stopped(
    servers: Sequence[tuple[QuietServer, socket]], *, stop_with_stdin: bool
) -> None:
    """Serve until SIGTERM or SIGINT; with `stop_with_stdin` until the end of stdin instead."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server, _ in servers:
            server.should_exit = True

    # A terminal sends Ctrl-C, and systemd SIGTERM, to the parent as well: it stops first, and
    # sends its last traces here.
    heard = (lambda: None) if stop_with_stdin else stop
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(heard))
    if stop_with_stdin:
        threading.Thread(target=_wait_for_end_of_stdin, args=(loop, stop), daemon=True).start()
    async with asyncio.TaskGroup() as group:
        for server, listener in servers:
            group.create_task(server.serve(sockets=[listener]))
    for number in STOP_SIGNALS:  # one that comes now would only change the exit code
        signal.signal(number, signal.SIG_IGN)


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(_STDIN, 4096):
        pass
    loop.call_soon_threadsafe(stop)
