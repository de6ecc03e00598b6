"""The sidecar that `outrigger up` starts beside the server, and its end with it.

The sidecar holds a pipe from this process and leaves when it closes, so not even a kill -9
leaves one behind on the port.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

from outrigger_server.errors import ConfigurationError
from outrigger_server.serving import listen
from outrigger_server.settings import Settings
from outrigger_telemetry.logging import get_logger

STOP_SECONDS = 5.0
READY_SECONDS = 20.0
RETRY_SECONDS = 0.05

log = get_logger("outrigger.sidecar")


class SidecarProcess:
    """A running sidecar."""

    def __init__(self, process: Process, host: str, port: int) -> None:
        self._process = process
        self.url = f"http://{host}:{port}"
        self._host = host
        self._port = port

    @classmethod
    async def start(cls, settings: Settings, target: str) -> "SidecarProcess":
        """Start the sidecar for the server at `target`.

        Raises:
            ConfigurationError: Its port is in use.
        """
        host = settings.sidecar.sidecar_host
        with listen(host, settings.sidecar.sidecar_port, "OUTRIGGER_SIDECAR") as probe:
            port = probe.getsockname()[1]  # free, and known even when 0 was asked for
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "outrigger_sidecar"),
            *("--target", target, "--host", host, "--port", str(port)),
            *("--data-dir", str(settings.storage.data_dir)),
            *("--metrics-dir", str(settings.storage.metrics_dir)),
            "--stop-with-stdin",
            stdin=PIPE,
        )
        return cls(process, host, port)

    async def ready(self) -> None:
        """Return once the sidecar listens.

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

    async def _until_listening(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection(self._host, self._port)
            except OSError:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                writer.close()
                return

    async def ended(self) -> int:
        """Wait for the sidecar's end and return its exit code."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Close the pipe and wait for the sidecar to leave; safe to call twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            log.warning("sidecar_killed", pid=self._process.pid)
            self._process.kill()
            await self._process.wait()
