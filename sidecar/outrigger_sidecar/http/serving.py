"""Runs uvicorn on a socket until someone says stop; ends with a clean return, not a signal."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

GRACE_SECONDS = 2
MAX_CONNECTIONS = 100
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


async def serve_until_stopped(app: FastAPI, listener: socket, *, stop_with_stdin: bool) -> None:
    """Serve `app` until SIGTERM; until SIGINT, too, or until the end of stdin."""
    server = QuietServer(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    loop.add_signal_handler(signal.SIGTERM, stop)
    if stop_with_stdin:
        # A terminal sends Ctrl-C to parent and child; the parent decides when we stop.
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        threading.Thread(target=_wait_for_end_of_stdin, args=(loop, stop), daemon=True).start()
    else:
        loop.add_signal_handler(signal.SIGINT, stop)
    await server.serve(sockets=[listener])


def _wait_for_end_of_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(_STDIN, 4096):
        pass
    loop.call_soon_threadsafe(stop)
