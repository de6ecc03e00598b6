"""Serves the API over HTTP until a signal asks for the end, then stops in order.

Who has connected by then is still answered: uvicorn alone resets connections that wait to be
accepted and closes those whose request it has not read yet, and a proxy cannot know whether such a
request was carried out.
"""

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Iterator, Sequence
from typing import Any, Self

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from outrigger_server.errors import ConfigurationError

CONNECTIONS_GRACE_SECONDS = 3
LOOKS, LOOK_SECONDS = 50, 0.01
"""How often a stopping server looks for the request of somebody who has just connected."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the runs are drained before it may exit."""

    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nobody in any more, hear those who are at the door, and stop when all have gone."""
        at_the_door = [each for listener in sockets or () for each in _accepted(listener)]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in at_the_door:
            await loop.connect_accepted_socket(self._protocol, connection)
        for _ in range(LOOKS):
            if not any(_is_silent(each) for each in self.server_state.connections):
                break
            await asyncio.sleep(LOOK_SECONDS)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        made: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """Accept everybody who waits."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # nobody is left
            return
        connection.setblocking(False)  # noqa: FBT003  so it is called
        yield connection


def _is_silent(connection: Any) -> bool:
    """True for a connection on which no request has begun; a WebSocket began as one."""
    return hasattr(connection, "cycle") and connection.cycle is None


def listen(host: str, port: int, settings: str = "OUTRIGGER") -> socket.socket:
    """A socket bound to the address that `settings`_HOST and `settings`_PORT ask for.

    Raises:
        ConfigurationError: The address is in use or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio switches Nagle's delay off; else answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError([_why_not(host, port, settings, error)]) from error
    listener.set_inheritable(False)
    return listener


def url_of(host: str, port: int, scheme: str = "http") -> str:
    """The URL of what listens there."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _why_not(host: str, port: int, settings: str, error: OSError) -> str:
    flag = "--sidecar-port" if settings.endswith("SIDECAR") else "--port"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{settings}_PORT: {host}:{port} is in use. "
            f"Stop what listens there, or give {flag} another one."
        )
    return f"{settings}_HOST: cannot listen on {host}:{port}: {error.strerror}."


def http_server(app: FastAPI, trusted_proxies: Sequence[str] = ()) -> HttpServer:
    """An HTTP server for the application; its access log is ours.

    Whom a request came from, and whether over TLS, is believed of those proxies alone.
    """
    return HttpServer(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=75,
            timeout_graceful_shutdown=CONNECTIONS_GRACE_SECONDS,
        )
    )


class StopSignals:
    """SIGINT and SIGTERM as events: the first asks for the end, the second for haste.

    A context manager, entered in the loop. From its exit on both signals are ignored: the process
    is about to end by itself, and one that comes late would end it with another exit code.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        # Not `loop.add_signal_handler`: with the loop these would get their default action back.
        for number in STOP_SIGNALS:
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._hear))
        return self

    def __exit__(self, *_: object) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _hear(self) -> None:
        if self.stop.is_set():
            self.hurry.set()
        self.stop.set()
