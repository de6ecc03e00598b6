"""The sidecar that `outrigger up` starts beside the server, and its end with it.

The sidecar holds a pipe from this process and leaves when it closes, so not even a kill -9
leaves one behind on the port. One that ends by itself is started again.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from outrigger_server.errors import ConfigurationError
from outrigger_server.serving import listen, url_of
from outrigger_server.settings import ScaleSettings, Settings, environment_names
from outrigger_telemetry.logging import get_logger
from outrigger_telemetry.setting_names import FILE

STOP_SECONDS = 5.0
READY_SECONDS = 20.0
POLL_SECONDS = 0.05
RESTART_SECONDS = 2.0
"""Pause before a sidecar that ended is started again."""

LOOPBACK = "127.0.0.1"
TLS = "OUTRIGGER_SIDECAR_TLS_CERT"
PLAIN_PORT = "OUTRIGGER_SIDECAR_PLAIN_PORT"

log = get_logger("outrigger.sidecar")


def free_port(host: str, wanted: int) -> int:
    """Return the port for the sidecar, known even when 0 is wanted.

    Raises:
        ConfigurationError: It is in use.
    """
    with listen(host, wanted, "OUTRIGGER_SIDECAR") as probe:
        port: int = probe.getsockname()[1]
        return port


def with_plain_port(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with a port for this machine where the sidecar speaks TLS to all others.

    Its certificate names the host as others know it, and senders of traces would refuse it here.
    """
    if not environ.get(TLS) or environ.get(PLAIN_PORT):
        return environ
    return {**environ, PLAIN_PORT: str(free_port(LOOPBACK, 0))}


def url_from_here(host: str, port: int, environ: Mapping[str, str]) -> str:
    """Where processes of this machine reach a sidecar that listens on `host` and `port`."""
    plain = environ.get(PLAIN_PORT)
    if plain:
        return f"http://{LOOPBACK}:{plain}"
    return url_of(LOOPBACK if host in ("0.0.0.0", "::") else host, port)  # noqa: S104  compared only


class SidecarProcess:
    """A sidecar for the server; runs while the `async with` block does.

    It inherits `environ`, but reads the databases that the server does, whatever the
    environment of the graphs has become.
    """

    def __init__(self, settings: Settings, port: int, environ: Mapping[str, str]) -> None:
        self._host = settings.sidecar.sidecar_host
        self._port = port
        self.url = url_of(self._host, self._port, "https" if environ.get(TLS) else "http")
        self._command: tuple[str, ...] = (
            *(sys.executable, "-m", "outrigger_sidecar"),
            *("--host", self._host, "--port", str(self._port)),
            *("--data-dir", str(settings.storage.data_dir)),
            *("--metrics-dir", str(settings.storage.metrics_dir)),
            "--stop-with-stdin",
        )
        self._environment = sidecar_environment(settings.scale, environ)

    def watch(self, target: str) -> Self:
        """Give it the URL of the server, before it is started."""
        self._command = (*self._command, "--target", target)
        return self

    async def __aenter__(self) -> Self:
        self._process = await self._start()
        self._keeping: asyncio.Task[None] | None = None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait({self._keeping})
        await self._stop()

    async def ready(self) -> None:
        """Return once the sidecar listens; from then on it is kept alive.

        Raises:
            ConfigurationError: It ended instead; its own line on stderr says why.
        """
        listening = asyncio.ensure_future(self._until_listening())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            await asyncio.wait(
                {listening, ended}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            listening.cancel()
            ended.cancel()
        if not listening.done() or listening.cancelled():
            raise ConfigurationError(
                [f"The sidecar did not start on {self.url}: see its line above, or --no-sidecar."]
            )
        self._keeping = asyncio.create_task(self._keep_alive(), name="sidecar")

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, env=self._environment
        )

    async def _until_listening(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(POLL_SECONDS)
            else:
                writer.close()
                return

    async def _keep_alive(self) -> None:
        while True:
            code = await self._process.wait()
            log.error("sidecar_ended", exit_code=code, restart_seconds=RESTART_SECONDS)
            await asyncio.sleep(RESTART_SECONDS)
            try:
                self._process = await self._start()
            except OSError as error:  # no process to be had now: wait for the next turn
                log.warning("sidecar_not_started", reason=error.strerror)

    async def _stop(self) -> None:
        """Close the pipe and wait for the sidecar to leave."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.warning("sidecar_killed", pid=self._process.pid)
            self._process.kill()
            await self._process.wait()


def sidecar_environment(scale: ScaleSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with the server's databases: not on the command line, which all can see."""
    uris = {"postgres_uri": scale.postgres_uri, "redis_uri": scale.redis_uri}
    names = {field: environment_names(field) for field in uris}
    others = {each + end for every in names.values() for each in every for end in ("", FILE)}
    environment = {name: value for name, value in environ.items() if name not in others}
    for field, uri in uris.items():
        if uri is not None:
            environment[names[field][0]] = uri.get_secret_value()
    return environment
